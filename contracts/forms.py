"""What people type about offtakers, contracts and bills."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import DayInput
from contracts.models import Contact, Contract, Counterfactual, LegalEntity, Offtaker, PriceTerms, SlaTerms


class LegalEntityForm(forms.ModelForm):  # type: ignore[type-arg]
    """A seller."""

    class Meta:
        model = LegalEntity
        fields = (
            "code", "name", "address", "country", "vat_number", "registration", "email", "phone", "bank_name", "iban",
            "bic", "payment_days", "requires_acceptance", "least_true_up_amount",
        )  # fmt: skip


class OfftakerForm(forms.ModelForm):  # type: ignore[type-arg]
    """An offtaker."""

    class Meta:
        model = Offtaker
        fields = ("code", "name", "kind", "address", "country", "vat_number", "billing_email", "language", "notes")


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person at an offtaker."""

    class Meta:
        model = Contact
        fields = ("name", "role", "email", "phone")


class CounterfactualForm(forms.ModelForm):  # type: ignore[type-arg]
    """The boiler that the heat replaces."""

    class Meta:
        model = Counterfactual
        fields = ("valid_from", "fuel_name", "fuel_per_kwh", "currency", "boiler_ratio", "fuel_g_per_kwh", "source")
        widgets = {"valid_from": DayInput}


class ContractForm(forms.ModelForm):  # type: ignore[type-arg]
    """A contract, without its terms."""

    class Meta:
        model = Contract
        fields = (
            "number", "offtaker", "delivery_point", "legal_entity", "currency", "time_zone", "starts_on", "ends_on",
            "expected_kwh_per_year", "notes",
        )  # fmt: skip
        widgets = {"starts_on": DayInput, "ends_on": DayInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].required = False
        self.fields["time_zone"].help_text = _("Empty: that of the site.")


class PriceTermsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A price from a day on."""

    class Meta:
        model = PriceTerms
        fields = (
            "valid_from", "energy_per_kwh", "standing_per_day", "standing_per_month", "vat_ratio", "vat_note", "reason",
        )  # fmt: skip
        widgets = {"valid_from": DayInput}


class SlaTermsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A promise from a day on."""

    class Meta:
        model = SlaTerms
        fields = (
            "valid_from", "supply_min_c", "supply_max_c", "target_ratio", "credit_ratio", "credit_cap_ratio",
            "notice_h", "no_data_grace_h", "reason",
        )  # fmt: skip
        widgets = {"valid_from": DayInput}


class EndForm(forms.Form):
    """When a contract ends."""

    ends_on = forms.DateField(
        label=_("Ends on"), widget=DayInput, help_text=_("First day that no longer belongs to the contract.")
    )


class CreditForm(forms.Form):
    """What is credited, and why."""

    net_amount = forms.DecimalField(
        label=_("Net amount"), required=False, min_value=0, max_digits=14, decimal_places=3,
        help_text=_("Empty: the whole invoice, so that its month can be billed again."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=300)


class FaultForm(forms.Form):
    """What an offtaker sees going wrong."""

    what = forms.CharField(
        label=_("What is wrong?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Since when, and what you notice: too cold, too hot, a leak, a noise."),
    )  # fmt: skip
    phone = forms.CharField(label=_("Telephone for questions"), max_length=40, required=False)


class SubstitutionForm(forms.Form):
    """Why a month is billed although a rule speaks against it."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Printed on the invoice."),
    )  # fmt: skip


class TrueUpReasonForm(forms.Form):
    """Why a month is credited and billed anew."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Printed on the credit note and on the new invoice, in the language of the offtaker's bills."),
    )  # fmt: skip


class WaiverForm(forms.Form):
    """Why what a bill is off by stays as it is."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept with the true-up; auditors read it."),
    )  # fmt: skip
