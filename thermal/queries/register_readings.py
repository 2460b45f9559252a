"""The readings of placed meters, as the versions that count have them, and their differences."""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from hosting.models import Meter, MeterPlacement
from kernel.periods import Period, local_date
from thermal.domain import differences
from thermal.domain.differences import Counter, Difference, Pace, Reading
from thermal.domain.physics import Side
from thermal.domain.validation import MeterFacts
from thermal.domain.validation.vocabulary import UNKNOWN_DIFFERENCE_K
from thermal.queries.rule_book import RuleBook, settlement_power_ratio

_FIELDS = (
    "energy_kwh", "volume_m3", "supply_energy_m3c", "return_energy_m3c", "flow_m3h", "supply_c", "return_c",
    "operating_h", "error_h", "info_code", "device_at",
)  # fmt: skip
_TOLD = ", ".join(f"told.{name}" for name in _FIELDS)

# One reading before the window and one after it: a difference has two ends.
_READINGS = f"""
SELECT w.meter_id, told.at, told.version, told.source = 'distributed', {_TOLD}
FROM unnest(%(meters)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) w (meter_id, first_at, last_at)
LEFT JOIN LATERAL (
    SELECT r.at FROM thermal_meterreading r
    WHERE r.meter_id = w.meter_id AND r.at < w.first_at AND r.energy_kwh IS NOT NULL ORDER BY r.at DESC LIMIT 1
) earlier ON true
LEFT JOIN LATERAL (
    SELECT r.at FROM thermal_meterreading r
    WHERE r.meter_id = w.meter_id AND r.at > w.last_at AND r.energy_kwh IS NOT NULL ORDER BY r.at LIMIT 1
) later ON true
JOIN LATERAL (
    SELECT DISTINCT ON (r.at) r.* FROM thermal_meterreading r
    WHERE r.meter_id = w.meter_id AND r.at >= coalesce(earlier.at, w.first_at) AND r.at <= coalesce(later.at, w.last_at)
    ORDER BY r.at, r.version DESC
) told ON told.energy_kwh IS NOT NULL
ORDER BY w.meter_id, told.at
"""  # noqa: S608 - our own constants


@dataclass(frozen=True, slots=True)
class Told:
    """What a placed meter told in a window: readings, their differences, and what must be known to judge them."""

    placement: MeterPlacement
    window: Period
    facts: MeterFacts
    readings: list[Reading]
    steps: list[Difference]


def readings_in(windows: Mapping[int, Period]) -> dict[int, list[Reading]]:
    """The readings of each meter in its window, with one before and one after it, in order."""
    facts: dict[str, Any] = {
        "meters": list(windows),
        "starts": [window.start for window in windows.values()],
        "ends": [window.end for window in windows.values()],
    }
    found: dict[int, list[Reading]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_READINGS, facts)
        for meter_id, at, version, is_divided, *values in cursor.fetchall():
            told = dict(zip(_FIELDS, values, strict=True))
            found[meter_id].append(Reading(meter_id=meter_id, at=at, version=version, is_divided=is_divided, **told))
    return dict(found)


def told_in(windows: Mapping[int, Period], *, book: RuleBook | None = None) -> list[Told]:
    """What each meter told in its window, for each place where it stood then.

    Registers of energy only: what water meters count has no differences here. Given a rule book, its thresholds say
    what a gap and a jump of the clock are; else the proposed ones do.
    """
    placements = (
        MeterPlacement.objects.filter(meter__in=windows)
        .exclude(meter__kind=Meter.Kind.WATER)
        .select_related("meter", "site", "delivery_point")
        .order_by("meter", "valid_from")
    )
    readings = readings_in(windows)
    found = []
    for placement in placements:
        window = windows[placement.meter_id]
        stay = _stay(placement, window)
        if stay is None:
            continue
        of_stay = _with_ends(placement, readings.get(placement.meter_id, []), window)
        if len(of_stay) > 1:
            facts = facts_of(placement, differences.interval_of(of_stay))
            pace = Pace(facts.interval_s, *_pace(book, placement, stay))
            steps = differences.differences(of_stay, facts.counter, pace)
            found.append(Told(placement, stay, facts, of_stay, steps))
    return found


def _pace(book: RuleBook | None, placement: MeterPlacement, stay: Period) -> tuple[float, ...]:
    """What a gap and a jump of the clock are there; nothing where the proposed thresholds are to hold."""
    if book is None:
        return ()
    site = placement.site
    return book.pace(site, local_date(stay.start, site.zone), placement.meter.accuracy_class)


def differences_of(meter: Meter, period: Period) -> list[Difference]:
    """The register differences of a meter that touch the period, with the exchanges between its places.

    Normal ones are stored nowhere: they follow from the readings at any time.
    """
    steps: list[Difference] = []
    for told in told_in({meter.pk: period}):
        inside = [step for step in told.steps if step.before.at < period.end and step.after.at > period.start]
        if steps and inside:
            steps.append(differences.swap(steps[-1].after, inside[0].before))
        steps += inside
    return steps


def facts_of(placement: MeterPlacement, interval_s: float) -> MeterFacts:
    """What must be known of the placed meter."""
    meter = placement.meter
    return MeterFacts(
        counter=counter_of(meter),
        interval_s=interval_s,
        side=Side(meter.sensor_side) if meter.sensor_side else None,
        accuracy_class=meter.accuracy_class,
        qp_m3h=meter.qp_m3h,
        min_difference_k=meter.min_difference_k or UNKNOWN_DIFFERENCE_K,
        verified_until_on=meter.verified_until_on,
    )


def counter_of(meter: Meter) -> Counter:
    """The counting mechanism of a meter."""
    max_kw = None if meter.max_kw is None else Decimal(str(meter.max_kw))
    return Counter(meter.register_digits, meter.register_step, max_kw, settlement_power_ratio())


def _stay(placement: MeterPlacement, window: Period) -> Period | None:
    """The part of the window in which the meter stood there."""
    start = max(window.start, placement.valid_from)
    end = window.end if placement.valid_until is None else min(window.end, placement.valid_until)
    return Period(start, end) if start < end else None


def _with_ends(placement: MeterPlacement, readings: list[Reading], window: Period) -> list[Reading]:
    """The readings of the stay, its first and final register in place of what was read at those instants.

    What was loaded begins with the last reading before the window and ends with the first one after it: the noted
    registers are added only where no reading can lie between.
    """
    if not readings:
        return []
    since, until = placement.valid_from, placement.valid_until
    kept = [one for one in readings if one.at > since and (until is None or one.at < until)]
    by_instant = {one.at: one for one in readings}
    if readings[0].at <= since or readings[0].at >= window.start:
        first = placement.first_register, placement.first_volume_m3
        kept = [_noted(placement, since, *first, by_instant.get(since)), *kept]
    if until is not None and placement.final_register is not None:
        final = placement.final_register, placement.final_volume_m3
        if readings[-1].at >= until or readings[-1].at <= window.end:
            kept.append(_noted(placement, until, *final, by_instant.get(until)))
    return kept


def _noted(
    placement: MeterPlacement, at: dt.datetime, register: Decimal, volume_m3: Decimal | None, read: Reading | None
) -> Reading:
    """A register that a person noted when the meter was fitted or removed; what else was read then stays."""
    noted = read or Reading(meter_id=placement.meter_id, at=at, version=0, energy_kwh=register)
    volume = noted.volume_m3 if volume_m3 is None else volume_m3
    return dataclasses.replace(noted, version=0, energy_kwh=register, volume_m3=volume)
