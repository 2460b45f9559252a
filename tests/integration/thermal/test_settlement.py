"""The heat ledger from registers and telemetry, in a real PostgreSQL."""

import datetime as dt
import itertools
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from hosting.models import DeliveryPoint, EquipmentModel, Measurement, Meter, MeterPlacement, Site
from kernel.periods import Period
from tests.makers import hosting, thermal
from thermal.models import DirtyMark, HeatInterval, SiteInterval
from thermal.models.ledger import Quality, Reason
from thermal.services import marking, settlement

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)


def at(clock: str) -> dt.datetime:
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return DAY + dt.timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)


@pytest.fixture(autouse=True)
def partitions() -> None:
    thermal.make_partitions(DAY, months=3)


@pytest.fixture
def site() -> Site:
    return hosting.make_site()


@pytest.fixture
def point(site: Site) -> DeliveryPoint:
    return hosting.make_delivery_point(site)


@pytest.fixture
def meter(point: DeliveryPoint) -> Meter:
    return place(point).meter


def place(point: DeliveryPoint, **fields: Any) -> MeterPlacement:
    return hosting.make_placement(delivery_point=point, **{"valid_from": DAY - dt.timedelta(days=1)} | fields)


def read(meter: Meter, rows: dict[str, Any], **fields: Any) -> None:
    """Readings recorded one by one, each marking what it touches, as polling does."""
    for clock, energy in rows.items():
        reading = thermal.make_reading(meter, at(clock), energy, **fields)
        marking.mark_recorded(readings=[(meter.pk, reading.at)], now=reading.at)


def settle() -> settlement.Settled:
    return settlement.settle_marked(now=LATER)


def heat(point: DeliveryPoint, clock: str) -> HeatInterval:
    return HeatInterval.objects.get(delivery_point=point, start=at(clock))


def test_a_quarter_hour_with_readings_on_both_bounds_is_measured(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 100, "12:15": "104.25"})
    settle()
    row = heat(point, "12:00")
    assert (row.heat_kwh, row.quality, row.measured_s) == (Decimal("4.2500"), Quality.MEASURED, 900)
    assert (row.first_reading_at, row.last_reading_at) == (at("12:00"), at("12:15"))
    assert row.meter == meter


def test_bounds_between_readings_are_interpolated_and_sums_are_exact(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:07": "100.0001", "12:22": "103.0002", "12:37": "110.3335", "12:53": "111.0001"})
    settle()
    total = HeatInterval.objects.filter(start__gte=at("12:15"), start__lt=at("12:45")).aggregate(s=Sum("heat_kwh"))["s"]
    first = Decimal("100.0001") + round(Decimal("3.0001") * 8 / 15, 4)
    last = Decimal("110.3335") + round(Decimal("0.6666") * 8 / 16, 4)
    assert total == last - first
    assert heat(point, "12:15").quality == Quality.MEASURED


def test_hourly_readings_are_spread_and_say_so(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 0, "13:00": 10})
    settle()
    rows = list(HeatInterval.objects.filter(start__gte=at("12:00"), start__lt=at("13:00")))
    assert [row.heat_kwh for row in rows] == [Decimal("2.5")] * 4
    assert {row.quality for row in rows} == {Quality.SPREAD}
    assert {row.measured_s for row in rows} == {0}


def test_no_energy_is_invented_after_the_last_reading(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 0, "12:20": 10})
    settle()
    row = heat(point, "12:15")
    assert (row.heat_kwh, row.quality, row.reason) == (None, Quality.MISSING, Reason.NO_READING)


def test_a_register_rolls_over(point: DeliveryPoint) -> None:
    meter = place(
        point, meter=hosting.make_meter(register_digits=7, register_step=Decimal(1)), first_register=9_999_000
    ).meter
    read(meter, {"12:00": 9_999_870, "12:15": 245})
    settle()
    assert heat(point, "12:00").heat_kwh == Decimal(375)


@pytest.mark.parametrize(("before", "after"), [(5_000_000, 12), (9_999_870, 9_999_000), (9_999_870, 2_000_000)])
def test_a_register_that_goes_down_is_no_negative_heat(point: DeliveryPoint, before: int, after: int) -> None:
    meter = place(point, meter=hosting.make_meter(register_digits=7, register_step=Decimal(1))).meter
    read(meter, {"12:00": before, "12:15": after, "12:30": after + 5})
    settle()
    row = heat(point, "12:00")
    assert (row.heat_kwh, row.quality, row.reason) == (None, Quality.MISSING, Reason.REGISTER_DECREASED)
    assert heat(point, "12:15").heat_kwh == 5


