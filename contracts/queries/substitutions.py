"""Approved substitutions: which rules a person may answer for, and who did."""

from datetime import date
from typing import Any, Final

from contracts.models import BillingBlock, Contract, Substitution
from contracts.queries import true_ups

SUBSTITUTABLE: Final = frozenset({"verification_expired", "meter_fault", "too_little_measured", "device_not_accepted"})
"""Where the figures are there and only their standing is in doubt; no signature replaces a register or a price."""


def standing(contract: Contract, month_on: date) -> dict[str, Substitution]:
    """The approvals that stand for the month, by the code of the rule."""
    rows = Substitution.objects.filter(contract=contract, month_on=month_on, revoked_at=None)
    return {row.code: row for row in rows.select_related("approved_by")}


def doubt_of(contract: Contract, month_on: date, code: str) -> dict[str, Any] | None:
    """The facts of what forbids to bill the month, or to bill it anew; None where the rule forbids nothing."""
    block = BillingBlock.objects.filter(contract=contract, month_on=month_on, code=code).first()
    return block.facts if block else true_ups.problem_facts(contract, month_on, code)
