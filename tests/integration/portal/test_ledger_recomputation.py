"""The nightly sample finds whatever was changed in the heat ledger, or behind its back, and says by how much."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from hosting.models import DeliveryPoint, Measurement
from kernel.periods import QUARTER_HOUR, Period
from portal import invariants
from tests.makers import accounts, hosting, thermal
from thermal.models import Correction, DirtyMark, EstimatedHeat, HeatInterval, SiteInterval
from thermal.services import marking, settlement

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
Role = Measurement.Role


@pytest.fixture
def point() -> DeliveryPoint:
    """A delivery point with two hours of readings, IT power and one corrected quarter hour, all settled."""
    thermal.make_partitions(START, months=3)
    point = hosting.make_delivery_point(hosting.make_site(code="pool"), code="basin")
    meter = hosting.make_placement(delivery_point=point, valid_from=START).meter
    thermal.make_readings(meter, [(START + n * QUARTER_HOUR, 4 * n) for n in range(1, 9)])
    racks = thermal.make_plant_device(point.site, [Role.IT_POWER, Role.CAPTURED_POWER])
    thermal.make_frames(racks, [(START + n * dt.timedelta(minutes=5), [20.0, 18.0]) for n in range(25)])
    correction = Correction.objects.create(
        kind="add", state="applied", site=point.site, delivery_point=point, method="linear", starts_at=START,
        ends_at=START + QUARTER_HOUR, heat_kwh=1, needs_approval=False, reason="Sensor was out.",
        author=accounts.engineer(), proposed_at=NOW, decided_at=NOW,
    )  # fmt: skip
    EstimatedHeat.objects.create(correction=correction, delivery_point=point, start=START, heat_kwh=1)
    settlement.settle_period(site=point.site, period=Period(START, START + 8 * QUARTER_HOUR), now=NOW)
    return point


def complaints() -> list[str]:
    return [
        line for finding in invariants.check(now=NOW) if finding.invariant.number == 6 for line in finding.violations
    ]


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_sound_ledger_is_left_as_it_was(point: DeliveryPoint) -> None:
    before = [list(model.objects.order_by("start").values()) for model in (HeatInterval, SiteInterval)]
    assert complaints() == []
    assert [list(model.objects.order_by("start").values()) for model in (HeatInterval, SiteInterval)] == before


HEAT = "UPDATE thermal_heatinterval SET {} WHERE start = '2026-10-01 12:15Z'"
SITE = "UPDATE thermal_siteinterval SET {} WHERE start = '2026-10-01 12:15Z'"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (HEAT.format("heat_kwh = 4.0001"), ["pool/basin", "heat_kwh is 4.0001", "recomputed 4.0000", "by -0.0001"]),
        (HEAT.format("quality = 3"), ["pool/basin", "quality is 3", "recomputed 0."]),
        (HEAT.format("last_reading_at = NULL"), ["pool/basin", "last_reading_at is None"]),
        (SITE.format("it_kwh = 6"), ["pool, ", "it_kwh is 6.0", "recomputed 5.0", "by -1.0"]),
        (SITE.format("closing_error_kwh = 0"), ["pool, ", "closing_error_kwh is 0.0", "recomputed 0.5"]),
        (SITE.format("export_basis = 1"), ["pool, ", "export_basis is 1", "recomputed 2."]),
        (SITE.format("curtailed_kwh = NULL"), ["pool, ", "curtailed_kwh is None"]),
        (SITE.format("inputs = '{7}'"), ["pool, ", "inputs is [7]", "recomputed []"]),
        ("DELETE FROM thermal_heatinterval WHERE start = '2026-10-01 12:15Z'", ["pool/basin", "heat_kwh is None"]),
    ],
)
def test_a_changed_row_is_named_with_what_it_should_say(point: DeliveryPoint, sql: str, said: list[str]) -> None:
    run(sql)
    [line] = complaints()
    assert "2026-10-01T12:15:00+00:00" in line
    for words in said:
        assert words in line


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE thermal_correction SET state = 'withdrawn'", "heat_kwh is 5.0000 in the ledger, recomputed 4.0000"),
        ("UPDATE hosting_meterplacement SET first_register = 1", "heat_kwh is 5.0000 in the ledger, recomputed 4.0000"),
    ],
)
def test_what_changed_behind_the_ledger_is_found(point: DeliveryPoint, sql: str, said: str) -> None:
    run(sql)
    assert any(line.startswith("pool/basin") and said in line for line in complaints())


def test_a_new_version_of_a_reading_that_marked_nothing_is_found(point: DeliveryPoint) -> None:
    meter = point.placements.get().meter
    at = START + 3 * QUARTER_HOUR
    reading = thermal.make_reading(meter, at, Decimal(13), version=2)
    assert any("heat_kwh is 4.0000 in the ledger, recomputed 5.0000, off by 1.0000" in line for line in complaints())
    marking.mark_recorded(readings=[(meter.pk, reading.at)], now=NOW)
    assert complaints() == []
    assert DirtyMark.objects.exists()


def test_where_all_is_wrong_the_rest_is_counted(point: DeliveryPoint, monkeypatch: Any) -> None:
    monkeypatch.setattr(invariants, "SHOWN_DIFFERENCES", 3)
    run("UPDATE thermal_heatinterval SET heat_kwh = heat_kwh + 1")
    lines = complaints()
    assert len(lines) == 4
    assert "5 more values" in lines[-1]


def test_the_sample_is_taken_every_night() -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["check-invariants"]
    assert entry["task"] == "portal.check_invariants"
    assert (entry["schedule"].hour, entry["schedule"].minute) == ({2}, {30})