def test_a_rollover_that_the_meter_cannot_count_is_refused(point: DeliveryPoint) -> None:
    meter = place(point, meter=hosting.make_meter(register_digits=7, register_step=Decimal(1), max_kw=60.0)).meter
    read(meter, {"12:00": 9_999_870, "12:15": 245})
    settle()
    assert heat(point, "12:00").reason == Reason.REGISTER_DECREASED


def test_a_leap_that_the_meter_cannot_count_is_implausible(point: DeliveryPoint) -> None:
    meter = place(point, meter=hosting.make_meter(max_kw=60.0)).meter
    read(meter, {"12:00": 100, "12:15": 100_000, "12:30": 100_010})
    settle()
    assert (heat(point, "12:00").heat_kwh, heat(point, "12:00").reason) == (None, Reason.IMPLAUSIBLE)
    assert heat(point, "12:15").heat_kwh == 10


@pytest.mark.parametrize("fault", [{"info_code": 8}, {"info_code": 0x20000}, {"supply_c": 185}, {"return_c": 0}])
def test_a_sensor_fault_is_not_measured(point: DeliveryPoint, meter: Meter, fault: dict[str, Any]) -> None:
    read(meter, {"12:00": 100})
    read(meter, {"12:15": 101}, **fault)
    settle()
    row = heat(point, "12:00")
    assert (row.heat_kwh, row.quality, row.reason) == (Decimal(1), Quality.ESTIMATED, Reason.SENSOR_FAULT)


def test_an_information_code_that_blocks_nothing_is_harmless(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 100, "12:15": 101}, info_code=2 | 2048)
    settle()
    assert heat(point, "12:00").quality == Quality.MEASURED


def test_a_swapped_meter_adds_both_parts(site: Site, point: DeliveryPoint) -> None:
    swap = at("12:05")
    old = place(point, valid_until=swap, final_register=Decimal("1003.5")).meter
    new = place(point, valid_from=swap, first_register=Decimal("20.25")).meter
    read(old, {"12:00": "1000"})
    read(new, {"12:15": "21"})
    settle()
    row = heat(point, "12:00")
    assert (row.heat_kwh, row.quality, row.meter) == (Decimal("4.25"), Quality.MEASURED, new)


def test_the_time_without_a_meter_is_labelled(point: DeliveryPoint) -> None:
    old = place(point, valid_until=at("12:05"), final_register=Decimal(1001)).meter
    new = place(point, valid_from=at("12:10"), first_register=Decimal(0)).meter
    read(old, {"12:00": "1000"})
    read(new, {"12:15": "2"})
    settle()
    row = heat(point, "12:00")
    assert (row.heat_kwh, row.quality, row.reason) == (Decimal(3), Quality.ESTIMATED, Reason.METER_CHANGED)


def test_a_meter_removed_after_the_fact_is_settled_again(point: DeliveryPoint) -> None:
    placement = place(point)
    read(placement.meter, {"12:00": 100, "12:15": 104, "12:30": 108})
    settle()
    placement.valid_until, placement.final_register = at("12:20"), Decimal(105)
    placement.save()
    settle()
    assert (heat(point, "12:15").heat_kwh, heat(point, "12:15").reason) == (Decimal(1), Reason.METER_CHANGED)
    assert heat(point, "12:30").reason == Reason.NO_METER
    assert heat(point, "12:00").version == 1


def test_the_first_register_of_a_placement_counts(point: DeliveryPoint) -> None:
    meter = place(point, valid_from=at("11:30"), first_register=Decimal(50)).meter
    read(meter, {"12:00": 52})
    settle()
    before_noon = HeatInterval.objects.filter(start__gte=at("11:30"), start__lt=at("12:00"))
    assert before_noon.aggregate(s=Sum("heat_kwh"))["s"] == 2


def test_only_the_latest_version_counts(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 100, "12:15": 999, "12:30": 110})
    settle()
    read(meter, {"12:15": 104}, version=2)
    settle()
    assert (heat(point, "12:00").heat_kwh, heat(point, "12:15").heat_kwh) == (Decimal(4), Decimal(6))
    assert heat(point, "12:00").version == 2


def test_a_withdrawn_reading_leaves_its_neighbours(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 100, "12:15": 999, "12:30": 110})
    read(meter, {"12:15": None}, version=2)
    settle()
    assert heat(point, "12:00").heat_kwh == 5


