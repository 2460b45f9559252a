"""SNMP, BACnet/IP and OPC UA from claim to stored row: devices that others wrote, and sealed credentials."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from hosting.models import Controller, Device, MeterPlacement
from hosting.services import secrets
from tests.makers import agents, hosting
from tests.makers.peers import Peer
from thermal.models import MeterReading, TelemetryFrame
from thermal.services import polling
from thermal.services.polling import polls

pytestmark = pytest.mark.django_db
StartPeer = Callable[..., Peer]
NOW = dt.datetime(2026, 11, 22, 20, 0, 30, tzinfo=dt.UTC)
WALK = "1.3.6.1.4.1.99999.1.1|66|987654321\n1.3.6.1.4.1.99999.1.2|66|18400\n1.3.6.1.4.1.99999.1.3|2|-1"
BACNET = {
    "23,1": {85: [[2, 987654321]]},
    "0,2": {85: [[4, 18400.0]]},
    "0,3": {85: [[4, 1.0]], 111: [[8, {"bitsUsed": 4, "value": [0b0010]}]]},
}
OPCUA = {
    "s=M1.Energy": {"type": "UInt64", "value": [0, 987654321]},
    "s=M1.Power": {"type": "Double", "value": 18400.0},
    "s=M1.State": {"type": "Double", "value": 1.0, "status": "BadSensorFailure"},
}


def points(*addresses: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = [("energy-kwh", "energy_kwh", "kWh"), ("power-kw", "power_kw", "W"), ("state", "state", "")]
    return [
        {"key": key, "quantity": quantity, "unit": unit, "address": address}
        for (key, quantity, unit), address in zip(names, addresses, strict=True)
    ]


def electricity_meter(protocol: str, port: int, addresses: Sequence[Mapping[str, Any]], unit: str) -> Device:
    """A device that reads the meter of a site's IT power."""
    placement = hosting.make_placement(role=MeterPlacement.Role.IT_ELECTRICITY, site=hosting.make_site())
    profile = hosting.make_profile(points(*addresses), protocol=protocol)
    controller = hosting.make_controller(protocol=protocol, port=port, timeout_ms=3000)
    return hosting.make_device(controller, profile=profile, unit_address=unit, meter=placement.meter)


def poll(now: dt.datetime = NOW) -> polls.Polled:
    Controller.objects.update(next_poll_at=None)
    Device.objects.update(retry_at=None)
    return polling.poll_batch(batch=polling.claim_due(now=now), now=now)


def check_what_is_stored(device: Device) -> None:
    frame = TelemetryFrame.objects.get(device=device)
    assert frame.values == [pytest.approx(9876543.21), pytest.approx(18.4), None]
    assert frame.quality is not None
    reading = MeterReading.objects.get(meter=device.meter_id)
    assert (reading.energy_kwh, reading.power_kw) == (Decimal("9876543.21"), Decimal("18.4"))
    device.refresh_from_db()
    assert device.circuit == "closed"
    assert device.last_success_at == frame.at


def check_probe(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("probe", device.code)
    told = capsys.readouterr().out
    assert "9876543.21" in told
    assert "18.4" in told


def test_an_electricity_meter_by_snmp(capsys: pytest.CaptureFixture[str]) -> None:
    addresses: list[dict[str, Any]] = [
        {"oid": "1.3.6.1.4.1.99999.{unit}.1", "divisor": 100},
        {"oid": "1.3.6.1.4.1.99999.{unit}.2"},
        {"oid": "1.3.6.1.4.1.99999.{unit}.3", "missing": -1},
    ]
    with agents.simulated({"plant": WALK}) as port:
        device = electricity_meter("snmp", port, addresses, unit="1")
        assert poll().failed_count == 1
        device.refresh_from_db()
        assert "no credentials" in device.last_error
        fields = {"version": "2c", "community": "plant"}
        secrets.keep_secret(controller=device.controller, fields=fields, by=None, now=NOW)
        assert poll().reading_count == 1
        check_what_is_stored(device)
        check_probe(device, capsys)


def test_an_electricity_meter_by_bacnet(peer: StartPeer, capsys: pytest.CaptureFixture[str]) -> None:
    addresses: list[dict[str, Any]] = [
        {"object": "accumulator,1", "divisor": 100},
        {"object": "analog-input,2"},
        {"object": "analog-input,3"},
    ]
    meter = peer("bacnet", device=1201, objects=BACNET)
    device = electricity_meter("bacnet_ip", meter.port, addresses, unit="1201")
    assert poll().reading_count == 1
    check_what_is_stored(device)
    check_probe(device, capsys)


def test_an_electricity_meter_by_opc_ua(peer: StartPeer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = "nsu=urn:heatledger:peer;s={unit}"
    addresses: list[dict[str, Any]] = [
        {"node": f"{space}.Energy", "index": 1, "divisor": 100},
        {"node": f"{space}.Power"},
        {"node": f"{space}.State"},
    ]
    server = peer("opc_ua", folder=str(tmp_path), nodes=OPCUA, user="reader", password="let me in", protected=True)
    device = electricity_meter("opc_ua", server.port, addresses, unit="M1")
    assert poll().failed_count == 1
    fields = {"user": "reader", "password": "let me in"}
    secrets.keep_secret(controller=device.controller, fields=fields, by=None, now=NOW)
    assert poll().reading_count == 1
    check_what_is_stored(device)
    assert "BadSensorFailure" in device.last_error
    check_probe(device, capsys)


def test_a_dead_device_of_each_language_costs_the_others_nothing(peer: StartPeer) -> None:
    """All are asked at once: the poll takes as long as the longest time-out, and the living one is stored."""
    meter = peer("bacnet", device=1201, objects=BACNET)
    addresses: list[dict[str, Any]] = [
        {"object": "accumulator,1", "divisor": 100},
        {"object": "analog-input,2"},
        {"object": "analog-input,3"},
    ]
    device = electricity_meter("bacnet_ip", meter.port, addresses, unit="1201")
    for protocol in ("snmp", "bacnet_ip", "opc_ua"):
        controller = hosting.make_controller(protocol=protocol, timeout_ms=300)
        given: dict[str, list[dict[str, Any]]] = {
            "snmp": [{"oid": "1.3.6.1"}],
            "opc_ua": [{"node": "i=1"}],
            "bacnet_ip": [{"object": "loop,1"}],
        }
        profile = hosting.make_profile(
            [{"key": "state", "quantity": "state", "unit": "", "address": given[protocol][0]}], protocol=protocol
        )
        hosting.make_device(controller, profile=profile, unit_address="1")
    polled = poll()
    assert (polled.answered_count, polled.failed_count) == (1, 3)
    check_what_is_stored(device)
