"""What must be right before the portal serves."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import OperationalError, ProgrammingError, connection

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "testserver"}


@checks.register(checks.Tags.database)
def demo_only_in_a_demo_database(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """An error where the demo short cut is asked for in a database that people really use."""
    if not settings.DEMO or not databases:
        return []
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT EXISTS (SELECT FROM accounts_user), EXISTS (SELECT FROM accounts_demomark)")
            has_people, is_demo = cursor.fetchone()
        except (OperationalError, ProgrammingError):  # nothing migrated yet, so nobody to protect
            return []
    if has_people and not is_demo:
        words = "HEATLEDGER_DEMO is set, but the database was not made by seed_demo."
        return [checks.Error(words, hint="Unset HEATLEDGER_DEMO.", id="accounts.E001")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def demo_only_on_this_machine(**_options: Any) -> list[checks.CheckMessage]:
    """An error where the demo, whose passwords everyone knows, is deployed for others to reach."""
    if settings.DEMO and set(settings.ALLOWED_HOSTS) - _LOOPBACK:
        words = "HEATLEDGER_DEMO is set on a server that answers to more than this machine."
        return [checks.Error(words, hint="Unset HEATLEDGER_DEMO or clear ALLOWED_HOSTS.", id="accounts.E002")]
    return []
