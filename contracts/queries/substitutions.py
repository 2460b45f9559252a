"""Approved substitutions: which rules a person may answer for, and who did."""

from datetime import date
from typing import Final

from contracts.models import Contract, Substitution

SUBSTITUTABLE: Final = frozenset({"verification_expired", "meter_fault", "too_little_measured", "device_not_accepted"})
"""Where the figures are there and only their standing is in doubt; no signature replaces a register or a price."""


def standing(contract: Contract, month_on: date) -> dict[str, Substitution]:
    """The approvals that stand for the month, by the code of the rule."""
    rows = Substitution.objects.filter(contract=contract, month_on=month_on, revoked_at=None)
    return {row.code: row for row in rows.select_related("approved_by")}
