"""What must be right in the inventory before devices are asked."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import OperationalError, ProgrammingError

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