def test_temperatures_are_weighed_by_volume(point: DeliveryPoint, meter: Meter) -> None:
    fields = {"volume_m3": Decimal(10), "supply_energy_m3c": Decimal(600), "return_energy_m3c": Decimal(300)}
    read(meter, {"12:00": 100}, **fields)
    fields = {"volume_m3": Decimal("10.5"), "supply_energy_m3c": Decimal("622.5"), "return_energy_m3c": Decimal(315)}
    read(meter, {"12:15": 108}, **fields)
    settle()
    row = heat(point, "12:00")
    assert (row.volume_m3, row.supply_vw_c, row.return_vw_c) == (Decimal("0.5"), 45.0, 30.0)


def test_settling_again_changes_no_version(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 100, "12:15": 104})
    assert settle().heat_rows > 0
    before = list(HeatInterval.objects.values())
    done = settlement.settle_period(site=point.site, period=Period(at("11:00"), at("12:30")), now=LATER)
    assert (done.quarters, done.heat_rows, done.site_rows) == (6, 0, 0)
    assert [row for row in HeatInterval.objects.values() if row in before] == before


def test_a_late_reading_settles_only_what_it_touches(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {f"{hour}:00": hour * 10 for hour in range(8, 20)})
    settle()
    read(meter, {"12:30": 123})
    settle()
    changed = HeatInterval.objects.filter(version=2).values_list("start", flat=True)
    assert list(changed) == [at("12:00"), at("12:15"), at("12:30"), at("12:45")]


def test_any_order_of_arrival_gives_the_same_ledger() -> None:
    clocks = [f"{hour}:{minute}" for hour in (10, 11, 12) for minute in ("00", "07", "15", "31", "52")]
    rows = [(clock, Decimal(index) ** 2 / 7) for index, clock in enumerate(clocks)]
    ledgers = []
    for seed in range(4):
        point = hosting.make_delivery_point()
        meter = place(point).meter
        shuffled = random.Random(seed).sample(rows, len(rows)) if seed else rows
        for clock, energy in shuffled:
            read(meter, {clock: round(energy, 4)})
            if seed % 2:
                settle()
        settle()
        ledgers.append(
            list(HeatInterval.objects.filter(delivery_point=point).values_list("start", "heat_kwh", "quality"))
        )
    assert all(ledger == ledgers[0] for ledger in ledgers)
    assert sum(row[1] or 0 for row in ledgers[0]) > 0


# ---- telemetry ----------------------------------------------------------------------------------------


def minutes(first: str, count: int, every_s: int = 60) -> list[dt.datetime]:
    return [at(first) + dt.timedelta(seconds=every_s * n) for n in range(count)]


def tell(device: Any, rows: Sequence[tuple[dt.datetime, Sequence[float | None]]]) -> None:
    thermal.make_frames(device, rows)
    marking.mark_recorded(frames=[(device.pk, row[0]) for row in rows], now=DAY)


def site_row(site: Site, clock: str) -> SiteInterval:
    return SiteInterval.objects.get(site=site, start=at(clock))


def test_power_without_a_register_is_integrated(site: Site) -> None:
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER, Measurement.Role.UTILISATION])
    tell(device, [(instant, [20.0 + n, 0.5]) for n, instant in enumerate(minutes("12:00", 31))])
    settle()
    row = site_row(site, "12:00")
    assert row.it_kwh == pytest.approx((20 + 27.5 - 20) * 0.25)
    assert (row.it_quality, row.measured_s, row.utilisation_ratio) == (Quality.INTEGRATED, 900, 0.5)


def test_no_energy_is_integrated_across_an_outage(site: Site) -> None:
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    tell(device, [(instant, [60.0]) for instant in [*minutes("12:00", 11), *minutes("13:05", 26)]])
    settle()
    assert site_row(site, "12:00").it_kwh == 10
    assert site_row(site, "12:00").it_quality == Quality.ESTIMATED
    assert not SiteInterval.objects.filter(site=site, start=at("12:30")).exists()
    assert site_row(site, "13:00").it_kwh == 10


def test_a_sum_with_a_missing_addend_is_missing(site: Site) -> None:
    first, second = (thermal.make_plant_device(site, [Measurement.Role.IT_POWER]) for _ in range(2))
    tell(first, [(instant, [60.0]) for instant in minutes("12:00", 31)])
    tell(second, [(instant, [30.0]) for instant in minutes("12:15", 16)])
    settle()
    assert (site_row(site, "12:00").it_kwh, site_row(site, "12:00").it_quality) == (None, Quality.MISSING)
    assert site_row(site, "12:15").it_kwh == 22.5


def test_a_register_of_the_it_comes_before_its_power(site: Site) -> None:
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    tell(device, [(instant, [60.0]) for instant in minutes("12:00", 31)])
    placement = hosting.make_placement(site=site, role=MeterPlacement.Role.IT_ELECTRICITY, valid_from=at("11:00"))
    read(placement.meter, {"12:00": 5, "12:15": 19, "12:30": 33})
    settle()
    row = site_row(site, "12:00")
    assert (row.it_kwh, row.it_quality, row.inputs) == (14, Quality.MEASURED, [placement.pk])


