"""Alarm rules: the default set of a site, and those that a contract asks for."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from hosting.models import DeliveryPoint, Device, Equipment, EquipmentModel, Measurement, Site
from thermal.models import AlarmRule
from thermal.models.alarms import Priority


@transaction.atomic
def set_supply_band_rule(
    *, delivery_point: DeliveryPoint, low_c: float, high_c: float, by: User | None, now: dt.datetime
) -> list[AlarmRule]:
    """The two rules that watch the promised supply temperature; none where no such temperature is measured.

    Called when a contract becomes active: the alarm limit is then the promise. Calling it again moves the limits.
    """
    del by, now  # the change history keeps who and when
    measurement = _measured_at(delivery_point, Measurement.Role.SUPPLY_TEMPERATURE)
    if measurement is None:
        return []
    called = _measured_at(delivery_point, Measurement.Role.DEMAND) is not None
    shared = {
        "measurement": measurement,
        "delivery_point": delivery_point,
        "deadband_value": 0.5,
        "off_delay_s": 300,
        "only_on_demand": called,
        "enabled": True,
    }
    site, code = delivery_point.site, delivery_point.code
    return [
        _put(site, f"supply-low-{code}", shared | _too_cold(low_c)),
        _put(site, f"supply-high-{code}", shared | _too_hot(high_c)),
    ]


@transaction.atomic
def ensure_default_rules(*, site: Site, by: User | None, now: dt.datetime) -> list[AlarmRule]:
    """The rules that every site starts with; those that are there already keep what people made of them."""
    del by, now  # the change history keeps who and when
    made = [_ensure(site, f"silent-{device.code}", _silence(device)) for device in _devices(site)]
    if site.measurements.filter(role=Measurement.Role.CAPTURED_POWER).exists():
        made.append(_ensure(site, "balance", _balance()))
    pumps: Any = site.equipment.filter(model__kind=EquipmentModel.Kind.HEAT_PUMP).exclude(
        state__in=[Equipment.State.PLANNED, Equipment.State.RETIRED]
    )
    made += [_ensure(site, _key("carnot", pump), _carnot(pump)) for pump in pumps.order_by("tag")]
    counts: dict[str, int] = {}
    for measurement in site.measurements.select_related("delivery_point", "equipment").order_by("pk"):
        fields = _default_of(measurement)
        if fields is not None:
            counts[measurement.role] = number = counts.get(measurement.role, 0) + 1
            key = f"{measurement.role.replace('_', '-')}-{number}"
            made.append(_ensure(site, key, fields | {"measurement": measurement}))
    return made


@transaction.atomic
def watch_drift(*, equipment: Equipment, limit_value: float, by: User | None, now: dt.datetime) -> AlarmRule:
    """The rule that watches equipment whose commissioning somebody stated; its limit is what is tolerated."""
    del by, now  # the change history keeps who and when
    rule = _ensure(equipment.site, _key("drift", equipment), _drift(equipment, limit_value))
    if rule.limit_value != limit_value:
        rule.limit_value = limit_value
        rule.save(update_fields=["limit_value"])
    return rule


def _key(kind: str, equipment: Equipment) -> str:
    return f"{kind}-{slugify(equipment.tag) or equipment.pk}"


def _drift(equipment: Equipment, limit_value: float) -> dict[str, Any]:
    return {
        "name": _("Drift of %(equipment)s") % {"equipment": equipment},
        "kind": AlarmRule.Kind.DRIFT,
        "equipment": equipment,
        "limit_value": limit_value,
        "deadband_value": limit_value * 0.1,
        # What is watched is a mean of two days; it needs no further patience.
        "on_delay_s": 0,
        "off_delay_s": 0,
        "priority": Priority.LOW,
        "consequence": _("More electricity for the same heat, or less heat passes; dirt and lost refrigerant grow."),
        "action": _("Look at the key figures of the equipment; have exchangers, strainers and refrigerant checked."),
    }


def _carnot(pump: Equipment) -> dict[str, Any]:
    """The default rule of a heat pump's metering; an hour of a day is a proposal, to be set by its meters."""
    return {
        "name": _("Impossible COP of %(equipment)s") % {"equipment": pump},
        "kind": AlarmRule.Kind.CARNOT,
        "equipment": pump,
        "limit_value": 4.0,
        "on_delay_s": 0,
        "off_delay_s": 0,
        "priority": Priority.MEDIUM,
        "consequence": _("Heat, electricity or a temperature is wrongly measured; key figures and bills may be wrong."),
        "action": _("Compare the meters of the heat pump, and check on which pipe each sensor sits."),
    }


