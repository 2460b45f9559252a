"""Registers for billing: at an instant, and where they fell between two.

Of several versions of a reading the latest counts, as in settlement.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import connection

from contracts.domain import registers
from contracts.domain.registers import How, Reading, Register, Stay
from hosting.models import DeliveryPoint, MeterPlacement
from kernel.errors import Refusal
from kernel.periods import Period
from thermal.services.settlement_sql.registers import CURRENT_READING

# Within a gap this long a register may be interpolated; a longer one needs a reading.
DEFAULT_GAP: Final = timedelta(hours=2)

NEIGHBOUR_BEFORE = f"""
    SELECT r.at, r.version, r.energy_kwh FROM thermal_meterreading r
    WHERE r.meter_id = %s AND r.at <= %s AND r.at >= %s AND {CURRENT_READING}
    ORDER BY r.at DESC LIMIT 1
"""  # noqa: S608 - no value of a user
NEIGHBOUR_AFTER = f"""
    SELECT r.at, r.version, r.energy_kwh FROM thermal_meterreading r
    WHERE r.meter_id = %s AND r.at > %s AND r.at <= %s AND {CURRENT_READING}
    ORDER BY r.at LIMIT 1
"""  # noqa: S608
FALLS = f"""
    WITH series AS (
        SELECT r.at, r.version, r.energy_kwh FROM thermal_meterreading r
        WHERE r.meter_id = %(meter)s AND r.at > %(first_at)s AND r.at < %(last_at)s AND {CURRENT_READING}
        UNION ALL SELECT %(last_at)s::timestamptz, 0, %(last_kwh)s::numeric
    ),
    steps AS (
        SELECT at, version, energy_kwh,
               lag(at, 1, %(first_at)s::timestamptz) OVER w AS before_at,
               lag(version::int, 1, 0) OVER w AS before_version,
               lag(energy_kwh, 1, %(first_kwh)s::numeric) OVER w AS before_kwh
        FROM series WINDOW w AS (ORDER BY at)
    )
    SELECT before_at, before_version, before_kwh, at, version, energy_kwh
    FROM steps WHERE energy_kwh < before_kwh ORDER BY at
"""  # noqa: S608


class NoReadingAt(Refusal):
    sentence = "Meter %(serial)s has no reading near %(at)s."


class NoMeter(Refusal):
    sentence = "No meter stood at the delivery point %(point)s."


def longest_gap() -> timedelta:
    """How far apart two readings may lie for a register between them to be interpolated."""
    gap: timedelta = getattr(settings, "BILLING_LONGEST_GAP", DEFAULT_GAP)
    return gap


def _one(sql: str, meter_id: int, *bounds: datetime) -> Reading | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, [meter_id, *bounds])
        row = cursor.fetchone()
    return Reading(meter_id, row[0], row[1], row[2]) if row else None


def register_at(placement: MeterPlacement, at: datetime) -> Register:
    """The register of the placed meter at the instant: read, or interpolated within the longest gap.

    Raises
    ------
    NoReadingAt
        Where the neighbouring readings are missing or lie too far apart.
    """
    meter, gap = placement.meter, longest_gap()
    before = _one(NEIGHBOUR_BEFORE, meter.pk, at, max(at - gap, placement.valid_from))
    if before and before.at == at:
        return Register(at, before.energy_kwh, How.READ, (before,))
    latest = at + gap if placement.valid_until is None else min(at + gap, placement.valid_until)
    after = _one(NEIGHBOUR_AFTER, meter.pk, at, latest)
    if before is None or after is None or after.at - before.at > gap or after.energy_kwh < before.energy_kwh:
        raise NoReadingAt(serial=meter.serial, at=at.isoformat())
    return registers.interpolate(at, before, after)


def falls_between(meter_id: int, first: Register, last: Register) -> tuple[tuple[Reading, Reading], ...]:
    """Each place where the register went down, as the readings before and after it."""
    if first.at >= last.at:
        return ()
    facts: dict[str, int | Decimal | datetime] = {
        "meter": meter_id, "first_at": first.at, "first_kwh": first.energy_kwh,
        "last_at": last.at, "last_kwh": last.energy_kwh,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(FALLS, facts)
        rows = cursor.fetchall()
    return tuple((Reading(meter_id, *row[:3]), Reading(meter_id, *row[3:])) for row in rows)


def placements_in(delivery_point: DeliveryPoint, period: Period) -> list[MeterPlacement]:
    """The meters that measured the delivery point at some time of the period, in order."""
    rows = MeterPlacement.objects.filter(delivery_point=delivery_point, valid_from__lt=period.end)
    rows = rows.exclude(valid_until__lte=period.start).select_related("meter").order_by("valid_from")
    return list(rows)


def counter_of(placement: MeterPlacement) -> registers.Counter:
    """The counting mechanism of the placed meter."""
    meter = placement.meter
    max_kw = None if meter.max_kw is None else Decimal(str(meter.max_kw))
    return registers.Counter(meter.serial, meter.register_digits, meter.register_step, max_kw)


def stay_in(placement: MeterPlacement, period: Period, opening: Register | None = None) -> Stay:
    """What the placed meter counted in the period; ``opening`` is its register at the start where already billed."""
    if placement.valid_from >= period.start:
        first = Register(placement.valid_from, placement.first_register, How.FITTED)
    else:
        first = opening or register_at(placement, period.start)
    if placement.valid_until is not None and placement.valid_until <= period.end:
        last = Register(placement.valid_until, placement.final_register or Decimal(0), How.REMOVED)
    else:
        last = register_at(placement, period.end)
    falls = falls_between(placement.meter_id, first, last)
    return Stay(placement.pk, placement.meter_id, counter_of(placement), first, last, falls)


def recorded(reading: Reading) -> Decimal | None:
    """The register in kWh that is stored now under the reading's key, or None where it is gone."""
    sql = "SELECT energy_kwh FROM thermal_meterreading WHERE meter_id = %s AND at = %s AND version = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [reading.meter_id, reading.at, reading.version])
        row = cursor.fetchone()
    return row[0] if row else None


def latest_version(reading: Reading) -> int | None:
    """The version that is effective now at the reading's instant."""
    found = _one(NEIGHBOUR_BEFORE, reading.meter_id, reading.at, reading.at)
    return found.version if found else None