def test_delivered_heat_of_the_site_is_the_sum_of_its_points(site: Site, point: DeliveryPoint, meter: Meter) -> None:
    other = place(hosting.make_delivery_point(site)).meter
    hosting.make_delivery_point(site)  # no meter yet: no reason to doubt the sum
    read(meter, {"12:00": 100, "12:15": 104})
    read(other, {"12:00": 10, "12:15": 11})
    settle()
    assert site_row(site, "12:00").delivered_kwh == 5


def test_export_mode_cause_and_curtailment(site: Site) -> None:
    device = thermal.make_plant_device(
        site, [Measurement.Role.IT_POWER, Measurement.Role.EXPORT_MODE, Measurement.Role.EXPORT_CAUSE]
    )
    values = [[60.0, 0, 0]] * 5 + [[60.0, 3, 2]] * 11
    tell(device, list(zip(minutes("12:00", 16), values, strict=True)))
    settle()
    row = site_row(site, "12:00")
    assert (row.export_mode, row.export_cause, row.curtailed_s) == (3, 2, 600)


def test_the_buffer_takes_heat_when_it_warms(site: Site) -> None:
    tank = hosting.make_equipment(
        site, model=hosting.make_equipment_model(EquipmentModel.Kind.BUFFER_TANK, volume_l=2000.0)
    )
    device = thermal.make_plant_device(site, [Measurement.Role.BUFFER_TEMPERATURE], equipment=tank)
    tell(device, [(instant, [40 + n / 15]) for n, instant in enumerate(minutes("12:00", 16))])
    settle()
    assert site_row(site, "12:00").buffer_change_kwh == pytest.approx(2 * 1.147, rel=1e-4)


def test_temperatures_and_demand_of_a_delivery_point(point: DeliveryPoint) -> None:
    roles = [Measurement.Role.SUPPLY_TEMPERATURE, Measurement.Role.FLOW, Measurement.Role.DEMAND]
    device = thermal.make_plant_device(point.site, roles, delivery_point=point)
    tell(device, [(at("12:01"), [40.0, 1.0, 1]), (at("12:02"), [43.0, 3.0, 1]), (at("12:03"), [None, 1.0, 0])])
    settle()
    row = heat(point, "12:00")
    assert (row.supply_mean_c, row.supply_min_c, row.supply_vw_c, row.demand) == (41.5, 40.0, 42.25, True)
    assert row.reason == Reason.NO_METER


def test_an_old_frame_is_read_by_its_own_profile(site: Site) -> None:
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    tell(device, [(instant, [60.0]) for instant in minutes("12:00", 16)])
    old = device.profile
    device.profile = hosting.make_profile(
        [{"key": "new", "quantity": "ratio"}, {"key": "it_power-0", "quantity": "ratio"}], key=old.key, version=2
    )
    device.save()
    device.measurements.update(slot=1)
    settle()
    assert site_row(site, "12:00").it_kwh == 15


def test_a_quarter_hour_without_any_value_is_shown_as_a_hole(site: Site) -> None:
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    tell(device, [(instant, [60.0]) for instant in minutes("12:00", 15)])
    settlement.settle_marked(now=at("12:15"))
    assert settlement.mark_unsettled(now=at("13:00")) == 3
    settlement.settle_marked(now=at("13:00"))
    assert site_row(site, "12:45").it_quality == Quality.MISSING


def test_the_running_quarter_hour_waits(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {"12:00": 100, "12:14": 104})
    settlement.settle_marked(now=at("12:14"))
    assert not HeatInterval.objects.filter(start=at("12:00")).exists()
    assert DirtyMark.objects.filter(start=at("12:00")).exists()


def test_every_batch_size_gives_the_same(point: DeliveryPoint, meter: Meter) -> None:
    read(meter, {f"{hour}:{minute}": hour * 60 + int(minute) for hour in (9, 10) for minute in ("05", "35", "50")})
    settlement.settle_marked(now=LATER, batch=1)
    small = list(HeatInterval.objects.values_list("start", "heat_kwh", "quality", "version"))
    settlement.settle_period(site=point.site, period=Period(small[0][0], small[-1][0] + QUARTER), now=LATER)
    assert list(HeatInterval.objects.values_list("start", "heat_kwh", "quality", "version")) == small
    assert all(later[0] - earlier[0] == QUARTER for earlier, later in itertools.pairwise(small))
