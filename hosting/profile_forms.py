"""The editor of a profile: one form for the profile, one row for each point, drawn from the table of languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django import forms
from django.utils.functional import lazystr
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts import refusals
from hosting.domain import address_checks
from hosting.domain.address_fields import AddressField, Kind
from hosting.domain.addresses import LANGUAGES
from hosting.domain.profiles import PROFILE_FIELDS, PointSpec, ProfileDraft
from hosting.models import DeviceKind, DeviceProfile, ProfilePoint, Protocol
from kernel.errors import Refusal

MAX_POINTS: Final = 400
ADDRESS: Final = "address__"
OPTION: Final = "option__"
SHOWN_AT_ONCE: Final = 3
"""So many parts of an address stand open; the rest, which few points need, unfolds."""
WORDS: Final = {True: "yes", False: "no"}


def field_of(part: AddressField) -> forms.Field:
    """The form field of one part of an address; what may be left out says what then holds."""
    label, help_text = gettext_lazy(part.label), gettext_lazy(part.help) if part.help else ""
    shared: dict[str, Any] = {"label": label, "help_text": help_text, "required": part.required}
    if part.kind is Kind.CHOICE and not part.also_number:
        choices = [("", _empty_choice(part)), *((word, word) for word in part.choices)]
        return forms.ChoiceField(choices=choices, **shared)
    if part.kind is Kind.FLAG:
        return forms.ChoiceField(choices=[("", _empty_choice(part)), ("yes", _("yes")), ("no", _("no"))], **shared)
    default = "" if part.default in (None, "") else str(part.default)
    return forms.CharField(widget=forms.TextInput(attrs={"placeholder": default}), max_length=300, **shared)


def _empty_choice(part: AddressField) -> Any:
    if part.default is None:
        return "–"
    return lazystr(f"({WORDS.get(part.default, part.default)})")


def typed(part: AddressField, text: str) -> Any:
    """What a person typed into the field, as an address keeps it; what does not fit stays a text to be refused."""
    if not text:
        return None
    if part.also_number and text not in part.choices:
        numbers = _split(text, _whole)
        return numbers[0] if len(numbers) == 1 else numbers
    return _PARSERS.get(part.kind, str)(text)


def _split(text: str, read: Callable[[str], Any]) -> list[Any]:
    return [read(one.strip()) for one in text.split(",")]


def shown(value: Any) -> str:
    """A value of an address as a person types it."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, bool):
        return WORDS[value]
    return "" if value is None else str(value)


def _whole(text: str) -> int | str:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text


def _raw(text: str) -> Any:
    is_pattern = text.startswith("0x") or text == "nan"
    return address_checks.plain_number(text) if not is_pattern and address_checks.is_number(text) else text


_PARSERS: Final[dict[Kind, Callable[[str], Any]]] = {
    Kind.INTEGER: _whole,
    Kind.FLAG: lambda text: text == "yes",
    Kind.NUMBERS: lambda text: _split(text, _raw),
    Kind.TEXTS: lambda text: _split(text, str),
}


class _PartsForm(forms.Form):
    """A form with one field for each part of an address or each option."""

    parts: tuple[AddressField, ...] = ()
    prefix_of_parts = ADDRESS

    def add_parts(self, parts: tuple[AddressField, ...]) -> None:
        """Draw the fields."""
        self.parts = parts
        for part in parts:
            self.fields[self.prefix_of_parts + part.name] = field_of(part)

    def given(self) -> dict[str, Any]:
        """What was typed into the parts, with a problem beside each field that has one."""
        cleaned = self.cleaned_data
        values = {part.name: typed(part, cleaned.get(self.prefix_of_parts + part.name, "")) for part in self.parts}
        for problem in address_checks.problems(self.parts, values):
            place = self.prefix_of_parts + problem.field
            if place not in self.errors:
                self.add_error(place, gettext(problem.sentence) % problem.facts)
        return {name: value for name, value in values.items() if not address_checks.is_empty(value)}

    def parts_of(self, values: Mapping[str, Any]) -> dict[str, str]:
        """The initial values of the parts."""
        return {self.prefix_of_parts + name: shown(value) for name, value in values.items()}

    @property
    def part_fields(self) -> list[Any]:
        """The bound fields of the parts."""
        return [self[self.prefix_of_parts + part.name] for part in self.parts]


