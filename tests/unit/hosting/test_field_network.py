"""Where a controller's address may lead, however it is written."""

import asyncio
import ipaddress
import socket
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from hosting.domain.field_network import (
    AddressIsLinkLocal,
    AddressIsNoDevice,
    AddressIsOurs,
    AddressIsThisMachine,
    AddressNotAllowed,
    AddressOutsideNetworks,
    FieldNetwork,
    network_of,
)
from hosting.models import Controller
from hosting.network import field_network
from tests.makers import hosting
from thermal.protocols import base

DATABASE_PORT = 5432
OWN = ipaddress.ip_address("10.9.9.9")
ELSEWHERE = ipaddress.ip_address("10.1.1.1")


def network(*networks: str, on_this_machine: bool = False) -> FieldNetwork:
    return FieldNetwork(
        networks=tuple(map(network_of, networks)),
        on_this_machine=on_this_machine,
        own_addresses=frozenset({OWN}),
        own_ports=frozenset({DATABASE_PORT}),
        services=frozenset({(ELSEWHERE, DATABASE_PORT)}),
    )


@pytest.mark.parametrize(
    ("host", "refusal"),
    [
        ("169.254.169.254", AddressIsLinkLocal),
        ("169.254.1.1", AddressIsLinkLocal),
        ("fe80::1", AddressIsLinkLocal),
        ("fe80::1%eth0", AddressIsLinkLocal),
        ("fd00:ec2::254", AddressIsLinkLocal),
        ("fd00:ec2::254%eth0", AddressIsLinkLocal),
        ("100.100.100.200", AddressIsLinkLocal),
        ("168.63.129.16", AddressIsLinkLocal),
        ("::ffff:169.254.169.254", AddressIsLinkLocal),
        ("::169.254.169.254", AddressIsNoDevice),
        ("64:ff9b::169.254.169.254", AddressIsLinkLocal),
        ("64:ff9b:1::169.254.169.254", AddressIsLinkLocal),
        ("2002:a9fe:a9fe::1", AddressIsLinkLocal),
        ("2001:0:a9fe:a9fe::1", AddressIsLinkLocal),
        ("224.0.0.1", AddressIsNoDevice),
        ("ff02::1", AddressIsNoDevice),
        ("0.0.0.0", AddressIsNoDevice),
        ("::", AddressIsNoDevice),
        ("255.255.255.255", AddressIsNoDevice),
        ("240.0.0.1", AddressIsNoDevice),
        ("::ffff:0.0.0.0", AddressIsNoDevice),
    ],
)
@pytest.mark.parametrize("networks", [[], ["0.0.0.0/0", "::/0"], ["169.254.0.0/16"]])
def test_some_addresses_are_refused_whatever_is_allowed(
    host: str, refusal: type[AddressNotAllowed], networks: list[str]
) -> None:
    with pytest.raises(refusal):
        network(*networks, on_this_machine=True).check(host, ipaddress.ip_address(host), 502)


HERE = ["127.0.0.1", "127.9.9.9", "::1", "10.9.9.9", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1"]


@pytest.mark.parametrize("host", HERE)
def test_the_machine_of_the_portal_is_refused_unless_devices_are_expected_there(host: str) -> None:
    address = ipaddress.ip_address(host)
    with pytest.raises(AddressIsThisMachine, match="HEATLEDGER_FIELD_ON_THIS_MACHINE"):
        network().check(host, address, 502)
    network(on_this_machine=True).check(host, address, 502)
    network("127.0.0.0/8", "::1/128", "10.9.0.0/16").check(host, address, 502)


@pytest.mark.parametrize("host", [*HERE, "10.1.1.1", "::ffff:10.1.1.1", "64:ff9b::10.1.1.1"])
@pytest.mark.parametrize("networks", [[], ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]])
def test_the_services_of_the_portal_are_refused_in_any_case(host: str, networks: list[str]) -> None:
    with pytest.raises(AddressIsOurs):
        network(*networks, on_this_machine=True).check(host, ipaddress.ip_address(host), DATABASE_PORT)


