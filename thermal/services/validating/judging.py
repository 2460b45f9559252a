"""Judging meters, delivery points and sites over the time that was touched, or that was asked for."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from hosting.models import DeliveryPoint, Meter, MeterPlacement, Site
from kernel.periods import Period, local_date, local_midnight, month_of, months_of
from thermal.models.validation import Rule
from thermal.queries import ledger_sums, register_readings, told_differences
from thermal.queries.rule_book import RuleBook
from thermal.services.validating import asking, keeping
from thermal.services.validating.keeping import Kept, Look, Subject

# How far before what was touched a stretch may have begun that nothing has found yet.
LOOK_BACK: Final = dt.timedelta(days=2)
METERS_AT_ONCE: Final = 20
_LOCK: Final = 720_001
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging came to: meters and sites looked at, and what became of findings."""

    meters: int = 0
    sites: int = 0
    opened: int = 0
    changed: int = 0
    closed: int = 0

    def __add__(self, other: Judged) -> Judged:
        return Judged(
            self.meters + other.meters,
            self.sites + other.sites,
            self.opened + other.opened,
            self.changed + other.changed,
            self.closed + other.closed,
        )


def _judged(kept: Kept, *, meters: int = 0, sites: int = 0) -> Judged:
    return Judged(meters, sites, kept.opened, kept.changed, kept.closed)


# ---- what was marked -------------------------------------------------------------------------------------------------

# Marks are only ever added and taken away, so nobody who records waits for a judge. A killed judge leaves its marks.
_CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM thermal_validationmark ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
claimed AS (
    DELETE FROM thermal_validationmark mark USING chosen WHERE mark.id = chosen.id
    RETURNING mark.meter_id, mark.site_id, mark.first_at, mark.last_at
)
SELECT meter_id, site_id, min(first_at), max(last_at) FROM claimed GROUP BY 1, 2 ORDER BY 1, 2
"""


def validate_marked(*, now: dt.datetime, batch: int = 1000) -> Judged:
    """What came of judging all that was recorded or settled since the last time, batch after batch."""
    total = Judged()
    while (done := _validate_batch(now=now, limit=batch)) is not None:
        total += done
    return total


@transaction.atomic
def _validate_batch(*, now: dt.datetime, limit: int) -> Judged | None:
    """One batch: marks claimed, findings written, or neither; None when no mark is free."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"limit": limit})
        rows = cursor.fetchall()
    if not rows:
        return None
    moment = dt.timedelta(microseconds=1)
    meters = {meter: Period(first, last + moment) for meter, _site, first, last in rows if meter is not None}
    sites = {site: Period(first, last + moment) for _meter, site, first, last in rows if site is not None}
    done = validate_meters(windows=meters, now=now)
    return done + validate_sites(windows=sites, now=now)


# ---- meters ----------------------------------------------------------------------------------------------------------


def validate_meters(*, windows: Mapping[int, Period], now: dt.datetime) -> Judged:
    """What came of judging what these meters told in their windows, each batch of meters in a transaction."""
    total = Judged()
    for ids in _batches(sorted(windows), METERS_AT_ONCE):
        total += _validate_meters({meter: windows[meter] for meter in ids}, now)
    return total


@transaction.atomic
def _validate_meters(windows: dict[int, Period], now: dt.datetime) -> Judged:
    _lock(1, windows)
    zones = _zones(windows)
    opened = {meter: _opened(window, zones[meter]) for meter, window in windows.items() if meter in zones}
    opened = keeping.overlapping(opened, "meter", opened)
    opened = {meter: _whole_days(window, zones[meter]) for meter, window in opened.items()}
    book = RuleBook()
    looks: dict[Subject, Look] = {}
    for told in register_readings.told_in(opened, book=book):
        site = told.placement.site
        look = _look_at(looks, (told.placement.meter_id, None, site.pk), opened[told.placement.meter_id])
        look.found.extend(asking.of_readings(told, book, now))
    _look_at_frames(looks, opened, book)
    return _judged(keeping.keep(list(looks.values()), now), meters=len(opened))


def _look_at(looks: dict[Subject, Look], subject: Subject, window: Period) -> Look:
    return looks.setdefault(subject, Look(subject, window, asking.METER_RULES, []))


