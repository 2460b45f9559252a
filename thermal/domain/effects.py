"""What a correction does to the heat of quarter hours and months, before and after, on plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Quarter:
    """What one quarter hour of the ledger says."""

    kwh: Decimal | None
    is_estimated: bool = False


Quarters = Mapping[dt.datetime, Quarter]


@dataclass(frozen=True, slots=True)
class MonthSum:
    """What the ledger counts in one month, what of it is estimated, and of how many quarter hours it knows nothing."""

    kwh: Decimal = Decimal(0)
    estimated_kwh: Decimal = Decimal(0)
    unknown_count: int = 0


@dataclass(frozen=True, slots=True)
class MonthEffect:
    """One month before and after a correction."""

    month_on: dt.date
    before: MonthSum
    after: MonthSum

    @property
    def difference_kwh(self) -> Decimal:
        """By how many kWh more the month counts; negative where it counts less."""
        return self.after.kwh - self.before.kwh

    @property
    def ratio(self) -> float | None:
        """The change as a share (of one) of what the month counted before; None where it counted nothing.

        >>> MonthEffect(dt.date(2026, 10, 1), MonthSum(Decimal(200)), MonthSum(Decimal(190))).ratio
        0.05
        """
        return float(abs(self.difference_kwh) / self.before.kwh) if self.before.kwh else None


def month_effects(
    before: Mapping[dt.date, MonthSum], after: Mapping[dt.date, MonthSum], *, always: dt.date
) -> list[MonthEffect]:
    """The months that count otherwise than before, in order; the one named always comes, even where it stays.

    >>> october, november = dt.date(2026, 10, 1), dt.date(2026, 11, 1)
    >>> same, more = MonthSum(Decimal(5)), MonthSum(Decimal(6))
    >>> rows = month_effects({october: same, november: same}, {october: same, november: more}, always=october)
    >>> [(row.month_on.month, int(row.difference_kwh)) for row in rows]
    [(10, 0), (11, 1)]
    """
    none = MonthSum()
    months = sorted({*before, *after, always})
    rows = [MonthEffect(month, before.get(month, none), after.get(month, none)) for month in months]
    return [row for row in rows if row.before != row.after or row.month_on == always]


def grouped(starts: Sequence[dt.datetime], most: int) -> list[Sequence[dt.datetime]]:
    """The starts in groups of one size, at most so many groups.

    >>> [len(group) for group in grouped([dt.datetime(2026, 10, day) for day in range(1, 8)], most=3)]
    [3, 3, 1]
    """
    size = -(-len(starts) // most) or 1
    return [starts[first : first + size] for first in range(0, len(starts), size)]


def mean_kw(quarters: Quarters, group: Sequence[dt.datetime]) -> float | None:
    """The mean power in kW over the quarter hours that are known; None where none is.

    >>> at = dt.datetime(2026, 10, 1)
    >>> mean_kw({at: Quarter(Decimal("2.5"))}, [at]), mean_kw({}, [at])
    (10.0, None)
    """
    known = [quarters[at].kwh for at in group if at in quarters]
    told = [kwh for kwh in known if kwh is not None]
    return round(float(sum(told)) * 4 / len(told), 3) if told else None
