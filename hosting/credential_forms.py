"""What people type to let the portal in; nothing that is stored is ever shown in a field."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from hosting.domain import credentials


def _secret(label: Any, **options: Any) -> forms.CharField:
    """A field whose content comes back to no page."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, widget=widget, required=False, strip=False, max_length=200, **options)


def _text(label: Any, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, widget=widget, required=False, max_length=200, **options)


def _method(label: Any, methods: tuple[str, ...]) -> forms.ChoiceField:
    choices = [("", _("none")), *((method, method) for method in methods)]
    return forms.ChoiceField(label=label, choices=choices, required=False)


class SnmpCredentials(forms.Form):
    """Community of version 2c, or user of version 3."""

    version = forms.ChoiceField(label=_("Version"), choices=[("3", "3"), ("2c", "2c")])
    community = _secret(_("Community"), help_text=_("Version 2c only."))
    user = _text(_("User"), help_text=_("This and the following: version 3 only."))
    auth_protocol = _method(_("Authentication"), credentials.SNMP_AUTH)
    auth_key = _secret(_("Authentication key"))
    priv_protocol = _method(_("Encryption"), credentials.SNMP_PRIV)
    priv_key = _secret(_("Encryption key"))


class LogInCredentials(forms.Form):
    """User and password."""

    user = _text(_("User"))
    password = _secret(_("Password"))


class MqttCredentials(LogInCredentials):
    """User and password, and how the broker proves who it is."""

    tls = forms.BooleanField(label=_("The broker is reached by TLS"), required=False)
    ca = forms.CharField(
        label=_("Certificate of the authority"),
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
        required=False,
        max_length=20_000,
        help_text=_("In PEM form, if the broker's certificate comes from an authority of your own."),
    )

    def clean_tls(self) -> str:
        """Credentials are texts."""
        return "yes" if self.cleaned_data["tls"] else ""


FORMS: Final[dict[str, type[forms.Form]]] = {
    "snmp": SnmpCredentials,
    "opc_ua": LogInCredentials,
    "mqtt": MqttCredentials,
}
"""The form by protocol; what sends by itself gets a key from us instead."""
