"""Heat compared and estimated by degree days, where the demand follows the weather and the weather is known."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from hosting.models import DeliveryPoint, Meter, MeterPlacement
from kernel.periods import Period, local_month
from tests.makers import accounts, hosting, thermal
from thermal.domain.estimation import Method
from thermal.models import SiteFact, ValidationFinding, WeatherDay, WeatherDependence
from thermal.queries import correction_texts, finding_texts, ledger_sums
from thermal.queries.estimation import facts_for
from thermal.services import corrections, marking, recording, settlement, site_facts, validating

pytestmark = pytest.mark.django_db

FIRST = dt.date(2026, 11, 1)
NOW = dt.datetime(2026, 12, 2, tzinfo=dt.UTC)


@pytest.fixture
def point() -> DeliveryPoint:
    thermal.make_partitions(dt.datetime(2025, 11, 1, tzinfo=dt.UTC), months=16)
    return hosting.make_delivery_point()


def follow(point: DeliveryPoint, base_load_kw: float = 0.0, **fields: Any) -> WeatherDependence:
    return WeatherDependence.objects.create(
        delivery_point=point, base_load_kw=base_load_kw,
        **{"valid_from": dt.date(2025, 1, 1), "source": "measured in summer"} | fields,
    )  # fmt: skip


def weather(point: DeliveryPoint, first: dt.date, until: dt.date, mean_c: float) -> None:
    days = (first + dt.timedelta(days=number) for number in range((until - first).days))
    WeatherDay.objects.bulk_create(WeatherDay(site=point.site, day_on=day, mean_c=mean_c) for day in days)


def meter_month(point: DeliveryPoint, year: int, heat_kwh: int) -> None:
    """A meter that counts evenly over the local November of a year, read each hour."""
    month = local_month(year, 11, point.site.zone)
    meter = hosting.make_placement(
        delivery_point=point, valid_from=month.start, valid_until=month.end, first_register=Decimal(0),
        final_register=Decimal(heat_kwh),
    ).meter  # fmt: skip
    hours = int(month.duration / dt.timedelta(hours=1))
    rows = [(month.start + n * dt.timedelta(hours=1), round(Decimal(heat_kwh) * n / hours, 4)) for n in range(1, hours)]
    thermal.make_readings(meter, rows)
    marking.mark_recorded(readings=[(meter.pk, at) for at, _ in rows], now=NOW)
    settlement.settle_marked(now=NOW)


def test_a_month_is_held_against_the_year_before_by_the_weather_of_both(point: DeliveryPoint) -> None:
    follow(point, base_load_kw=2_000 / 720)
    SiteFact.objects.create(
        site=point.site, kind=SiteFact.Kind.BASE_LOAD, value=16.0, valid_from=dt.date(2026, 1, 1), source="design"
    )
    meter_month(point, 2025, 10_565)
    meter_month(point, 2026, 20_000)
    weather(point, dt.date(2025, 11, 1), dt.date(2025, 12, 1), 6.0)
    weather(point, FIRST, dt.date(2026, 12, 1), 5.0)
    month = local_month(2026, 11, point.site.zone)
    now, before = ledger_sums.months(point, month)
    # Both months by the base that holds now, so 300 and 330 K·d.
    assert (now.degree_days_kd, before.degree_days_kd) == (330, 300)
    validating.validate_months(period=month, now=NOW)
    found = ValidationFinding.objects.get(rule="V17", delivery_point=point)
    assert found.values["expected_kwh"] == pytest.approx(11_421.5, abs=0.01)
    assert found.values["comparison"] == "degree_days"
    assert "adjusted from 300 to 330 K·d" in finding_texts.words_of(found).sentence
    WeatherDay.objects.filter(day_on=FIRST).delete()
    validating.validate_months(period=month, now=NOW)
    found.refresh_from_db()
    assert (found.values["comparison"], found.values["expected_kwh"]) == ("no_weather", pytest.approx(10_565, abs=0.01))
    assert "the weather of a day" in finding_texts.words_of(found).sentence
    WeatherDependence.objects.all().delete()
    validating.validate_months(period=month, now=NOW)
    found.refresh_from_db()
    assert found.values["comparison"] == "no_dependence"


def estimated(point: DeliveryPoint) -> tuple[Decimal, float | None]:
    hour = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    period = Period(hour, hour + dt.timedelta(hours=1))
    found = corrections.add_estimate(
        point=point, period=period, reason="Sensor was out.", by=accounts.engineer(), now=NOW, finding=None,
        method=Method.HISTORY,
    )  # fmt: skip
    return found.heat_kwh, found.weather_ratio


def test_earlier_weeks_are_adjusted_to_a_colder_day(point: DeliveryPoint) -> None:
    meter_month(point, 2026, 7_200)
    follow(point, base_load_kw=4.0)
    weather(point, dt.date(2026, 9, 1), dt.date(2026, 11, 20), 5.0)
    weather(point, dt.date(2026, 11, 20), dt.date(2026, 11, 21), 0.0)
    # 10 kWh in the hour, 4 of them whatever the weather, and 15 degree days for 10.
    heat_kwh, ratio = estimated(point)
    assert float(heat_kwh) == pytest.approx(13.0, abs=0.01)
    assert ratio == 1.5
    assert "1.5" in correction_texts.how("history", ratio)


def test_earlier_weeks_stay_as_they_are_where_weather_or_dependence_is_not_known(point: DeliveryPoint) -> None:
    meter_month(point, 2026, 7_200)
    weather(point, dt.date(2026, 9, 1), dt.date(2026, 11, 21), 5.0)
    hour = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    period = Period(hour, hour + dt.timedelta(hours=1))
    assert facts_for(point, period).weather_ratio is None
    follow(point)
    assert facts_for(point, period).weather_ratio == 1.0
    WeatherDay.objects.filter(day_on=dt.date(2026, 11, 20)).delete()
    assert facts_for(point, period).weather_ratio is None
    WeatherDay.objects.update(mean_c=20.0)
    weather(point, dt.date(2026, 11, 20), dt.date(2026, 11, 21), 0.0)
    assert facts_for(point, period).weather_ratio is None
    heat_kwh, ratio = estimated(point)
    assert float(heat_kwh) == pytest.approx(10.0, abs=0.01)
    assert ratio is None
    assert "Not adjusted" in correction_texts.how("history", ratio)


def test_what_is_said_of_a_demand_ends_what_was_said_before(point: DeliveryPoint) -> None:
    first = follow(point)
    engineer = accounts.engineer()
    new = WeatherDependence(base_load_kw=2.0, valid_from=dt.date(2026, 1, 1), source="new boiler")
    site_facts.record_dependence(dependence=new, delivery_point=point, by=engineer, now=NOW)
    first.refresh_from_db()
    assert (first.valid_until, new.recorded_by) == (dt.date(2026, 1, 1), engineer)
    again = WeatherDependence(base_load_kw=3.0, valid_from=dt.date(2025, 6, 1), source="late")
    with pytest.raises(site_facts.FactIsStated):
        site_facts.record_dependence(dependence=again, delivery_point=point, by=engineer, now=NOW)
    with pytest.raises(site_facts.EndsBeforeStart):
        site_facts.end_dependence(dependence=new, on=dt.date(2026, 1, 1), by=engineer, now=NOW)
    ended = site_facts.end_dependence(dependence=new, on=dt.date(2026, 6, 1), by=engineer, now=NOW)
    assert ended.valid_until == dt.date(2026, 6, 1)


@pytest.mark.parametrize(
    "fields", [{"base_load_kw": -1.0}, {"valid_until": dt.date(2025, 1, 1)}, {"valid_from": dt.date(2026, 1, 1)}]
)
def test_the_database_refuses_a_demand_that_contradicts_itself(point: DeliveryPoint, fields: dict[str, Any]) -> None:
    if "valid_from" in fields:
        follow(point)
    with pytest.raises(IntegrityError), transaction.atomic():
        follow(point, **fields)


# ---- thresholds of single places -------------------------------------------------------------------------------------


def contradicting() -> MeterPlacement:
    """A meter whose own difference is half a kelvin off."""
    point = hosting.make_delivery_point()
    placement = hosting.make_placement(delivery_point=point, valid_from=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    meter: Meter = placement.meter
    units = {"supply_c": "°C", "return_c": "°C", "difference_k": "K"}
    points = [
        {"slot": slot, "key": name.replace("_", "-"), "name": name, "quantity": name, "unit": unit}
        for slot, (name, unit) in enumerate(units.items())
    ]
    device = hosting.make_device(
        controller=hosting.make_controller(point.site), meter=meter, profile=hosting.make_profile(points)
    )
    start = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    thermal.make_readings(meter, [(start + n * dt.timedelta(hours=1), 1000 + n) for n in range(10)])
    marking.mark_recorded(readings=[(meter.pk, start)], now=NOW)
    frames = [
        recording.NewFrame(device.pk, start + n * dt.timedelta(hours=1), device.profile_id, [45.1, 35.0, 9.6])
        for n in range(5)
    ]
    recording.record_frames(frames=frames, now=NOW)
    return placement


def test_a_site_has_its_own_limit_of_contradicting_differences(point: DeliveryPoint) -> None:
    strict, lenient = contradicting(), contradicting()
    validating.set_rule(
        rule="V11", thresholds={"difference_k": 0.8}, severity=1, grave_severity=1, valid_from=dt.date(2026, 1, 1),
        by=None, now=NOW, site=lenient.site,
    )  # fmt: skip
    window = Period(dt.datetime(2026, 11, 20, tzinfo=dt.UTC), dt.datetime(2026, 11, 21, tzinfo=dt.UTC))
    validating.validate_meters(windows={one.meter_id: window for one in (strict, lenient)}, now=NOW)
    rows = ValidationFinding.objects.filter(rule="V11").values_list("meter_id", "values__off_k")
    assert [(meter, pytest.approx(0.5, abs=1e-3)) for meter, _off in rows] == list(rows)
    assert [meter for meter, _off in rows] == [strict.meter_id]


def test_no_rule_allows_more_power_than_settlement_counts(settings: Any) -> None:
    facts: dict[str, Any] = {"severity": 3, "grave_severity": 3, "valid_from": dt.date(2026, 1, 1), "by": None}
    validating.set_rule(rule="V04", thresholds={"power_ratio": 1.05}, now=NOW, **facts)
    with pytest.raises(validating.PowerRatioTooLarge):
        validating.set_rule(rule="V04", thresholds={"power_ratio": 1.2}, now=NOW, **facts)
    settings.THERMAL_POWER_RATIO = 1.3
    changed = validating.set_rule(rule="V04", thresholds={"power_ratio": 1.2}, now=NOW, **facts)
    assert changed.thresholds["power_ratio"] == 1.2
