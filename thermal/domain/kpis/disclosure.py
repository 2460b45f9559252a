"""What the law asks of data centres: size classes, and whether a quota holds.

References
----------
Commission Delegated Regulation (EU) 2024/1364, Annexes II to IV; Energieeffizienzgesetz (EnEfG), section 11.
"""

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Final

# Annex IV: upper bounds of the size classes in kW of installed IT power.
SIZE_CLASSES: Final = (
    (100.0, "below"),
    (500.0, "very_small"),
    (1000.0, "small"),
    (2000.0, "medium"),
    (10_000.0, "large"),
)
REPORTING_THRESHOLD_KW: Final = 500.0


def size_class(installed_it_kw: float) -> str:
    """The size class of Annex IV by installed IT power; sites below 100 kW have none.

    >>> [size_class(kw) for kw in (60.0, 100.0, 499.0, 500.0, 1500.0, 20_000.0)]
    ['below', 'very_small', 'very_small', 'small', 'medium', 'very_large']
    """
    return next((name for below_kw, name in SIZE_CLASSES if installed_it_kw < below_kw), "very_large")


def must_report(installed_it_kw: float, threshold_kw: float = REPORTING_THRESHOLD_KW) -> bool:
    """Whether a site has to report; a smaller one may, with the same codes.

    >>> must_report(500.0), must_report(499.9)
    (True, False)
    """
    return installed_it_kw >= threshold_kw


class Standing(enum.StrEnum):
    """How a site stands to a quota."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"
    NOT_YET = "not_yet"
    NOT_BOUND = "not_bound"


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of a law from a day on: for sites of a size, and of those that began before or from a day."""

    limit_ratio: float
    is_upper: bool
    valid_from: dt.date
    valid_until: dt.date | None
    least_kw: float
    began_from: dt.date | None = None
    began_before: dt.date | None = None
    grace_years: int = 0


def standing(
    quota: Quota, value: float | None, *, year: int, installed_it_kw: float, began_on: dt.date | None
) -> Standing:
    """How a site's mean of the year stands to a quota.

    A quota that begins within a year is judged from the following year on, and one with years of grace only so long
    after the site began. A site whose beginning is not known is not judged by a quota that depends on it.

    >>> new = Quota(0.10, False, dt.date(2026, 7, 1), None, 300.0, began_from=dt.date(2026, 7, 1), grace_years=2)
    >>> began = dt.date(2026, 9, 1)
    >>> [standing(new, 0.2, year=y, installed_it_kw=400.0, began_on=began).value for y in (2027, 2029)]
    ['not_yet', 'met']
    >>> standing(new, 0.2, year=2029, installed_it_kw=100.0, began_on=began).value
    'not_bound'
    """
    if installed_it_kw < quota.least_kw or not _is_of_age(quota, began_on) or _is_over(quota, year):
        return Standing.NOT_BOUND
    depends_on_age = quota.began_from is not None or quota.began_before is not None
    if depends_on_age and began_on is None:
        return Standing.UNKNOWN
    if _is_early(quota, year, began_on):
        return Standing.NOT_YET
    if value is None:
        return Standing.UNKNOWN
    met = value <= quota.limit_ratio if quota.is_upper else value >= quota.limit_ratio
    return Standing.MET if met else Standing.MISSED


def _is_over(quota: Quota, year: int) -> bool:
    return quota.valid_until is not None and quota.valid_until <= dt.date(year, 1, 1)


def _is_early(quota: Quota, year: int, began_on: dt.date | None) -> bool:
    """Whether the quota, or its grace, still runs on the first day of the year."""
    first = dt.date(year, 1, 1)
    if quota.grace_years and began_on is not None:
        return first < _years_later(began_on, quota.grace_years)
    return quota.valid_from > first


def _is_of_age(quota: Quota, began_on: dt.date | None) -> bool:
    if began_on is None:
        return True
    if quota.began_from is not None and began_on < quota.began_from:
        return False
    return quota.began_before is None or began_on < quota.began_before


def _years_later(day: dt.date, years: int) -> dt.date:
    return dt.date(day.year + years, day.month, min(day.day, 28))


def overlapping_share(first: dt.date, until: dt.date, year: int) -> float:
    """The share of a stretch of days that lies in a calendar year: by it an amount is cut to the year.

    >>> overlapping_share(dt.date(2025, 7, 1), dt.date(2026, 7, 1), 2026)
    0.4958904109589041
    """
    start, end = max(first, dt.date(year, 1, 1)), min(until, dt.date(year + 1, 1, 1))
    return max(0, (end - start).days) / (until - first).days


def degree_days(mean_c: float, base_c: float, *, is_cooling: bool = False) -> float:
    """The heating degree days of one day in K·d, or its cooling degree days above the base.

    >>> degree_days(5.0, 15.0), degree_days(24.0, 21.0, is_cooling=True), degree_days(20.0, 15.0)
    (10.0, 3.0, 0.0)
    """
    return max(0.0, mean_c - base_c if is_cooling else base_c - mean_c)
