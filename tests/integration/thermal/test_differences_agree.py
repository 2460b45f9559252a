"""The state machine of register differences and the statement of settlement count alike, on random sequences."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from hosting.models import Meter, MeterPlacement
from kernel.periods import Period
from tests.makers import hosting, thermal
from thermal.domain.differences import Doubt, Kind
from thermal.models.ledger import Reason
from thermal.queries import register_readings
from thermal.services import settlement
from thermal.services.settlement_sql import _SPAN as SPAN
from thermal.services.settlement_sql.registers import METERED

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
DOUBTS = {
    Reason.REGISTER_DECREASED.value: Doubt.DECREASED,
    Reason.IMPLAUSIBLE.value: Doubt.IMPLAUSIBLE,
    Reason.NONE.value: Doubt.NONE,
}
SEGMENTS = f"""
WITH {SPAN}, {METERED}
SELECT meter_id, since, at, fault_reason, CASE WHEN fault_reason = 0 THEN heat END
FROM segment ORDER BY meter_id, at
"""
METERS = 120


def register_sequence(luck: random.Random, meter: Meter) -> list[tuple[dt.datetime, Decimal]]:
    """Registers that mostly rise, and now and then roll over, fall, leap, come back, pause or change their unit."""
    modulus = meter.register_step * Decimal(10) ** meter.register_digits
    level = luck.choice([Decimal(0), modulus / 2, modulus * Decimal("0.99"), modulus - 3]).quantize(meter.register_step)
    at, rows = START + dt.timedelta(minutes=luck.randrange(60)), []
    for _ in range(luck.randrange(2, 14)):
        level = (level + Decimal(luck.choice([0, 0, 1, 3, 7, 14, 15, 16, 40]))) % modulus
        told = luck.choice([level] * 12 + [level / 1000, level * 1000 % modulus, Decimal(0), level / 2, modulus - 1])
        rows.append((at, told.quantize(Decimal("0.0001"))))
        if luck.random() < 0.15:
            level = told.quantize(meter.register_step)
        at += dt.timedelta(minutes=luck.choice([15, 15, 15, 30, 60, 300]))
    return rows


def furnished(luck: random.Random) -> list[MeterPlacement]:
    """Meters of all sorts, with their readings."""
    thermal.make_partitions(START, months=3)
    site, placements = hosting.make_site(), []
    for _ in range(METERS):
        meter = hosting.make_meter(
            Meter.Kind.ELECTRICITY,
            register_digits=luck.choice([4, 5, 6]),
            register_step=luck.choice([Decimal(1), Decimal("0.1")]),
            max_kw=luck.choice([None, 55.5, 60.0]),
        )
        rows = register_sequence(luck, meter)
        fields: dict[str, Any] = {"valid_from": START - DAY, "first_register": rows[0][1]}
        if luck.random() < 0.3:
            fields |= {"valid_until": rows[-1][0], "final_register": rows[-1][1]}
        placements.append(hosting.make_placement(meter, role=MeterPlacement.Role.IT_ELECTRICITY, site=site, **fields))
        thermal.make_readings(meter, rows)
    return placements


@pytest.mark.parametrize(("seed", "power_ratio"), [(1, 1.1), (2, 1.1), (3, 1.1), (1, 1.0), (2, 2.5)])
def test_both_count_the_same_heat_and_doubt_the_same_registers(seed: int, power_ratio: float, settings: Any) -> None:
    settings.THERMAL_POWER_RATIO = power_ratio
    placements = furnished(random.Random(seed))
    window = Period(START - 2 * DAY, START + 5 * DAY)
    facts = settlement._facts([(placements[0].site_id, window.start, window.end, 0)], START)
    with connection.cursor() as cursor:
        cursor.execute(SEGMENTS, facts | settlement._SITE_FACTS)
        settled = [(meter, since, at, DOUBTS[reason], heat) for meter, since, at, reason, heat in cursor.fetchall()]
    told = register_readings.told_in({one.meter_id: window for one in placements})
    counted = [
        (step.after.meter_id, step.before.at, step.after.at, step.doubt, step.heat_kwh)
        for stay in sorted(told, key=lambda stay: stay.placement.meter_id)
        for step in stay.steps
    ]
    assert counted == settled
    kinds = {step.kind for stay in told for step in stay.steps}
    assert kinds > {Kind.NORMAL, Kind.GAP, Kind.ROLLOVER, Kind.SPIKE, Kind.RESET, Kind.DECREASE, Kind.JUMP}