@pytest.mark.parametrize(
    ("host", "networks", "allowed"),
    [
        ("10.1.2.3", [], True),
        ("192.168.1.1", [], True),
        ("203.0.113.7", [], True),
        ("fd12::7", [], True),
        ("64:ff9b::10.1.2.3", [], True),
        ("10.1.1.1", [], True),
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", ["192.168.0.0/16", "10.1.0.0/16"], True),
        ("192.168.1.1", ["10.0.0.0/8"], False),
        ("fd12::7", ["10.0.0.0/8"], False),
        ("127.0.0.1", ["10.0.0.0/8"], False),
    ],
)
def test_only_the_allowed_networks_are_open(host: str, networks: list[str], allowed: bool) -> None:
    policy = network(*networks, on_this_machine=True)
    if allowed:
        policy.check(host, ipaddress.ip_address(host), 502)
    else:
        with pytest.raises(AddressOutsideNetworks):
            policy.check(host, ipaddress.ip_address(host), 502)


@pytest.mark.parametrize(
    "typed", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST.", "127.0.0.1", "::1", "[::1]"]
)
def test_every_way_to_write_an_address_is_understood(typed: str) -> None:
    with pytest.raises(AddressIsThisMachine):
        network().check_typed(typed, 502)
    with pytest.raises(AddressIsOurs):
        network(on_this_machine=True).check_typed(typed, DATABASE_PORT)


def test_a_typed_name_is_judged_when_it_is_connected_to() -> None:
    network("10.0.0.0/8").check_typed("plc-1.example", 502)


@pytest.mark.parametrize(
    ("means", "port", "refusal"),
    [
        ("169.254.169.254", 80, AddressIsLinkLocal),
        ("127.0.0.1", DATABASE_PORT, AddressIsOurs),
        ("::ffff:127.0.0.1", DATABASE_PORT, AddressIsOurs),
        ("10.1.1.1", DATABASE_PORT, AddressIsOurs),
        ("127.0.0.1", 502, AddressIsThisMachine),
        ("0.0.0.0", 502, AddressIsNoDevice),
    ],
)
def test_a_name_is_what_it_resolves_to(
    monkeypatch: pytest.MonkeyPatch, means: str, port: int, refusal: type[AddressNotAllowed]
) -> None:
    """The name server is what an attacker would hold; ours stands in for it."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: [(0, 0, 0, "", (means, port))])
    with pytest.raises(refusal, match=r"meter\.example"):
        asyncio.run(base.resolved("meter.example", port, network()))


def test_a_real_name_of_this_machine_is_refused_too() -> None:
    with pytest.raises(AddressIsThisMachine):
        asyncio.run(base.resolved("localhost", 502, network()))
    assert asyncio.run(base.resolved("localhost", 502, network(on_this_machine=True))) in ("127.0.0.1", "::1")


def test_a_name_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(base.HostUnknown):
        asyncio.run(base.resolved("no-such-host.invalid", 502, network()))


def test_the_settings_name_what_is_the_portals_own(settings: Any) -> None:
    settings.HOSTING_OWN_SERVICES = ["127.0.0.1:6379", "0.0.0.0:8000", "192.0.2.7:5432", "no-such-host.invalid:1"]
    policy = field_network()
    assert policy.own_ports == {6379, 8000}
    assert policy.services == {(ipaddress.ip_address("192.0.2.7"), 5432)}
    assert ipaddress.ip_address("127.0.0.1") in policy.own_addresses


def test_the_broker_of_this_very_run_is_one_of_them(settings: Any) -> None:
    port = int(settings.BROKER_URL.rpartition(":")[2].partition("/")[0])
    with pytest.raises(AddressIsOurs):
        field_network().check_typed("127.0.0.1", port)


@pytest.mark.django_db
def test_a_controller_cannot_be_typed_that_polling_would_refuse(settings: Any) -> None:
    settings.HOSTING_OWN_SERVICES = ["127.0.0.1:5432"]
    site = hosting.make_site()
    ours = Controller(site=site, code="ours", protocol="modbus_tcp", host="127.0.0.1", port=5432)
    with pytest.raises(ValidationError, match="a service of the portal itself") as refused:
        ours.full_clean()
    assert set(refused.value.message_dict) == {"host"}
    Controller(site=site, code="theirs", protocol="modbus_tcp", host="10.1.2.3", port=502).full_clean()


def test_a_network_that_is_none_stops_the_start_and_is_named(settings: Any) -> None:
    settings.THERMAL_FIELD_NETWORKS = ["10.20.0.0/16", "10.300.0.0/16"]
    with pytest.raises(SystemCheckError, match=r"HEATLEDGER_FIELD_NETWORKS: “10\.300\.0\.0/16”"):
        call_command("check")
    settings.THERMAL_FIELD_NETWORKS = ["10.20.0.0/16", " fd12::/32"]
    call_command("check")
