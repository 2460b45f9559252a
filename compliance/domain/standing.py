"""How a duty or a permit stands on a day."""

from datetime import date, timedelta
from enum import StrEnum


class Standing(StrEnum):
    """Where an open duty stands against the calendar."""

    PLANNED = "planned"
    DUE = "due"
    OVERDUE = "overdue"


def standing_of(*, due_on: date, lead_days: int, today: date) -> Standing:
    """Whether a duty is due or overdue today; on its due day it is not late yet.

    >>> due = date(2026, 6, 30)
    >>> [str(standing_of(due_on=due, lead_days=14, today=date(2026, 6, day))) for day in (15, 16, 30)]
    ['planned', 'due', 'due']
    >>> str(standing_of(due_on=due, lead_days=14, today=date(2026, 7, 1)))
    'overdue'
    """
    if today > due_on:
        return Standing.OVERDUE
    return Standing.DUE if today >= due_on - timedelta(lead_days) else Standing.PLANNED


class Validity(StrEnum):
    """How a permit stands against its expiry."""

    UNLIMITED = "unlimited"
    NOT_YET = "not_yet"
    VALID = "valid"
    RENEW = "renew"
    EXPIRED = "expired"


def validity_of(*, issued_on: date | None, expires_on: date | None, renewal_lead_days: int, today: date) -> Validity:
    """The permit's validity today; `expires_on` is the first day without it.

    >>> def on(today):
    ...     return str(validity_of(
    ...         issued_on=date(2024, 1, 1), expires_on=date(2026, 1, 1), renewal_lead_days=90, today=today))
    >>> on(date(2023, 12, 31)), on(date(2025, 10, 2)), on(date(2025, 10, 3)), on(date(2026, 1, 1))
    ('not_yet', 'valid', 'renew', 'expired')
    """
    if issued_on is None or today < issued_on:
        return Validity.NOT_YET
    if expires_on is None:
        return Validity.UNLIMITED
    if today >= expires_on:
        return Validity.EXPIRED
    return Validity.RENEW if today >= expires_on - timedelta(renewal_lead_days) else Validity.VALID
