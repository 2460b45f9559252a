"""Form fields that the browser's own form knows less of: instants on a site's clock, several files, figures."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms import DayInput
from compliance.models.water import Sign


class InstantInput(forms.DateTimeInput):
    """The browser's own picker of a day and time."""

    input_type = "datetime-local"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M", **kwargs)


class DayField(forms.DateField):
    """A day."""

    widget = DayInput


class InstantField(forms.DateTimeField):
    """A time on the wall clocks of a zone."""

    widget = InstantInput

    def __init__(self, *, zone: ZoneInfo | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    def to_python(self, value: Any) -> datetime | None:
        """The instant in the zone of the site, or in UTC."""
        at = super().to_python(value)
        return at if at is None else timezone.make_naive(at).replace(tzinfo=self.zone or ZoneInfo("UTC"))

    def prepare_value(self, value: Any) -> Any:
        """The wall clock of the zone."""
        return (
            value.astimezone(self.zone or ZoneInfo("UTC")).replace(tzinfo=None)
            if isinstance(value, datetime)
            else value
        )


class FilesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=FilesInput(), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each of the files."""
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if self.required and not files:
            raise ValidationError(self.error_messages["required"], code="required")
        return [super(FilesField, self).clean(file, initial) for file in files]


class FigureField(forms.CharField):
    """A laboratory's figure: a number, with < or > before it where the report has one."""

    def clean(self, value: Any) -> tuple[str, Decimal] | None:
        """Sign and number, or nothing."""
        text = str(super().clean(value) or "").strip().replace(" ", "")
        if not text:
            return None
        sign = text[0] if text[0] in {Sign.BELOW, Sign.ABOVE} else ""
        try:
            number = Decimal(text[len(sign) :].replace(",", "."))
        except InvalidOperation:
            raise ValidationError(_("Enter a number such as 8.4, or < 0.05.")) from None
        if not number.is_finite() or number < 0 or number >= Decimal(10) ** 10:
            raise ValidationError(_("Enter a number such as 8.4, or < 0.05."))
        return sign, number
