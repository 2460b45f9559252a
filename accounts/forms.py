"""What people type about people."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from accounts import roles, scoping
from accounts.models import ApiToken, Audience, User
from accounts.models.users import validate_zone


def role_choices() -> list[tuple[str, Any]]:
    """The roles, each with what it is for."""
    return [(role.key, f"{role.name}: {role.purpose}") for role in roles.ROLES]


class DayInput(forms.DateInput):
    """A day, with the picker of the browser."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        """The day as the browser wants it, whatever the language of the page."""
        return str(value.isoformat() if hasattr(value, "isoformat") else value or "")


class LastDayField(forms.DateField):
    """A last day, which becomes the instant at which it is over in the reader's time zone."""

    widget = DayInput

    def prepare_value(self, value: Any) -> Any:
        """The last day of an end that is stored as an instant."""
        if isinstance(value, datetime):
            return (timezone.localtime(value) - timedelta(microseconds=1)).date()
        return value

    def clean(self, value: Any) -> datetime | None:
        """The first instant after the day."""
        day = super().clean(value)
        if day is None:
            return None
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


class RolesField(forms.MultipleChoiceField):
    """One or more roles."""

    def __init__(self, **options: Any) -> None:
        options = {"label": _("Roles"), "widget": forms.CheckboxSelectMultiple, **options}
        super().__init__(choices=lazy(role_choices, list), **options)


class AudiencesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Any number of audiences."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            queryset=Audience.objects.all(),
            required=False,
            label=_("Audiences"),
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Auditors and offtakers see only what their audiences were granted."),
            **options,
        )


class InviteForm(forms.Form):
    """Whom to invite, as what, to see what."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    full_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    role_keys = RolesField()
    audiences = AudiencesField()
    access_until = LastDayField(label=_("Last day of access"), required=False)


class JoinForm(forms.Form):
    """What a new person says: who they are and their password."""

    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    full_name = forms.CharField(
        label=_("Full name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        initial="UTC",
        validators=[validate_zone],
        help_text=_("Such as Europe/Berlin."),
        widget=forms.TextInput(attrs={"data-time-zone": "", "autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validation.password_validators_help_text_html,
    )
    password_again = forms.CharField(
        label=_("Password again"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, known_email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known_email:
            del self.fields["email"]
        self.known_email = known_email

    def clean(self) -> dict[str, Any]:
        """Everything typed, once the password is long and uncommon enough and was typed twice alike."""
        values = super().clean() or {}
        password = values.get("password")
        if password and password != values.pop("password_again", None):
            self.add_error("password_again", _("The two passwords differ."))
        elif password:
            email = self.known_email or values.get("email", "")
            person = User(email=email, full_name=values.get("full_name", ""))
            try:
                password_validation.validate_password(password, person)
            except ValidationError as weak:
                self.add_error("password", weak)
        return values


class RolesForm(forms.Form):
    """Which roles a person has."""

    role_keys = RolesField(required=False)


class AccessForm(forms.Form):
    """Which audiences a person belongs to, and until when."""

    audiences = AudiencesField()
    access_until = LastDayField(label=_("Last day of access"), required=False)


class AudienceForm(forms.Form):
    """What an audience is called and what it sees."""

    name = forms.CharField(label=_("Name"), max_length=120)
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in scoping.ANCHOR_MODELS:
            model = scoping.anchor_model(kind)
            self.fields[kind] = forms.ModelMultipleChoiceField(
                queryset=model._default_manager.all(),
                required=False,
                label=str(model._meta.verbose_name_plural).capitalize(),
                widget=forms.CheckboxSelectMultiple,
            )

    def anchors(self) -> dict[str, Iterable[Any]]:
        """What was chosen, by kind."""
        return {kind: self.cleaned_data[kind] for kind in scoping.ANCHOR_MODELS}


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a person is called and reads pages."""

    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = User
        fields = ("full_name", "locale", "time_zone", "theme")
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time_zones", "autocomplete": "off"})}

    @property
    def zones(self) -> list[str]:
        """The names that the field proposes."""
        return sorted(available_timezones())


class TokenForm(forms.Form):
    """What a new API key is for and how far it goes."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What the key is for."))
    scope = forms.ChoiceField(label=_("Scope"), choices=ApiToken.Scope.choices)
    expires_at = LastDayField(label=_("Last day"), help_text=_("Within a year."))
