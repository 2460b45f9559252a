"""Approved substitutions: one person answers for billing a month against a rule."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from contracts.models import Contract, Substitution
from contracts.queries import substitutions
from contracts.services import billed_marks, billing
from kernel.errors import Refusal


class NotSubstitutable(Refusal):
    """What is missing cannot be made good by anybody's signature."""


class ReasonIsMissing(Refusal):
    """Nobody bills against a rule without saying why."""


@transaction.atomic
def approve(*, contract: Contract, month_on: date, code: str, reason: str, by: User, now: datetime) -> Substitution:
    """The decision to bill the month although the rule of that code blocks it; the draft is written anew.

    Raises
    ------
    NotSubstitutable
        Where the month is not blocked by that rule, or nobody's decision can replace what is missing.
    ReasonIsMissing
    """
    doubt = substitutions.doubt_of(contract, month_on, code)
    if code not in substitutions.SUBSTITUTABLE or doubt is None:
        raise NotSubstitutable(_("This month is not blocked by anything that could be approved."))
    if not reason.strip():
        raise ReasonIsMissing(_("Give a reason; it is printed on the invoice."))
    substitution, _created = Substitution.objects.get_or_create(
        contract=contract, month_on=month_on, code=code, revoked_at=None,
        defaults={
            "facts": doubt, "reason": reason.strip()[:300], "approved_by": by, "approved_at": now,
        },
    )  # fmt: skip
    billing.draft_invoice(contract=contract, month_on=month_on, by=by, now=now)
    billed_marks.mark_month(contract=contract, month_on=month_on, now=now)
    return substitution


@transaction.atomic
def revoke(*, substitution: Substitution, by: User, now: datetime) -> Substitution:
    """The decision, taken back: what is not issued yet is blocked again.

    An issued invoice stays as it is, and the billed month is looked at: it may have to be billed anew.
    """
    locked: Substitution = Substitution.objects.select_for_update(of=("self",)).get(pk=substitution.pk)
    if locked.revoked_at is None:
        locked.revoked_at, locked.revoked_by = now, by
        locked.save()
        billed_marks.mark_month(contract=locked.contract, month_on=locked.month_on, now=now)
    return locked
