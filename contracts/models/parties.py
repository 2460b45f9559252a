"""Who sells the heat and who takes it."""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts import scoping
from accounts.history import tracked


@tracked()
class LegalEntity(models.Model):
    """The company that sells the heat and issues the invoices."""

    code = models.SlugField(_("code"), max_length=12, unique=True, help_text=_("Begins every invoice number."))
    name = models.CharField(_("name"), max_length=160)
    address = models.TextField(_("address"))
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166-1 code of two letters."))
    vat_number = models.CharField(_("VAT number"), max_length=24)
    registration = models.CharField(_("company register"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    bank_name = models.CharField(_("bank"), max_length=80, blank=True)
    iban = models.CharField(_("IBAN"), max_length=42, blank=True)
    bic = models.CharField(_("BIC"), max_length=11, blank=True)
    payment_days = models.PositiveSmallIntegerField(_("days for payment"), default=14)
    requires_acceptance = models.BooleanField(
        _("bills only from accepted devices"),
        default=True,
        help_text=_("A meter that is polled is billed once somebody compared its device with the display."),
    )

    least_true_up_amount = models.DecimalField(
        _("smallest difference that is trued up"),
        max_digits=10,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("With VAT, in the currency of the contract; an issued bill that is off by no more stays as it is."),
    )

    objects = models.Manager()

    class Meta:
        ordering = ("code",)
        verbose_name_plural = _("legal entities")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(least_true_up_amount__gte=0), name="legal_entity_true_up_not_negative"),
            models.CheckConstraint(condition=Q(country__regex="^[A-Z]{2}$"), name="legal_entity_country_two_letters"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the legal entity's page."""
        return reverse("contracts:legalentity_detail", args=[self.pk])


@tracked()
class Offtaker(models.Model):
    """A customer who takes heat."""

    class Kind(models.TextChoices):
        """What the heat is used for."""

        POOL = "pool", _("swimming pool")
        GREENHOUSE = "greenhouse", _("greenhouse")
        HEAT_NETWORK = "heat_network", _("heat network")
        BUILDING = "building", _("building")
        OTHER = "other", _("other")

    code = models.SlugField(
        _("code"), max_length=32, unique=True, help_text=_("Short name used in files and addresses.")
    )
    name = models.CharField(_("name"), max_length=160)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.OTHER)
    address = models.TextField(_("address"))
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166-1 code of two letters."))
    vat_number = models.CharField(_("VAT number"), max_length=24, blank=True)
    billing_email = models.EmailField(_("e-mail address for bills"), blank=True)
    language = models.CharField(_("language of bills"), max_length=8, choices=settings.LANGUAGES, default="en")
    notes = models.TextField(_("notes"), blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"offtaker": "", "contract": "contracts"}

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(country__regex="^[A-Z]{2}$"), name="offtaker_country_two_letters"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["name"], name="offtaker_name"),
            models.Index(fields=["kind", "code"], name="offtaker_kind"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the offtaker's page."""
        return reverse("contracts:offtaker_detail", args=[self.pk])


class OfftakerUserObjectPermission(UserObjectPermissionBase):
    """A permission of one user on one offtaker; unused by the portal, kept for guardian."""

    content_object = models.ForeignKey(Offtaker, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        pass


@tracked()
class OfftakerGroupObjectPermission(GroupObjectPermissionBase):
    """A permission of one group on one offtaker."""

    content_object = models.ForeignKey(Offtaker, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        pass


@tracked()
class Contact(models.Model):
    """A person at an offtaker."""

    class Role(models.TextChoices):
        """What the person is asked about."""

        OPERATIONS = "operations", _("operations")
        FINANCE = "finance", _("finance")
        EMERGENCY = "emergency", _("emergency")
        MANAGEMENT = "management", _("management")

    offtaker = models.ForeignKey(
        Offtaker, verbose_name=_("offtaker"), on_delete=models.CASCADE, related_name="contacts"
    )
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.OPERATIONS)
    email = models.EmailField(_("e-mail address"), blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"offtaker": "offtaker"}

    class Meta:
        ordering = ("offtaker", "name")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), "offtaker", name="contact_name_unique_at_offtaker"),
        ]

    def __str__(self) -> str:
        return self.name


@tracked()
class Counterfactual(models.Model):
    """What an offtaker would have burned instead, for a stretch of days: the basis of savings and carbon."""

    offtaker = models.ForeignKey(
        Offtaker, verbose_name=_("offtaker"), on_delete=models.PROTECT, related_name="counterfactuals"
    )
    valid_from = models.DateField(_("from"))
    fuel_name = models.CharField(_("fuel"), max_length=40)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    fuel_per_kwh = models.DecimalField(
        _("price of the fuel"),
        max_digits=10,
        decimal_places=6,
        validators=[MinValueValidator(0)],
        help_text=_("per kWh of fuel"),
    )
    boiler_ratio = models.DecimalField(
        _("efficiency of the boiler"),
        max_digits=5,
        decimal_places=4,
        help_text=_("Share of the fuel's energy that becomes heat, 0.85 for 85 %."),
    )
    fuel_g_per_kwh = models.DecimalField(
        _("carbon of the fuel"),
        max_digits=8,
        decimal_places=3,
        validators=[MinValueValidator(0)],
        help_text=_("g CO₂e per kWh of fuel"),
    )
    source = models.CharField(
        _("source"), max_length=200, help_text=_("Where price and factor come from, with their year.")
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"offtaker": "offtaker", "contract": "offtaker__contracts"}

    class Meta:
        ordering = ("offtaker", "-valid_from")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offtaker", "valid_from"], name="counterfactual_one_per_day"),
            models.CheckConstraint(
                condition=Q(boiler_ratio__gt=0, boiler_ratio__lte=Decimal("1.1")), name="counterfactual_boiler_possible"
            ),
            models.CheckConstraint(
                condition=Q(fuel_per_kwh__gte=0, fuel_g_per_kwh__gte=0), name="counterfactual_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offtaker}: {self.fuel_name} ({self.valid_from})"


class FaultReport(models.Model):
    """What an offtaker said is wrong with the heat."""

    contract = models.ForeignKey(
        "contracts.Contract", verbose_name=_("contract"), on_delete=models.PROTECT, related_name="fault_reports"
    )
    reported_at = models.DateTimeField(_("reported"))
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("reported by"), on_delete=models.PROTECT, related_name="+"
    )
    what = models.TextField(_("what is wrong"), max_length=2000)
    phone = models.CharField(_("telephone for questions"), max_length=40, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"offtaker": "contract__offtaker", "contract": "contract"}

    class Meta:
        ordering = ("-reported_at",)
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(what=""), name="fault_report_says_something")]
        indexes: ClassVar = [models.Index(fields=["contract", "-reported_at"], name="fault_report_contract")]

    def __str__(self) -> str:
        return f"{self.contract}: {self.what[:60]}"