def _too_cold(low_c: float) -> dict[str, Any]:
    return {
        "name": _("Supply below the contract"),
        "kind": AlarmRule.Kind.LOW,
        "limit_value": low_c,
        "on_delay_s": 900,
        "priority": Priority.MEDIUM,
        "consequence": _("The offtaker gets heat that is too cold to use; the time counts against the contract."),
        "action": _("Check heat pump, buffer and mixing valve; tell the offtaker if it lasts."),
    }


def _too_hot(high_c: float) -> dict[str, Any]:
    return {
        "name": _("Supply above the contract"),
        "kind": AlarmRule.Kind.HIGH,
        "limit_value": high_c,
        "on_delay_s": 300,
        "priority": Priority.MEDIUM,
        "consequence": _("The offtaker's installation may be damaged, and people may be scalded."),
        "action": _("Check the mixing valve and the set point of the heat pump."),
    }


def _balance() -> dict[str, Any]:
    """The default rule of the balance; the share is a proposal, to be set by what the site's meters can tell."""
    return {
        "name": _("Heat balance"),
        "kind": AlarmRule.Kind.BALANCE,
        "limit_value": 0.10,
        "deadband_value": 0.02,
        "on_delay_s": 3600,
        "off_delay_s": 3600,
        "priority": Priority.LOW,
        "consequence": _("Heat is lost or wrongly measured; key figures and bills may be wrong."),
        "action": _("Compare the heat meters with each other, look for open bypasses and for water that stands still."),
    }


def _devices(site: Site) -> list[Device]:
    return list(Device.objects.filter(controller__site=site, enabled=True).order_by("code"))


def _silence(device: Device) -> dict[str, Any]:
    return {
        "name": _("%(device)s silent") % {"device": device.name or device.code},
        "kind": AlarmRule.Kind.NO_DATA,
        "device": device,
        "limit_value": 300.0,
        "on_delay_s": 0,
        "off_delay_s": 0,
        "priority": Priority.MEDIUM,
        "consequence": _("Nothing is known of what it measures; register readings come late."),
        "action": _("Check the network, the gateway and the device's power."),
    }


def _default_of(measurement: Measurement) -> dict[str, Any] | None:
    """The fields of the default rule that watches such a measurement, after the starter catalogue."""
    if measurement.role == Measurement.Role.LEAK:
        return {
            "name": _("Leak"),
            "kind": AlarmRule.Kind.HIGH,
            "limit_value": 1.0,
            "on_delay_s": 0,
            "priority": Priority.HIGH,
            "consequence": _("Water beside energised racks."),
            "action": _("Isolate the circuit and go there."),
        }
    if measurement.role == Measurement.Role.REJECTION_CAPACITY:
        return {
            "name": _("Independent heat rejection"),
            "kind": AlarmRule.Kind.LOW,
            "limit_value": measurement.site.installed_it_kw,
            "deadband_value": measurement.site.installed_it_kw * 0.02,
            "priority": Priority.HIGH,
            "consequence": _("If the offtaker stops now, the IT load overheats."),
            "action": _("Restore the dry cooler or lower the IT load."),
        }
    if measurement.role == Measurement.Role.BUFFER_CHARGE:
        return {
            "name": _("Buffer full"),
            "kind": AlarmRule.Kind.HIGH,
            "limit_value": 0.97,
            "deadband_value": 0.05,
            "on_delay_s": 900,
            "priority": Priority.LOW,
            "consequence": _("Further heat goes to the outside."),
            "action": _("Ask the offtaker whether more can be taken."),
        }
    if measurement.role == Measurement.Role.SUPPLY_TEMPERATURE and measurement.delivery_point:
        return _cold_supply(measurement.delivery_point)
    return None


def _cold_supply(point: DeliveryPoint) -> dict[str, Any]:
    return {
        "name": _("Supply far below design"),
        "kind": AlarmRule.Kind.LOW,
        "delivery_point": point,
        "limit_value": point.design_supply_c - 8,
        "deadband_value": 1.0,
        "on_delay_s": 900,
        "off_delay_s": 300,
        "only_on_demand": _measured_at(point, Measurement.Role.DEMAND) is not None,
        "priority": Priority.MEDIUM,
        "consequence": _("The offtaker's own heating takes over."),
        "action": _("Check the pump, the heat pump and the export mode."),
    }


def _measured_at(point: DeliveryPoint, role: Measurement.Role) -> Measurement | None:
    found: Measurement | None = point.measurements.filter(role=role, device__enabled=True).order_by("pk").first()
    return found


def _put(site: Site, key: str, fields: dict[str, Any]) -> AlarmRule:
    rule: AlarmRule = AlarmRule.objects.update_or_create(site=site, key=key[:60], defaults=fields)[0]
    return rule


def _ensure(site: Site, key: str, fields: dict[str, Any]) -> AlarmRule:
    rule: AlarmRule = AlarmRule.objects.get_or_create(site=site, key=key[:60], defaults=fields)[0]
    return rule