class ProfileForm(_PartsForm):
    """What holds for the whole profile."""

    prefix_of_parts = OPTION

    key = forms.SlugField(
        max_length=60, label=_("Key"), help_text=_("Letters, digits, - and _; the same for all versions.")
    )
    name = forms.CharField(max_length=120, label=_("Name"), help_text=_("Maker and model."))
    device_kind = forms.ChoiceField(choices=DeviceKind.choices, label=_("Kind of device"))
    source = forms.CharField(
        max_length=200,
        required=False,
        label=_("Source"),
        help_text=DeviceProfile._meta.get_field("source").help_text,
    )
    verified_against = forms.CharField(
        max_length=300,
        required=False,
        label=_("Verified against"),
        help_text=DeviceProfile._meta.get_field("verified_against").help_text,
    )

    def __init__(self, *args: Any, protocol: str, draft: ProfileDraft | None, **kwargs: Any) -> None:
        self.protocol, self.draft = protocol, draft
        if draft is not None:
            fields = {name: getattr(draft, name) for name in ("key", *PROFILE_FIELDS)}
            kwargs["initial"] = fields | self.parts_of(draft.options)
        super().__init__(*args, **kwargs)
        self.fields["key"].disabled = draft is not None
        self.add_parts(LANGUAGES[protocol].options)

    @property
    def own_fields(self) -> list[Any]:
        """The bound fields that are no options."""
        return [self[name] for name in ("key", "name", "device_kind", "source", "verified_against")]


