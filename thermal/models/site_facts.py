"""What no meter tells: dated facts of sites, weather, and the dated numbers of laws and agencies."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models import DeliveryPoint, Site
from thermal.models.validation import DateRange

DAYS = DateRange("valid_from", "valid_until", RangeBoundary())
SAID_IN_WORDS = frozenset(
    {
        "fuel",
        "pue_category",
        "owner",
        "operator",
        "lau_code",
        "centre_type",
        "redundancy_power",
        "redundancy_cooling",
        "grid_functions",
        "refrigerants",
    }
)
_ENDS = Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from"))


@tracked()
class SiteFact(models.Model):
    """A dated statement about a site that no meter makes, with its source."""

    class Kind(models.TextChoices):
        """What is stated; amounts belong to the whole stretch from the first to the last day."""

        FLOOR_AREA = "floor_area_m2", _("floor area of the data centre, m²")
        ROOM_AREA = "room_area_m2", _("floor area of the computer rooms, m²")
        RATED_IT = "rated_it_kw", _("rated IT load, kW")
        BATTERY_GRID = "battery_grid_kw", _("battery capacity offered to the grid, kW")
        INTAKE = "intake_c", _("set-point of the IT intake air, °C")
        SERVERS = "server_capacity", _("ICT capacity of servers (SERT)")
        STORAGE = "storage_pb", _("storage capacity, PB")
        BANDWIDTH_IN = "bandwidth_in_gb_s", _("incoming bandwidth, GB/s")
        BANDWIDTH_OUT = "bandwidth_out_gb_s", _("outgoing bandwidth, GB/s")
        BOILER = "boiler_ratio", _("efficiency of the boiler that is replaced, share of one")
        HEAT_PRICE = "heat_price_per_kwh", _("value of the heat, per kWh")
        BACKUP = "backup_kw", _("rated power of the backup heater, kW (0: there is none)")
        BASE_LOAD = "heating_base_c", _("base of the heating degree days, °C")
        TOTAL = "amount_total_kwh", _("energy of the whole site, kWh")
        GENERATOR = "amount_generator_kwh", _("energy of back-up generators, kWh")
        WATER = "amount_water_m3", _("water taken in, m³")
        POTABLE = "amount_potable_m3", _("potable water taken in, m³")
        REN_GOO = "amount_ren_goo_kwh", _("renewables with guarantees of origin, kWh")
        REN_PPA = "amount_ren_ppa_kwh", _("renewables from power purchase agreements, kWh")
        REN_OWN = "amount_ren_own_kwh", _("renewables made on site, kWh")
        TRAFFIC_IN = "amount_traffic_in_eb", _("incoming traffic, EB")
        TRAFFIC_OUT = "amount_traffic_out_eb", _("outgoing traffic, EB")
        FUEL = "fuel", _("fuel that is replaced")
        PUE_CATEGORY = "pue_category", _("category of the PUE (1, 2 or 3)")
        OWNER = "owner", _("owner and contact")
        OPERATOR = "operator", _("operator and contact")
        LAU = "lau_code", _("location, LAU code")
        TYPE = "centre_type", _("type of data centre")
        REDUNDANCY = "redundancy_power", _("electrical redundancy (high, low voltage, rack)")
        REDUNDANCY_COOLING = "redundancy_cooling", _("cooling redundancy (room, rack)")
        GRID = "grid_functions", _("functions for the electrical grid")
        REFRIGERANTS = "refrigerants", _("refrigerants")

        @property
        def is_words(self) -> bool:
            """Whether it is said in words instead of a number."""
            return self.value in SAID_IN_WORDS

        @property
        def is_amount(self) -> bool:
            """Whether it is an amount of a stretch of days, and not a state."""
            return self.value.startswith("amount_")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="facts")
    kind = models.CharField(_("fact"), max_length=24, choices=Kind)
    value = models.FloatField(_("value"), null=True, blank=True, help_text=_("In the unit that the fact names."))
    words = models.CharField(_("in words"), max_length=300, blank=True)
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True, help_text=_("First day on which it is not so."))
    source = models.CharField(_("source"), max_length=200, help_text=_("Bill, data sheet, drawing or person."))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "kind", "-valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ENDS, name="site_fact_ends_after_start"),
            models.CheckConstraint(
                condition=Q(value__isnull=False, words="") | (Q(value__isnull=True) & ~Q(words="")),
                name="site_fact_number_or_words",
                violation_error_message=_("Enter either a number or words."),
            ),
            models.CheckConstraint(
                condition=~Q(kind__startswith="amount_") | Q(valid_until__isnull=False),
                name="site_fact_amount_has_end",
                violation_error_message=_("An amount belongs to a stretch of days: enter its end."),
            ),
            ExclusionConstraint(
                name="site_fact_no_overlap",
                expressions=[
                    ("site", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    (DAYS, RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("Another entry says something for some of these days; end it first."),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "valid_from"], name="site_fact_kind")]

    def __str__(self) -> str:
        return f"{self.site}: {self.get_kind_display()}"

    def get_absolute_url(self) -> str:
        """The address of the site's disclosure, where its facts stand."""
        return reverse("thermal:regulation", args=[self.site_id])


