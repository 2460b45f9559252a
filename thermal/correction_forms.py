"""The forms that propose corrections and decide on them; they check shape, services decide."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.periods import Period
from thermal.models.corrections import EstimationMethod

MOST_ROWS: Final = 200
FEWEST_ROWS: Final = 3
OTHER: Final = "other"
UNITS: Final = (
    ("1000", _("MWh were told as kWh (times 1000)")),
    ("0.001", _("Wh were told as kWh (times 0.001)")),
    ("277.777777777778", _("GJ were told as kWh (times 277.7778)")),
    ("0.277777777777778", _("MJ were told as kWh (times 0.2778)")),
    (OTHER, _("another factor")),
)
# Where the registers at both ends are known their difference is divided; that is another form.
METHODS: Final = tuple(choice for choice in EstimationMethod.choices if choice[0] != EstimationMethod.REGISTERS)


class InstantField(forms.DateTimeField):
    """An instant to the second, in the time zone of the person, which its help says."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": 1})
        formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
        super().__init__(widget=widget, input_formats=formats, **kwargs)


class ProposalForm(forms.Form):
    """What every proposal has: a reason, which the look before it does without."""

    reason = forms.CharField(
        label=_("reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed to propose it; it stays with the correction, and auditors read it."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Ask for the reason only where something is stored."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "store" not in self.data:
            self.errors.pop("reason", None)
        cleaned.setdefault("reason", "")
        return cleaned

    def fingerprint(self) -> str:
        """What was typed, reason aside, in one word: only what was looked at is stored."""
        typed = {name: value for name, value in self.cleaned_data.items() if name not in {"reason", "row_count"}}
        told = sorted((name, str(value)) for name, value in typed.items() if value not in {None, "", False})
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


class StretchForm(ProposalForm):
    """A stretch of time of a meter, and why it is corrected."""

    starts_at = InstantField(label=_("From"), help_text=_("In your own time zone, as your profile says."))
    ends_at = InstantField(label=_("Until"), help_text=_("What is told at this instant no longer belongs to it."))

    def clean(self) -> dict[str, Any]:
        """Refuse a stretch that ends before it starts."""
        cleaned = super().clean()
        start, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        if start and end and end <= start:
            self.add_error("ends_at", _("Choose an end after the start."))
        return cleaned

    def period(self) -> Period:
        """The stretch."""
        return Period(self.cleaned_data["starts_at"], self.cleaned_data["ends_at"])


class DivideForm(StretchForm):
    """A register difference to be divided over its quarter hours."""

    field_order = ("starts_at", "ends_at", "reason")


class RescaleForm(StretchForm):
    """A stretch told in another unit."""

    field_order = ("starts_at", "ends_at", "unit", "factor", "reason")
    unit = forms.ChoiceField(label=_("what was wrong"), choices=UNITS)
    factor = forms.DecimalField(
        label=_("other factor"), required=False, max_digits=18, decimal_places=12,
        help_text=_("Each register of the stretch is multiplied by it."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Ask for the factor that no unit names."""
        cleaned = super().clean()
        if cleaned.get("unit") == OTHER and cleaned.get("factor") is None and "factor" not in self.errors:
            self.add_error("factor", _("Enter the factor."))
        return cleaned

    def chosen_factor(self) -> Decimal:
        """By what registers are multiplied."""
        unit = self.cleaned_data["unit"]
        return Decimal(self.cleaned_data["factor"] if unit == OTHER else unit)


class ShiftForm(StretchForm):
    """A stretch told under a wrong clock."""

    field_order = ("starts_at", "ends_at", "offset_h", "reason")
    offset_h = forms.DecimalField(
        label=_("hours to add"), max_digits=7, decimal_places=4, min_value=-744, max_value=744,
        help_text=_("Where the clock was one hour ahead: -1. Where it was one hour behind: 1."),
    )  # fmt: skip

    def by_time(self) -> dt.timedelta:
        """By how much the readings move, to the second."""
        return dt.timedelta(seconds=round(self.cleaned_data["offset_h"] * 3600))


class EstimateForm(StretchForm):
    """Heat that no register told."""

    field_order = ("starts_at", "ends_at", "method", "reason")
    method = forms.ChoiceField(
        label=_("method"), required=False, choices=[("", _("the best that the facts allow")), *METHODS]
    )


class EditForm(ProposalForm):
    """Registers at instants; each row sets one or takes one reading away."""

    row_count = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MOST_ROWS, required=False)

    def __init__(self, *args: Any, rows: Sequence[tuple[dt.datetime, Decimal | None]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        typed = str(self.data.get("row_count", "")) if self.is_bound else ""
        count = int(typed) if typed.isdecimal() else max(FEWEST_ROWS, len(rows) + 1)
        count += 5 if "more" in self.data else 0
        self.count = min(max(count, 1), MOST_ROWS)
        # What is typed is kept, the count of rows follows the button.
        if self.is_bound:
            kept: Any = self.data
            self.data = kept = kept.copy()
            kept["row_count"] = str(self.count)
        self.fields["row_count"].initial = self.count
        for number in range(self.count):
            known = rows[number] if number < len(rows) else (None, None)
            self._add_row(number, *known)

    def _add_row(self, number: int, at: dt.datetime | None, register: Decimal | None) -> None:
        labels = {"number": number + 1}
        local = timezone.localtime(at).replace(microsecond=0, tzinfo=None) if at else None
        self.fields[f"at_{number}"] = InstantField(label=_("at, %(number)s") % labels, required=False, initial=local)
        self.fields[f"register_{number}"] = forms.DecimalField(
            label=_("register, %(number)s") % labels, required=False, min_value=0, max_digits=16, decimal_places=4,
            initial=register,
        )  # fmt: skip
        self.fields[f"gone_{number}"] = forms.BooleanField(
            label=_("take this reading away, %(number)s") % labels, required=False
        )

    def rows(self) -> Iterator[tuple[Any, Any, Any]]:
        """The three fields of each row."""
        for number in range(self.count):
            yield self[f"at_{number}"], self[f"register_{number}"], self[f"gone_{number}"]

    def clean(self) -> dict[str, Any]:
        """Each row that is begun says one thing; no instant comes twice."""
        cleaned = super().clean()
        seen = set()
        for number in range(self.count):
            at, register, gone = (cleaned.get(f"{name}_{number}") for name in ("at", "register", "gone"))
            if at is None and (register is not None or gone) and f"at_{number}" not in self.errors:
                self.add_error(f"at_{number}", _("Say when."))
            if at is not None and (register is None) is not bool(gone) and f"register_{number}" not in self.errors:
                self.add_error(f"register_{number}", _("Enter a register, or take the reading away."))
            if at is not None and at in seen:
                self.add_error(f"at_{number}", _("This instant stands in another row already."))
            seen.add(at)
        return cleaned

    def edits(self) -> list[tuple[dt.datetime, Decimal | None]]:
        """The instants and what counts there; None takes a reading away."""
        found = self.cleaned_data
        return [
            (found[f"at_{number}"], None if found[f"gone_{number}"] else found[f"register_{number}"])
            for number in range(self.count)
            if found[f"at_{number}"] is not None
        ]


class DecisionForm(forms.Form):
    """A note to a decision."""

    note = forms.CharField(label=_("note"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class RefusalForm(forms.Form):
    """Why a correction is rejected or taken back."""

    note = forms.CharField(
        label=_("reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It stays with the correction, and auditors read it."),
    )  # fmt: skip
