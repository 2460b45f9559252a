"""The waste-heat temperature of the regulation: where the fluid enters the recovery exchanger, over time and points."""

import datetime as dt

import pytest

from hosting.models import Equipment, EquipmentModel, Site
from kernel.periods import Period
from tests.makers import hosting
from thermal.models import EquipmentInterval, SiteInterval
from thermal.queries import equipment_figures

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
HOUR = Period(DAY, DAY + 4 * QUARTER)


def tell(piece: Equipment, temperatures: list[float | None]) -> None:
    EquipmentInterval.objects.bulk_create(
        EquipmentInterval(equipment=piece, start=DAY + n * QUARTER, hot_in_c=hot, rule_version=1, settled_at=DAY)
        for n, hot in enumerate(temperatures)
    )


def capture(site: Site, energies: list[float | None]) -> None:
    SiteInterval.objects.bulk_create(
        SiteInterval(site=site, start=DAY + n * QUARTER, captured_kwh=kwh, rule_version=3, settled_at=DAY)
        for n, kwh in enumerate(energies)
    )


def test_it_is_the_mean_over_time_and_over_points_and_the_weighted_one_stands_beside() -> None:
    site = hosting.make_site()
    one, other = (hosting.make_equipment(site, EquipmentModel.Kind.PLATE_EXCHANGER) for _ in range(2))
    tell(one, [40.0, 42.0, None, 44.0])
    tell(other, [50.0, 52.0])
    tell(hosting.make_equipment(site, EquipmentModel.Kind.HEAT_PUMP), [20.0])
    capture(site, [1.0, 3.0, 5.0, None])
    found = equipment_figures.waste_heat_temperature(site=site, period=HOUR)
    assert found.time_mean_c == pytest.approx((42.0 + 51.0) / 2)
    assert found.heat_weighted_c == pytest.approx((40 * 1 + 42 * 3 + 50 * 1 + 52 * 3) / 8)
    assert (found.known_ratio, found.place) == (0.5, "plate_exchanger")
    assert [point.known_ratio for point in found.points] == [0.75, 0.5]


def test_without_an_exchanger_the_inlet_of_the_heat_pump_stands_for_it() -> None:
    site = hosting.make_site()
    tell(hosting.make_equipment(site, EquipmentModel.Kind.HEAT_PUMP), [20.0, 22.0, 21.0, 21.0])
    found = equipment_figures.waste_heat_temperature(site=site, period=HOUR)
    assert (found.time_mean_c, found.heat_weighted_c) == (21.0, None)
    assert (found.known_ratio, found.place) == (1.0, "heat_pump")


def test_nothing_measured_is_nothing_known() -> None:
    found = equipment_figures.waste_heat_temperature(site=hosting.make_site(), period=HOUR)
    assert found == equipment_figures.NOTHING
