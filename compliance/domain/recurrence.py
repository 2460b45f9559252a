"""When a recurring duty falls due: calendar months with the end of the month clamped, or days."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta


def add_months(day: date, months: int) -> date:
    """The same day of another month, or the last day of that month where it is shorter.

    >>> add_months(date(2026, 1, 31), 1), add_months(date(2024, 2, 29), 12), add_months(date(2026, 3, 31), -1)
    (datetime.date(2026, 2, 28), datetime.date(2025, 2, 28), datetime.date(2026, 2, 28))
    """
    years, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_day = calendar.monthrange(years, month_index + 1)[1]
    return date(years, month_index + 1, min(day.day, last_day))


@dataclass(frozen=True, slots=True)
class Interval:
    """How long it is from one due day to the next: so many calendar months, or so many days; one of the two."""

    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if min(self.months, self.days) < 0 or bool(self.months) == bool(self.days):
            raise ValueError("an interval is either a number of months or a number of days")

    def after(self, starts_on: date, turns: int) -> date:
        """The due day so many turns after the first one; counted from the first, so clamping never drifts.

        >>> [Interval(months=1).after(date(2026, 1, 31), turns).isoformat() for turns in range(3)]
        ['2026-01-31', '2026-02-28', '2026-03-31']
        """
        return add_months(starts_on, self.months * turns) if self.months else starts_on + timedelta(self.days * turns)

    def turns_before(self, starts_on: date, day: date) -> int:
        """A number of turns that surely lies before `day`, so that walking the calendar can start there."""
        if day <= starts_on:
            return 0
        passed = (
            (day.year - starts_on.year) * 12 + day.month - starts_on.month if self.months else (day - starts_on).days
        )
        return max(passed // (self.months or self.days) - 1, 0)


def due_days(interval: Interval, starts_on: date, *, since: date, until: date) -> Iterator[date]:
    """Each due day from `since` up to, not including, `until`.

    >>> days = due_days(Interval(months=3), date(2025, 11, 30), since=date(2026, 1, 1), until=date(2026, 12, 1))
    >>> [day.isoformat() for day in days]
    ['2026-02-28', '2026-05-30', '2026-08-30', '2026-11-30']
    """
    turns = interval.turns_before(starts_on, since)
    while (day := interval.after(starts_on, turns)) < until:
        if day >= since:
            yield day
        turns += 1


def next_due(interval: Interval, starts_on: date, *, since: date) -> date:
    """The first due day on or after `since`.

    >>> next_due(Interval(days=7), date(2026, 1, 5), since=date(2026, 1, 6))
    datetime.date(2026, 1, 12)
    """
    turns = interval.turns_before(starts_on, since)
    while (day := interval.after(starts_on, turns)) < since:
        turns += 1
    return day
