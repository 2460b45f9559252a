"""Duties become due and overdue, permits run out."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.domain.standing import Standing, Validity, standing_of, validity_of

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("due_in_days", "lead_days", "expected"),
    [
        (15, 14, Standing.PLANNED),
        (14, 14, Standing.DUE),
        (0, 0, Standing.DUE),
        (1, 0, Standing.PLANNED),
        (-1, 14, Standing.OVERDUE),
    ],
)
def test_a_duty_is_due_from_its_lead_to_its_day_and_overdue_after(
    due_in_days: int, lead_days: int, expected: Standing
) -> None:
    assert standing_of(due_on=TODAY + timedelta(due_in_days), lead_days=lead_days, today=TODAY) == expected


@given(st.integers(-500, 500), st.integers(0, 400))
def test_a_duty_never_gets_better_by_waiting(due_in_days: int, lead_days: int) -> None:
    order = list(Standing)
    due_on = TODAY + timedelta(due_in_days)
    standings = [standing_of(due_on=due_on, lead_days=lead_days, today=TODAY + timedelta(day)) for day in range(3)]
    assert sorted(standings, key=order.index) == standings


def test_a_permit_without_expiry_is_unlimited_once_issued() -> None:
    assert validity_of(issued_on=TODAY, expires_on=None, renewal_lead_days=90, today=TODAY) == Validity.UNLIMITED


def test_a_permit_that_was_never_issued_is_not_valid() -> None:
    assert validity_of(issued_on=None, expires_on=None, renewal_lead_days=90, today=TODAY) == Validity.NOT_YET


@pytest.mark.parametrize(
    ("expires_in_days", "expected"),
    [(91, Validity.VALID), (90, Validity.RENEW), (1, Validity.RENEW), (0, Validity.EXPIRED), (-1, Validity.EXPIRED)],
)
def test_a_permit_asks_for_renewal_before_it_expires(expires_in_days: int, expected: Validity) -> None:
    expires_on = TODAY + timedelta(expires_in_days)
    issued_on = TODAY - timedelta(700)
    assert validity_of(issued_on=issued_on, expires_on=expires_on, renewal_lead_days=90, today=TODAY) == expected
