"""The KPI ledger equals what the heat ledger adds up to, however it came about."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from hosting.models import EquipmentModel, Measurement, Site
from kernel.periods import Period, local_month
from tests.makers import hosting, thermal
from thermal.domain.kpis import export, sums, water_side
from thermal.models import (
    Alarm,
    AlarmRule,
    EquipmentFact,
    EquipmentInterval,
    HeatInterval,
    KpiSum,
    MonthMark,
    SiteInterval,
)
from thermal.queries import kpis
from thermal.services import alarms, kpi_ledger, settlement

pytestmark = pytest.mark.django_db

QUARTER = dt.timedelta(minutes=15)
# Summer time ends in between, and the local month begins an hour before the one of UTC.
START = dt.datetime(2026, 10, 30, 20, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
PLAIN = [name for name in sums.OF_SITES if name in {field.name for field in SiteInterval._meta.fields}]


def fill(site: Site, seed: int, quarters: int = 120) -> None:
    """Quarter hours with every column drawn at random, a fifth of them unknown."""
    draw = random.Random(seed)
    energies = [name for name in PLAIN if name not in {"curtailed_s", "utilisation_ratio"}] + ["demand_kwh"]
    SiteInterval.objects.bulk_create(
        SiteInterval(
            site=site,
            start=START + n * QUARTER,
            **{name: None if draw.random() < 0.2 else round(draw.uniform(0, 5), 4) for name in energies},
            utilisation_ratio=draw.choice([None, 0.5, 0.75]),
            export_mode=draw.choice([None, 0, 1, 2, 3, 4, 5]),
            export_cause=draw.randrange(6),
            export_basis=draw.randrange(3),
            curtailed_s=draw.choice([0, 300, 900]),
            rule_version=2,
            settled_at=NOW,
        )
        for n in range(quarters)
    )
    point = hosting.make_delivery_point(site)
    HeatInterval.objects.bulk_create(
        HeatInterval(
            delivery_point=point,
            start=START + n * QUARTER,
            heat_kwh=round(draw.uniform(0, 5), 4),
            volume_m3=draw.choice([None, 0, round(draw.uniform(0, 1), 4)]),
            supply_vw_c=draw.choice([None, 45.5]),
            return_vw_c=35.25,
            quality=draw.choice([0, 1, 3]),
            rule_version=2,
            settled_at=NOW,
        )
        for n in range(quarters)
    )
    fill_equipment(site, draw, quarters)


def fill_equipment(site: Site, draw: random.Random, quarters: int) -> None:
    """Quarter hours of two exchangers, a heat pump and a buffer whose bounds changed in the middle."""
    kinds = EquipmentModel.Kind
    pieces = [
        hosting.make_equipment(site, kind)
        for kind in (kinds.PLATE_EXCHANGER, kinds.PLATE_EXCHANGER, kinds.HEAT_PUMP, kinds.BUFFER_TANK)
    ]
    middle = dt.date(2026, 10, 31)
    for kind, value, until in (("empty_c", 30.0, middle), ("full_c", 50.0, middle), ("empty_c", 20.0, None)):
        since = middle if until is None else dt.date(2026, 1, 1)
        EquipmentFact.objects.create(
            equipment=pieces[3], kind=kind, value=value, valid_from=since, valid_until=until, source="Drawing"
        )
    rows = []
    for number, piece in enumerate(pieces):
        for n in range(quarters):
            limits: Any = {}
            if number == 2 and draw.random() < 0.8:
                limits = {"heat_kwh": 5.0, "carnot_kwh": 0.6, "lorenz_kwh": 0.4}
            rows.append(
                EquipmentInterval(
                    equipment=piece,
                    start=START + n * QUARTER,
                    approach_k=draw.choice([None, 2.5, 3.25]) if number < 2 else None,
                    is_loaded=draw.choice([None, True, False]) if number < 3 else None,
                    electricity_kwh=draw.choice([None, 0.5, 1.0]) if number == 2 else None,
                    mean_c=draw.choice([None, 25.0, 40.0, 60.0]) if number == 3 else None,
                    charge_ratio=draw.choice([None, 0.75]) if number == 3 else None,
                    rule_version=1,
                    settled_at=NOW,
                    **limits,
                )
            )
    EquipmentInterval.objects.bulk_create(rows)


def water_of(heat: HeatInterval) -> tuple[float | None, float | None, float | None]:
    """The water that passed, and its products with the temperatures; none where no water passed."""
    if heat.volume_m3 == 0:
        return 0.0, 0.0, 0.0
    if heat.volume_m3 is None or heat.supply_vw_c is None or heat.return_vw_c is None:
        return None, None, None
    volume = float(heat.volume_m3)
    return volume, volume * heat.supply_vw_c, volume * heat.return_vw_c


def recomputed(site: Site) -> dict[tuple[dt.date, str], tuple[float | None, int]]:
    """The sums by month and input, added up row by row in Python."""
    found: dict[tuple[dt.date, str], list[Any]] = defaultdict(lambda: [0.0, 0])

    def put(start: dt.datetime, name: str, value: float | None) -> None:
        cell = found[start.astimezone(site.zone).date().replace(day=1), name]
        if value is not None:
            cell[0], cell[1] = cell[0] + value, cell[1] + 1

    for row in SiteInterval.objects.filter(site=site).order_by("start"):
        told = row.export_basis > 0 or row.delivered_kwh is not None
        for name in PLAIN:
            if name not in {"available_kwh", "curtailed_s"}:
                put(row.start, name, getattr(row, name))
        error = row.closing_error_kwh
        if row.delivered_kwh is not None:
            parts = (row.delivered_kwh, row.rejected_kwh or 0.0, row.buffer_change_kwh or 0.0)
            put(row.start, "balance_in_kwh", None if error is None else error + sum(parts))
        put(row.start, "utilisation_count", None if row.utilisation_ratio is None else 1)
        put(row.start, "curtailed_s", row.curtailed_s if told else None)
        for key, value in told_of_export(row).items():
            put(row.start, key, value)
    for start, key, value in (*told_of_water(site), *told_of_equipment(site)):
        put(start, key, value)
    return {key: (round(value, 3) if count else None, count) for key, (value, count) in found.items()}


def told_of_export(row: SiteInterval) -> dict[str, float | None]:
    told = row.export_basis > 0 or row.delivered_kwh is not None
    lost, found = row.curtailed_kwh, dict[str, float | None]()
    both = row.available_kwh is not None and row.demand_kwh is not None
    found["available_kwh"] = row.available_kwh if both else None
    found["coincident_kwh"] = min(row.available_kwh or 0.0, row.demand_kwh or 0.0) if both else None
    for number, mode in enumerate(sums.MODES):
        found[f"mode_{mode}_s"] = None if row.export_mode is None else 900 * (row.export_mode == number)
    for number, cause in enumerate(sums.CAUSES):
        mine = row.export_cause == number
        found[f"curtailed_{cause}_s"] = row.curtailed_s * mine if told else None
        found[f"curtailed_{cause}_kwh"] = None if lost is None else lost * mine
    return found


def told_of_water(site: Site) -> Iterator[tuple[dt.datetime, str, float | None]]:
    for heat in HeatInterval.objects.filter(delivery_point__site=site).order_by("start"):
        for name, value in zip(("volume_m3", "supply_m3c", "return_m3c"), water_of(heat), strict=True):
            yield heat.start, name, value
        yield heat.start, "estimated_kwh", float(heat.heat_kwh or 0) * (heat.quality == 3)


def told_of_equipment(site: Site) -> Iterator[tuple[dt.datetime, str, float | None]]:
    for row in EquipmentInterval.objects.filter(equipment__site=site).select_related("equipment__model"):
        for name, value in of_equipment(row, row.start.astimezone(site.zone).date()).items():
            yield row.start, name, value


def of_equipment(row: EquipmentInterval, day: dt.date) -> dict[str, float | None]:
    kind, loaded = row.equipment.model.kind, bool(row.is_loaded)
    if kind == EquipmentModel.Kind.PLATE_EXCHANGER:
        known = row.approach_k is not None and row.is_loaded is not None
        approach = (row.approach_k or 0.0) * loaded
        return {"approach_k": approach if known else None, "approach_count": loaded if known else None}
    if kind == EquipmentModel.Kind.BUFFER_TANK:
        charge = row.charge_ratio
        # From the middle on nobody says when it is full.
        if charge is None and row.mean_c is not None and day < dt.date(2026, 10, 31):
            charge = water_side.state_of_charge_ratio(row.mean_c, 30.0, 50.0)
        return {"charge_ratio": charge, "charge_count": None if charge is None else 1}
    work, least = row.electricity_kwh, row.lorenz_kwh
    if work is None or least is None or row.carnot_kwh is None:
        return dict.fromkeys(sums.OF_PUMPS)
    wrong = loaded and work <= row.carnot_kwh
    return {"lorenz_kwh": least * (not wrong), "judged_kwh": work * (not wrong), "impossible_count": wrong}


def kept(site: Site) -> dict[tuple[dt.date, str], tuple[float | None, int]]:
    rows = KpiSum.objects.filter(site=site)
    return {
        (row.month_on, row.input): (None if row.value is None else round(row.value, 3), row.known_count) for row in rows
    }


def test_sums_equal_a_recomputation_from_every_quarter_hour() -> None:
    sites = [hosting.make_site(), hosting.make_site(time_zone="Asia/Kolkata", country="IN")]
    for number, site in enumerate(sites):
        fill(site, number)
    kpi_ledger.mark_all(now=NOW)
    written = kpi_ledger.sum_marked(now=NOW, batch=1)
    assert written == 2 * 2 * len(sums.INPUTS)
    for site in sites:
        expected = recomputed(site)
        assert {name for _month, name in kept(site)} == set(sums.INPUTS)
        known = {key: value for key, value in expected.items() if key in kept(site)}
        for key, (value, count) in known.items():
            assert kept(site)[key] == (pytest.approx(value, abs=2e-3) if count else None, count), key
    assert MonthMark.objects.count() == 0


def test_the_quarter_hours_of_a_month_add_up_to_its_sums() -> None:
    site = hosting.make_site()
    fill(site, 3)
    kpi_ledger.mark_all(now=NOW)
    kpi_ledger.sum_marked(now=NOW)
    for month in (10, 11):
        period = local_month(2026, month, site.zone)
        found, _standing = kpis.sums_of_quarters(site=site, period=period, inputs=sums.INPUTS, now=NOW)
        rows = {row.input: row for row in KpiSum.objects.filter(site=site, month_on=dt.date(2026, month, 1))}
        assert set(rows) == set(found)
        for name, row in rows.items():
            value = None if row.value is None else pytest.approx(row.value, abs=1e-3)
            assert (found[name].value, found[name].known_count) == (value, row.known_count), name


def test_summing_again_changes_nothing_and_a_rebuild_gives_the_same() -> None:
    site = hosting.make_site()
    fill(site, 7, quarters=30)
    kpi_ledger.mark_all(now=NOW)
    kpi_ledger.sum_marked(now=NOW)
    before = kept(site)
    kpi_ledger.mark_all(now=NOW)
    assert kpi_ledger.sum_marked(now=NOW) == 0
    assert set(KpiSum.objects.values_list("version", flat=True)) == {1}
    out = StringIO()
    call_command("kpi_ledger", "--rebuild", "--site", site.code, stdout=out)
    assert kept(site) == before
    assert "sums of sites and months written" in out.getvalue()
    with pytest.raises(CommandError, match="no site"):
        call_command("kpi_ledger", "--site", "nowhere")


def test_settlement_marks_the_months_that_it_changed() -> None:
    thermal.make_partitions(START, months=3)
    site, other = hosting.make_site(), hosting.make_site()
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    for at in (START, START + dt.timedelta(days=2)):
        thermal.make_frames(device, [(at + n * 3 * dt.timedelta(minutes=5), [8.0]) for n in range(3)])
        settlement.settle_period(site=site, period=Period(at, at + 2 * QUARTER), now=NOW)
    marked = list(MonthMark.objects.values_list("site", "month_on").order_by("month_on"))
    assert marked == [(site.pk, dt.date(2026, 10, 1)), (site.pk, dt.date(2026, 11, 1))]
    kpi_ledger.sum_marked(now=NOW)
    october = KpiSum.objects.get(site=site, month_on=dt.date(2026, 10, 1), input="it_kwh")
    assert (october.value, october.known_count) == (4.0, 2)
    rest = local_month(2026, 10, site.zone).end - START
    assert october.expected_count == rest // QUARTER
    assert not KpiSum.objects.filter(site=other).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"month_on": dt.date(2026, 10, 2)},
        {"known_count": 5, "expected_count": 4},
        {"value": None},
        {"known_count": 0},
    ],
)
def test_rows_that_contradict_themselves_are_refused(wrong: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "site": hosting.make_site(),
        "month_on": dt.date(2026, 10, 1),
        "input": "it_kwh",
        "value": 1.0,
        "known_count": 3,
        "expected_count": 4,
        "computed_at": NOW,
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        KpiSum.objects.create(**fields | wrong)


def test_a_balance_that_does_not_close_raises_an_alarm() -> None:
    site = hosting.make_site()
    rule = thermal.make_rule(
        site,
        kind=AlarmRule.Kind.BALANCE,
        measurement=None,
        limit_value=0.1,
        deadband_value=0.02,
        on_delay_s=0,
        off_delay_s=0,
    )
    came_in, delivered = 10.0, 8.0
    row = SiteInterval.objects.create(
        site=site,
        start=NOW - 2 * QUARTER,
        delivered_kwh=delivered,
        closing_error_kwh=export.balance_error_kwh(came_in, None, delivered, None, None),
        rule_version=2,
        settled_at=NOW,
    )
    assert alarms.evaluate(now=NOW) == 1
    alarm = Alarm.objects.get(rule=rule)
    assert (alarm.state, alarm.unit) == ("unack", "1")
    assert alarm.value == pytest.approx(0.2)
    row.closing_error_kwh = 0.1
    row.save()
    alarms.evaluate(now=NOW + dt.timedelta(minutes=1))
    alarm.refresh_from_db()
    assert alarm.state == "rtn"


def test_the_first_hours_of_a_month_are_a_period_of_their_own() -> None:
    """From midnight of the first to the same noon is no month, though both days are a first of the month."""
    site = hosting.make_site()
    fill(site, seed=7)
    period = Period(local_month(2026, 11, site.zone).start, local_month(2026, 11, site.zone).start + 10 * 4 * QUARTER)
    found = kpis.figures_of_period(site=site, period=period, now=NOW, keys=["it_energy"]).figures[0]
    rows = SiteInterval.objects.filter(site=site, start__gte=period.start, start__lt=period.end, it_kwh__isnull=False)
    assert found.value == pytest.approx(sum(row.it_kwh or 0.0 for row in rows))
    assert found.value
