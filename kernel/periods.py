"""Half-open stretches of time, UTC inside, and the local calendar that cuts them.

Two datetimes that share a `ZoneInfo` subtract as wall clocks, so a month with a clock change comes out an
hour wrong. A `Period` converts to UTC when it is made; every length is then a true one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from kernel.errors import Refusal

QUARTER_HOUR = timedelta(minutes=15)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_PER_HOUR = 3_600_000_000


class NaiveInstant(ValueError):
    """A datetime without an offset names no instant."""


class PeriodEndsBeforeItStarts(Refusal):
    sentence = "The period must end after it starts: %(start)s to %(end)s."


class DayDoesNotExist(Refusal):
    sentence = "There was no %(day)s in %(zone)s: the calendar skipped it."


def as_utc(at: datetime) -> datetime:
    """The same instant in UTC."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise NaiveInstant(f"{at.isoformat()} has no offset")
    return at.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The instants from `start` up to, not including, `end`.

    Examples
    --------
    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> october = Period(datetime(2026, 10, 1, tzinfo=berlin), datetime(2026, 11, 1, tzinfo=berlin))
    >>> print(october)
    2026-09-30T22:00Z/2026-10-31T23:00Z
    >>> october.hours
    Decimal('745')
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", as_utc(self.start))
        object.__setattr__(self, "end", as_utc(self.end))
        if self.start >= self.end:
            raise PeriodEndsBeforeItStarts(start=self.start.isoformat(), end=self.end.isoformat())

    @property
    def duration(self) -> timedelta:
        """The true length."""
        return self.end - self.start

    @property
    def hours(self) -> Decimal:
        """The true length in hours, exact wherever a decimal can be (all whole quarter hours are)."""
        return Decimal(self.duration // _MICROSECOND) / _MICROSECONDS_PER_HOUR

    def contains(self, at: datetime) -> bool:
        """Whether the instant lies inside; the end does not."""
        return self.start <= as_utc(at) < self.end

    def covers(self, other: "Period") -> bool:
        """Whether all of the other period lies inside."""
        return self.start <= other.start and other.end <= self.end

    def overlap(self, other: "Period") -> "Period | None":
        """What both share, or None where they only touch or lie apart."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def overlaps(self, other: "Period") -> bool:
        """Whether both share an instant."""
        return self.start < other.end and other.start < self.end

    def shifted(self, by: timedelta) -> "Period":
        """The period of the same length, later by so much."""
        return Period(self.start + by, self.end + by)

    def __str__(self) -> str:
        return f"{_short(self.start)}/{_short(self.end)}"


def _short(at: datetime) -> str:
    precision = "minutes" if not (at.second or at.microsecond) else "auto"
    return at.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


# ---- the local calendar ------------------------------------------------------------------------------


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The calendar day that clocks in the zone show at the instant."""
    return as_utc(at).astimezone(zone).date()


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the local day, in UTC.

    Where clocks jump over midnight that is the instant of the jump; where midnight comes twice, the first
    one.

    >>> local_midnight(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")).isoformat()
    '2018-11-04T03:00:00+00:00'
    """
    wall = datetime.combine(day, time.min, tzinfo=zone)
    at = wall.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return at
    return _jump_between(wall.replace(fold=1).astimezone(UTC), at, zone)


def _jump_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant, to the second, at which clocks in the zone jump ahead between the two instants."""
    offset_after = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset_after:
            after = middle
        else:
            before = middle
    return after


def local_days(first: date, until: date, zone: ZoneInfo) -> Period:
    """The period from the start of one local day to the start of another, which is not included."""
    return Period(local_midnight(first, zone), local_midnight(until, zone))


def local_day(day: date, zone: ZoneInfo) -> Period:
    """One local day: 23, 23.5, 24, 24.5 or 25 hours.

    Raises
    ------
    DayDoesNotExist
        Where a zone crossed the date line and left the day out.

    Examples
    --------
    >>> local_day(date(2026, 3, 29), ZoneInfo("Europe/Berlin")).hours
    Decimal('23')
    """
    start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
    if start >= end:
        raise DayDoesNotExist(day=day.isoformat(), zone=zone.key)
    return Period(start, end)


def local_month(year: int, month: int, zone: ZoneInfo) -> Period:
    """One local calendar month.

    >>> local_month(2026, 10, ZoneInfo("Europe/Berlin")).hours
    Decimal('745')
    """
    following = date(year + month // 12, month % 12 + 1, 1)
    return local_days(date(year, month, 1), following, zone)


def local_year(year: int, zone: ZoneInfo) -> Period:
    """One local calendar year."""
    return local_days(date(year, 1, 1), date(year + 1, 1, 1), zone)


def day_of(at: datetime, zone: ZoneInfo) -> Period:
    """The local day that holds the instant."""
    day = local_date(at, zone)
    period = local_day(day, zone)
    # A fall-back across midnight shows the tail of the old day once more after the new one has begun.
    return period if period.contains(at) else local_day(day + timedelta(days=1), zone)


def month_of(at: datetime, zone: ZoneInfo) -> Period:
    """The local month that holds the instant."""
    day = local_date(day_of(at, zone).start, zone)
    return local_month(day.year, day.month, zone)


def days_of(period: Period, zone: ZoneInfo) -> Iterator[Period]:
    """Each local day of the period in order, the first and last cut to it; together they are the period."""
    day = local_date(period.start, zone) - timedelta(days=1)
    while (start := local_midnight(day, zone)) < period.end:
        day += timedelta(days=1)
        end = local_midnight(day, zone)
        if start < end and (part := Period(start, end).overlap(period)):
            yield part


def months_of(period: Period, zone: ZoneInfo) -> Iterator[Period]:
    """Each local month of the period in order, the first and last cut to it."""
    at = period.start
    while at < period.end:
        month = month_of(at, zone)
        part = month.overlap(period)
        if part:
            yield part
        at = month.end


# ---- quarter hours and gaps --------------------------------------------------------------------------


def quarter_start(at: datetime) -> datetime:
    """The start, in UTC, of the quarter hour that holds the instant.

    All offsets in use today are whole quarter hours, so UTC quarters are local quarters as well.

    >>> quarter_start(datetime(2026, 10, 1, 12, 44, 59, tzinfo=UTC)).isoformat()
    '2026-10-01T12:30:00+00:00'
    """
    at = as_utc(at)
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


def quarter_of(at: datetime) -> Period:
    """The quarter hour that holds the instant."""
    start = quarter_start(at)
    return Period(start, start + QUARTER_HOUR)


def quarter_hours(period: Period) -> Iterator[Period]:
    """Every quarter hour that the period touches, whole and in order."""
    start = quarter_start(period.start)
    while start < period.end:
        yield Period(start, start + QUARTER_HOUR)
        start += QUARTER_HOUR


def merged(periods: Iterable[Period]) -> list[Period]:
    """The same instants as few periods: in order, apart from each other."""
    result: list[Period] = []
    for period in sorted(periods):
        if result and period.start <= result[-1].end:
            result[-1] = Period(result[-1].start, max(result[-1].end, period.end))
        else:
            result.append(period)
    return result


def gaps(covered: Iterable[Period], within: Period) -> list[Period]:
    """What the covered periods leave open within another, in order."""
    result: list[Period] = []
    at = within.start
    for period in merged(covered):
        if at < period.start and at < within.end:
            result.append(Period(at, min(period.start, within.end)))
        at = max(at, period.end)
    if at < within.end:
        result.append(Period(at, within.end))
    return result