def _look_at_frames(looks: dict[Subject, Look], windows: Mapping[int, Period], book: RuleBook) -> None:
    """Add what frames tell of the same meters: a temperature difference is in no reading."""
    if not looks:
        return
    whole = Period(min(window.start for window in windows.values()), max(window.end for window in windows.values()))
    places = {subject[0]: subject for subject in looks}
    meters = Meter.objects.in_bulk([meter for meter in places if meter is not None])
    sites = Site.objects.in_bulk({subject[2] for subject in looks})
    limits = {}
    for meter_id, meter in meters.items():
        site = sites[places[meter_id][2]]
        on = local_date(windows[meter_id].start, site.zone)
        limits[meter_id] = book.limits(Rule.DIFFERENCE, site, on, meter.accuracy_class)
    found = defaultdict(list)
    asked = {meter_id: one.thresholds for meter_id, one in limits.items() if one.enabled}
    for one in told_differences.contradictions(asked, whole):
        if windows[one.meter_id].contains(one.first_at):
            found[one.meter_id].append(one)
    for meter_id, of_meter in found.items():
        looks[places[meter_id]].found.extend(asking.of_frames(of_meter, limits[meter_id]))


# ---- months ----------------------------------------------------------------------------------------------------------


def validate_months(*, period: Period, now: dt.datetime, meters: Iterable[int] | None = None) -> Judged:
    """What came of judging the local months that the period touches: meters, delivery points and sites.

    What needs a whole month is judged once it is over; papers also before.
    """
    placements = MeterPlacement.objects.filter(valid_from__lt=period.end).exclude(valid_until__lte=period.start)
    placements = placements.exclude(meter__kind=Meter.Kind.WATER).select_related("meter", "site", "delivery_point")
    if meters is not None:
        placements = placements.filter(meter__in=meters)
    total = Judged()
    for some in _batches(list(placements.order_by("site", "meter", "pk")), METERS_AT_ONCE):
        total += _validate_papers(some, period, now)
        for month in _months(some, period):
            if month.end <= now:
                total += _validate_month(some, month, now)
    if meters is None:
        for site in Site.objects.filter(placements__in=placements).distinct().order_by("pk"):
            total += _validate_site_months(site, period, now)
    return total


def _months(placements: Sequence[MeterPlacement], period: Period) -> list[Period]:
    """The local months that the period touches, of every zone among the placements."""
    zones = {placement.site.time_zone: placement.site.zone for placement in placements}
    return sorted({month_of(part.start, zone) for zone in zones.values() for part in months_of(period, zone)})


@transaction.atomic
def _validate_papers(placements: Sequence[MeterPlacement], period: Period, now: dt.datetime) -> Judged:
    """What is known of some placed meters, as it stands at the end of the last month that the period touches."""
    _lock(1, [one.meter_id for one in placements])
    book = RuleBook()
    looks: dict[Subject, Look] = {}
    for placement in placements:
        month = month_of(period.end - dt.timedelta(microseconds=1), placement.site.zone)
        if not _stood(placement, month):
            continue
        subject = (placement.meter_id, None, placement.site_id)
        window = Period(placement.valid_from, month.end)
        look = looks.setdefault(subject, Look(subject, window, asking.PAPER_RULES, []))
        look.found.extend(asking.of_papers(placement, month, book))
    return _judged(keeping.keep(list(looks.values()), now))


@transaction.atomic
def _validate_month(placements: Sequence[MeterPlacement], month: Period, now: dt.datetime) -> Judged:
    """One month of some placed meters whose zone has this month."""
    here = [one for one in placements if month_of(month.start, one.site.zone) == month and _stood(one, month)]
    if not here:
        return Judged()
    _lock(1, [one.meter_id for one in here])
    book = RuleBook()
    looks: dict[Subject, Look] = {}
    rules = frozenset(asking.MONTH_RULES)
    for placement in here:
        subject = (placement.meter_id, None, placement.site_id)
        looks[subject] = Look(subject, month, rules, [])
    for told in register_readings.told_in({one.meter_id: month for one in here}, book=book):
        subject = (told.placement.meter_id, None, told.placement.site_id)
        if subject in looks:
            looks[subject].found.extend(asking.of_month(told, month, book))
    return _judged(keeping.keep(list(looks.values()), now))