class PointForm(_PartsForm):
    """One point, one row."""

    slot = forms.IntegerField(min_value=0, max_value=MAX_POINTS - 1, label=_("Slot"))
    key = forms.SlugField(max_length=60, label=_("Key"))
    name = forms.CharField(max_length=120, label=_("Name"))
    quantity = forms.ChoiceField(choices=[("", "–"), *ProfilePoint.Quantity.choices], label=_("measured quantity"))
    unit = forms.CharField(
        max_length=16, required=False, label=_("Unit"), help_text=_("The unit in which the device speaks.")
    )

    def __init__(self, *args: Any, protocol: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_parts(LANGUAGES[protocol].point)

    @property
    def own_fields(self) -> list[Any]:
        """The bound fields that every language has."""
        return [self[name] for name in ("slot", "key", "name", "quantity", "unit")]

    @property
    def first_parts(self) -> list[Any]:
        """The parts of the address that most points have."""
        return self.part_fields[:SHOWN_AT_ONCE]

    @property
    def more_parts(self) -> list[Any]:
        """The parts that unfold."""
        return self.part_fields[SHOWN_AT_ONCE:]

    @property
    def has_more(self) -> bool:
        """Whether something stands in what would be folded away."""
        return any(field.value() or field.errors for field in self.more_parts)

    def clean(self) -> dict[str, Any]:
        """The address beside the plain values."""
        cleaned: dict[str, Any] = super().clean() or {}
        return cleaned | {"address": self.given()}

    def has_changed(self) -> bool:
        """A new row in which only its proposed slot stands is empty."""
        return bool(set(self.changed_data) - {"slot"})

    @staticmethod
    def initial_of(point: PointSpec) -> dict[str, Any]:
        """The row of a stored point."""
        plain = {name: getattr(point, name) for name in ("slot", "key", "name", "quantity", "unit")}
        return plain | {ADDRESS + name: shown(value) for name, value in point.address.items()}


class _Rows(forms.BaseFormSet):  # type: ignore[type-arg]
    """The rows of all points; slots and keys are each used once."""

    def clean(self) -> None:
        """Tell beside the later row what an earlier one has taken."""
        for name in ("slot", "key"):
            seen: set[Any] = set()
            for row in self.kept():
                value = row.cleaned_data.get(name)
                if value is not None and value in seen:
                    row.add_error(name, _("Another point has it already."))
                seen.add(value)

    def kept(self) -> list[PointForm]:
        """The rows that are filled in and not taken away."""
        filled = [row for row in self.forms if row.has_changed() or not row.empty_permitted]
        return [row for row in filled if hasattr(row, "cleaned_data") and not row.cleaned_data.get("DELETE")]


class Editor:
    """The whole page: the profile and its points, checked together."""

    def __init__(
        self, *, protocol: str, draft: ProfileDraft | None = None, data: Any = None, extra_count: int = 1
    ) -> None:
        factory = forms.formset_factory(
            PointForm, formset=_Rows, extra=extra_count, can_delete=True, max_num=MAX_POINTS, absolute_max=MAX_POINTS
        )
        stored = [PointForm.initial_of(point) for point in draft.points] if draft else []
        self.protocol = protocol
        self.profile = ProfileForm(data, protocol=protocol, draft=draft)
        self.rows: Any = factory(data, initial=stored, prefix="points", form_kwargs={"protocol": protocol})
        if data is None:
            last = max((row["slot"] for row in stored), default=-1)
            for place, row in enumerate(self.rows.extra_forms, 1):
                row.initial["slot"] = last + place

    @property
    def protocol_name(self) -> Any:
        """The field language in words."""
        return Protocol(self.protocol).label

    def is_valid(self) -> bool:
        """Whether everything has the shape that it must have."""
        profile_is_sound, rows_are_sound = self.profile.is_valid(), self.rows.is_valid()
        if profile_is_sound:
            self.options = self.profile.given()
        return bool(profile_is_sound and self.profile.is_valid() and rows_are_sound and self.rows.is_valid())

    def result(self) -> ProfileDraft:
        """What was typed, as a draft."""
        facts = self.profile.cleaned_data
        points = tuple(self._spec(row) for row in self.rows.kept())
        return ProfileDraft(
            key=self.profile.draft.key if self.profile.draft else facts["key"],
            protocol=self.protocol,
            points=points,
            options=self.options,
            **{name: facts[name] for name in PROFILE_FIELDS if name != "protocol"},
        )

    @staticmethod
    def _spec(row: PointForm) -> PointSpec:
        facts = row.cleaned_data
        return PointSpec(facts["slot"], facts["key"], facts["name"], facts["quantity"], facts["unit"], facts["address"])

    def refuse(self, refusal: Refusal) -> None:
        """Show a refusal beside the point and the field that it names, or else above everything."""
        words = refusals.words_of(refusal)
        key, name = refusal.facts.get("point"), str(refusal.facts.get("field", ""))
        rows = [row for row in self.rows.kept() if row.cleaned_data.get("key") == key]
        if not rows:
            self.profile.add_error(None, words)
            return
        place = ADDRESS + name if ADDRESS + name in rows[0].fields else name if name in rows[0].fields else None
        rows[0].add_error(place, words)


def rows_wanted(data: Any) -> Any:
    """What was posted, with one row more."""
    more = data.copy()
    count = int(more.get("points-TOTAL_FORMS") or 0) if str(more.get("points-TOTAL_FORMS", "0")).isdigit() else 0
    slots = [int(value) for name, value in more.items() if name.endswith("-slot") and str(value).isdigit()]
    more["points-TOTAL_FORMS"] = str(min(count + 1, MAX_POINTS))
    more[f"points-{count}-slot"] = str(max(slots, default=-1) + 1)
    return more


class ChooseProtocolForm(forms.Form):
    """Which language a new profile is for; the fields of its points depend on it."""

    protocol = forms.ChoiceField(
        choices=[(protocol.value, protocol.label) for protocol in Protocol if protocol in LANGUAGES],
        label=_("Protocol"),
        help_text=_("Modbus profiles serve both ways of Modbus over TCP."),
    )


class ProfileFileForm(forms.Form):
    """A profile as a file."""

    file = forms.FileField(label=_("YAML file"), help_text=_("One profile, as the export writes it."))
