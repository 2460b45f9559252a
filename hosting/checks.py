"""What must be right in the inventory before devices are asked."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import OperationalError, ProgrammingError

from hosting.domain.field_network import NetworkIsWrong, network_of
from hosting.services import secrets


@checks.register(checks.Tags.database)
def every_secret_opens(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """A warning where a key was lost; no error, or nobody could migrate any more."""
    if not databases:
        return []
    try:
        unopened = secrets.unopened_secrets()
    except (OperationalError, ProgrammingError):  # nothing migrated yet
        return []
    if not unopened:
        return []
    words = f"The credentials of {len(unopened)} controllers cannot be opened: {', '.join(unopened)}."
    return [checks.Warning(words, hint="Add the former key to HEATLEDGER_FIELD_KEY.", id="hosting.W001")]


@checks.register()
def every_field_network_is_one(**_options: Any) -> list[checks.CheckMessage]:
    """An error for each part of HEATLEDGER_FIELD_NETWORKS that is no network: nothing may start half protected."""
    errors: list[checks.CheckMessage] = []
    for text in settings.THERMAL_FIELD_NETWORKS:
        try:
            network_of(text)
        except NetworkIsWrong as refusal:
            hint = "Networks with their length, separated by commas: 10.20.0.0/16,192.168.7.0/24."
            errors.append(checks.Error(f"HEATLEDGER_FIELD_NETWORKS: {refusal.detail}", hint=hint, id="hosting.E001"))
    return errors