class WeatherDay(models.Model):
    """The weather of one local day of a site: its mean outdoor temperature, or degree days as a service states them."""

    pk = models.CompositePrimaryKey("site_id", "day_on")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="weather_days", db_index=False)
    day_on = models.DateField(_("day"))
    mean_c = models.FloatField(_("mean outdoor temperature"), null=True)
    heating_kd = models.FloatField(_("heating degree days"), null=True)
    source = models.CharField(_("source"), max_length=120, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "day_on")
        permissions: ClassVar = [("import_weather", "Can import the weather of sites")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(mean_c__isnull=False) | Q(heating_kd__isnull=False), name="weather_day_says_something"
            ),
            models.CheckConstraint(
                condition=Q(mean_c__isnull=True) | Q(mean_c__gte=-60, mean_c__lte=60), name="weather_day_on_earth"
            ),
            models.CheckConstraint(
                condition=Q(heating_kd__isnull=True) | Q(heating_kd__gte=0), name="weather_day_degrees_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.day_on}"


@tracked()
class WeatherDependence(models.Model):
    """That the demand of a delivery point follows the weather, and the load that it takes whatever the weather."""

    delivery_point = models.ForeignKey(
        DeliveryPoint,
        verbose_name=_("delivery point"),
        on_delete=models.PROTECT,
        related_name="weather_dependences",
    )
    base_load_kw = models.FloatField(
        _("base load"),
        default=0.0,
        validators=[MinValueValidator(0)],
        help_text=_("Mean power in kW that is taken whatever the weather, such as hot water."),
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True, help_text=_("First day on which it is not so."))
    source = models.CharField(_("source"), max_length=200, help_text=_("Measurement, contract or person."))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "delivery_point__site"}

    class Meta:
        ordering = ("delivery_point", "-valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ENDS, name="weather_dependence_ends_after_start"),
            models.CheckConstraint(condition=Q(base_load_kw__gte=0), name="weather_dependence_base_not_negative"),
            ExclusionConstraint(
                name="weather_dependence_no_overlap",
                expressions=[("delivery_point", RangeOperators.EQUAL), (DAYS, RangeOperators.OVERLAPS)],
                violation_error_message=_("Another entry says something for some of these days; end it first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_point}: {self.base_load_kw:g} kW"

    def get_absolute_url(self) -> str:
        """The address of the site's weather, where it stands."""
        return reverse("thermal:weather_site", args=[self.delivery_point.site_id])


@tracked()
class EmissionFactor(models.Model):
    """The emissions of one kWh of a fuel or of a grid's electricity, where and when they are so."""

    class Carrier(models.TextChoices):
        """What is burnt or taken."""

        GRID = "grid", _("electricity of the grid")
        NATURAL_GAS = "natural_gas", _("natural gas")
        HEATING_OIL = "heating_oil", _("heating oil")
        LPG = "lpg", _("liquefied gas")

    class Calorific(models.TextChoices):
        """The calorific value that a kWh of fuel refers to; boiler efficiencies must use the same."""

        NONE = "", _("none")
        GROSS = "gross", _("gross")
        NET = "net", _("net")

    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166-1 code; EU for the Union."))
    carrier = models.CharField(_("energy"), max_length=16, choices=Carrier)
    calorific = models.CharField(_("calorific value"), max_length=8, choices=Calorific, blank=True)
    emission_g_per_kwh = models.FloatField(
        _("emissions"), validators=[MinValueValidator(0), MaxValueValidator(2000)], help_text=_("g CO₂e per kWh")
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200)
    is_verified = models.BooleanField(_("checked by a person"), default=False)

    objects = models.Manager()

    class Meta:
        ordering = ("country", "carrier", "-valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ENDS, name="emission_factor_ends_after_start"),
            models.CheckConstraint(condition=Q(emission_g_per_kwh__gte=0), name="emission_factor_not_negative"),
            ExclusionConstraint(
                name="emission_factor_no_overlap",
                expressions=[
                    ("country", RangeOperators.EQUAL),
                    ("carrier", RangeOperators.EQUAL),
                    (DAYS, RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.get_carrier_display()} {self.valid_from}"

    def get_absolute_url(self) -> str:
        """The address of the factor's page."""
        return reverse("thermal:emissionfactor_detail", args=[self.pk])


class LegalQuota(models.Model):
    """A limit that a law sets to a key figure of data centres of some size and age, from a day on."""

    country = models.CharField(_("country"), max_length=2)
    law = models.CharField(_("law"), max_length=80)
    figure = models.CharField(_("key figure"), max_length=24)
    limit_ratio = models.FloatField(_("limit"))
    is_upper = models.BooleanField(_("must not be above"))
    least_kw = models.FloatField(_("binds from a power of"), help_text=_("kW"))
    began_from = models.DateField(_("for those that began from"), null=True, blank=True)
    began_before = models.DateField(_("for those that began before"), null=True, blank=True)
    grace_years = models.PositiveSmallIntegerField(_("years of grace"), default=0)
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200)
    is_verified = models.BooleanField(_("checked by a person"), default=False)

    objects = models.Manager()

    class Meta:
        ordering = ("country", "figure", "valid_from", "began_from")
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ENDS, name="legal_quota_ends_after_start"),
            models.CheckConstraint(condition=Q(limit_ratio__gt=0), name="legal_quota_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.law} {self.figure}"
