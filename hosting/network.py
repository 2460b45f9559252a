"""The field network of this installation, from its settings and its machine."""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Iterator

import psutil
from django.conf import settings

from hosting.domain.field_network import FieldNetwork, IpAddress, network_of


def field_network() -> FieldNetwork:
    """What may be connected to when a device is asked."""
    return _field_network(
        tuple(settings.THERMAL_FIELD_NETWORKS),
        tuple(settings.HOSTING_OWN_SERVICES),
        on_this_machine=settings.THERMAL_FIELD_ON_THIS_MACHINE,
    )


@functools.lru_cache(maxsize=8)
def _field_network(networks: tuple[str, ...], services: tuple[str, ...], *, on_this_machine: bool) -> FieldNetwork:
    """The same, asked of the machine and its name server once per process."""
    own = frozenset(_own_addresses())
    found = {(address, port) for service in services for address, port in _places(service)}
    here = {(address, port) for address, port in found if address.is_loopback or address in own}
    return FieldNetwork(
        networks=tuple(map(network_of, networks)),
        on_this_machine=on_this_machine,
        own_addresses=own,
        own_ports=frozenset(port for _address, port in here),
        services=frozenset(found - here),
    )


def _own_addresses() -> Iterator[IpAddress]:
    """The addresses of this machine's interfaces."""
    for interface in psutil.net_if_addrs().values():
        for address in interface:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                yield ipaddress.ip_address(address.address.partition("%")[0])


def _places(service: str) -> Iterator[tuple[IpAddress, int]]:
    """The addresses behind a service's name; one that listens everywhere does so on this machine."""
    host, _, port = service.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError:
        return  # a name that leads nowhere now is refused by whoever needs the service
    for *_kind, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        yield (ipaddress.ip_address("127.0.0.1") if address.is_unspecified else address), int(port)
