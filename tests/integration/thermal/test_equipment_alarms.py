"""Alarms of equipment: drift from a stated commissioning, and a COP that no heat pump can have."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from hosting.models import Equipment, EquipmentModel, Site
from tests.makers import hosting, thermal
from thermal.models import Alarm, AlarmRule, EquipmentFact, EquipmentInterval
from thermal.services import alarms, equipment_facts, rules

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
Kind = EquipmentFact.Kind


@pytest.fixture
def site() -> Site:
    return hosting.make_site()


def tell(piece: Equipment, count: int, until: dt.datetime = NOW, **fields: Any) -> None:
    EquipmentInterval.objects.bulk_create(
        EquipmentInterval(
            equipment=piece,
            start=until - (n + 1) * QUARTER,
            **{"is_loaded": True, "rule_version": 1, "settled_at": NOW} | fields,
        )
        for n in range(count)
    )


def record(piece: Equipment, kind: Kind, value: float) -> None:
    fact = EquipmentFact(kind=kind, value=value, valid_from=dt.date(2026, 1, 1), source="Protocol")
    equipment_facts.record_fact(fact=fact, equipment=piece, by=None, now=NOW)


def watch_at_once() -> None:
    AlarmRule.objects.update(on_delay_s=0, off_delay_s=0)


def test_a_stated_baseline_is_watched_with_the_limit_that_holds(site: Site) -> None:
    exchanger = hosting.make_equipment(site, EquipmentModel.Kind.PLATE_EXCHANGER, tag="HX-1")
    record(exchanger, Kind.APPROACH, 2.0)
    rule = AlarmRule.objects.get(equipment=exchanger)
    assert (rule.key, rule.kind, rule.limit_value) == ("drift-hx-1", AlarmRule.Kind.DRIFT, 2.0)
    record(exchanger, Kind.APPROACH_RISE, 1.0)
    rule.refresh_from_db()
    assert rule.limit_value == 1.0
    watch_at_once()
    tell(exchanger, 8, approach_k=2.9)
    tell(exchanger, 8, until=NOW - 8 * QUARTER, approach_k=9.0, is_loaded=False)
    assert alarms.evaluate(now=NOW) == 0
    EquipmentInterval.objects.filter(is_loaded=True).update(approach_k=3.5)
    assert alarms.evaluate(now=NOW + dt.timedelta(minutes=1)) == 1
    alarm = Alarm.objects.get(rule=rule)
    assert (alarm.value, alarm.unit) == (1.5, "K")
    assert "HX-1" in alarm.message


def test_a_lost_efficiency_is_a_share_of_its_baseline(site: Site) -> None:
    pump = hosting.make_equipment(site, EquipmentModel.Kind.HEAT_PUMP, tag="HP-1")
    record(pump, Kind.EFFICIENCY, 0.5)
    watch_at_once()
    tell(pump, 8, heat_kwh=5.0, electricity_kwh=1.0, lorenz_kwh=0.4, carnot_kwh=0.6)
    assert alarms.evaluate(now=NOW) == 1
    alarm = Alarm.objects.get()
    assert alarm.value == pytest.approx(0.2)
    assert (alarm.unit, alarm.limit_value) == ("1", 0.15)


def test_a_cop_above_carnot_is_a_fault_of_metering_that_calls(site: Site) -> None:
    pump = hosting.make_equipment(site, EquipmentModel.Kind.HEAT_PUMP, tag="HP-1")
    made = rules.ensure_default_rules(site=site, by=None, now=NOW)
    [rule] = [one for one in made if one.kind == AlarmRule.Kind.CARNOT]
    tell(pump, 3, heat_kwh=5.0, electricity_kwh=0.5, lorenz_kwh=0.4, carnot_kwh=0.6)
    assert alarms.evaluate(now=NOW) == 0
    tell(pump, 1, until=NOW - 3 * QUARTER, heat_kwh=5.0, electricity_kwh=0.5, lorenz_kwh=0.4, carnot_kwh=0.6)
    assert alarms.evaluate(now=NOW + dt.timedelta(minutes=1)) == 1
    alarm = Alarm.objects.get(rule=rule)
    assert (alarm.value, alarm.unit) == (4.0, "")
    assert "physics" in alarm.message
    later = NOW + dt.timedelta(days=1, minutes=1)
    tell(pump, 2, until=later, heat_kwh=5.0, electricity_kwh=1.0, lorenz_kwh=0.4, carnot_kwh=0.6)
    assert alarms.evaluate(now=later) == 1
    alarm.refresh_from_db()
    assert alarm.state == "rtn"


def test_a_rule_of_equipment_names_the_equipment(site: Site) -> None:
    with pytest.raises(IntegrityError, match="alarm_rule_watches_something"), transaction.atomic():
        thermal.make_rule(site, kind=AlarmRule.Kind.DRIFT, measurement=None)