def _stood(placement: MeterPlacement, month: Period) -> bool:
    until = placement.valid_until
    return placement.valid_from < month.end and (until is None or until > month.start)


@transaction.atomic
def _validate_site_months(site: Site, period: Period, now: dt.datetime) -> Judged:
    """The months of a site, and of its delivery points, that are over."""
    _lock(2, [site.pk])
    book = RuleBook()
    looks = []
    for month in sorted({month_of(part.start, site.zone) for part in months_of(period, site.zone)}):
        if month.end > now:
            continue
        balances = ledger_sums.balances(site, month, "month")
        found = [pair for one in balances for pair in asking.of_site_month(one, site, book)]
        looks.append(Look((None, None, site.pk), month, frozenset({Rule.BALANCE.value}), found))
        for point in site.delivery_points.select_related("site"):
            of_point = asking.of_history(*ledger_sums.months(point, month), site, book)
            looks.append(Look((None, point.pk, site.pk), month, frozenset({Rule.HISTORY.value}), of_point))
    return _judged(keeping.keep(looks, now), sites=1)


# ---- sites -----------------------------------------------------------------------------------------------------------


def validate_sites(*, windows: Mapping[int, Period], now: dt.datetime) -> Judged:
    """What came of judging what was settled at these sites in their windows: days of energies, and times of no use."""
    total = Judged()
    for site in Site.objects.filter(pk__in=windows).order_by("pk"):
        total += _validate_site(site, windows[site.pk], now)
    return total


@transaction.atomic
def _validate_site(site: Site, window: Period, now: dt.datetime) -> Judged:
    _lock(2, [site.pk])
    book = RuleBook()
    days = _whole_days(window, site.zone)
    today = local_midnight(local_date(now, site.zone), site.zone)
    looks = []
    if days.start < today:
        over = Period(days.start, min(days.end, today))
        found = [pair for one in ledger_sums.balances(site, over, "day") for pair in asking.of_day(one, site, book)]
        looks.append(Look((None, None, site.pk), over, frozenset({Rule.IT_BALANCE.value}), found))
    looks += _looks_at_points(site, window, book)
    return _judged(keeping.keep(looks, now), sites=1)


def _looks_at_points(site: Site, window: Period, book: RuleBook) -> list[Look]:
    """What times without use say of each delivery point, seen from far enough before that they count as long."""
    points = list(DeliveryPoint.objects.filter(site=site))
    on = local_date(window.end, site.zone)
    back = dt.timedelta(hours=2 * book.limits(Rule.ZERO_USE, site, on).thresholds["zero_h"])
    windows = keeping.overlapping(
        [point.pk for point in points],
        "delivery_point",
        {point.pk: Period(window.start - back, window.end) for point in points},
    )
    whole = Period(min((one.start for one in windows.values()), default=window.start), window.end)
    quarters = ledger_sums.quarters(points, whole)
    rules = frozenset({Rule.ZERO_USE.value})
    return [
        Look((None, point.pk, site.pk), windows[point.pk], rules,
             asking.of_point([one for one in quarters.get(point.pk, []) if one.start >= windows[point.pk].start],
                             site, book, on))
        for point in points
    ]  # fmt: skip


# ---- time ------------------------------------------------------------------------------------------------------------


def _zones(meters: Iterable[int]) -> dict[int, ZoneInfo]:
    """The zone of the site where each meter stands, or stood last."""
    rows = MeterPlacement.objects.filter(meter__in=list(meters)).select_related("site").order_by("valid_from")
    return {row.meter_id: row.site.zone for row in rows}


def _opened(window: Period, zone: ZoneInfo) -> Period:
    return _whole_days(Period(window.start - LOOK_BACK, window.end), zone)


def _whole_days(window: Period, zone: ZoneInfo) -> Period:
    """The window, widened to local midnights."""
    start = local_midnight(local_date(window.start, zone), zone)
    last = local_date(window.end - dt.timedelta(microseconds=1), zone)
    return Period(start, local_midnight(last + dt.timedelta(days=1), zone))


def _lock(kind: int, ids: Iterable[int]) -> None:
    """Let one judge at a time look at these, until its transaction ends; in one order, so none waits in a circle."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, id) FROM unnest(%s::int[]) WITH ORDINALITY o (id, n) ORDER BY n",
            [_LOCK + kind, sorted(set(ids))],
        )


def _batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
