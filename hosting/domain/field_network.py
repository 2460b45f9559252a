"""Which addresses field devices may have: what a person types must not lead to anything else around the portal."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from kernel.errors import Refusal

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA_ADDRESSES: Final = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)
"""Services outside the link-local range that tell a cloud machine its secrets: AWS, Google, Alibaba, Azure, Oracle."""

TRANSLATED: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""Prefixes behind which a NAT64 gateway reaches the IPv4 address in the last four bytes (RFC 6052, RFC 8215)."""


class AddressNotAllowed(Refusal):
    """A network address that field devices may not have."""

    sentence = "%(host)s is not an address of the field network."


class AddressIsLinkLocal(AddressNotAllowed):
    """An address by which machines are told their secrets, or that no router passes on."""

    sentence = "%(host)s is not an address of the field network: it is a link-local or metadata address."


class AddressIsNoDevice(AddressNotAllowed):
    """An address of nobody, or of many."""

    sentence = "%(host)s is not an address of the field network: it is not the address of one device."


class AddressIsThisMachine(AddressNotAllowed):
    """An address of the machine on which the portal runs, where no device was expected."""

    sentence = (
        "%(host)s is not an address of the field network: it is the machine on which the portal runs. "
        "Where a field device or a gateway does run there, set HEATLEDGER_FIELD_ON_THIS_MACHINE=1."
    )


class AddressIsOurs(AddressNotAllowed):
    """The database, the broker, the cache, or the portal itself."""

    sentence = "%(host)s, port %(port)s, is a service of the portal itself, not a field device."


class AddressOutsideNetworks(AddressNotAllowed):
    """An address outside the networks that the installation names."""

    sentence = (
        "%(host)s is not an address of the field network: it lies outside the allowed networks "
        "(HEATLEDGER_FIELD_NETWORKS)."
    )


class NetworkIsWrong(Refusal):
    """A part of HEATLEDGER_FIELD_NETWORKS that is no network."""

    sentence = "“%(text)s” is not a network such as 10.20.0.0/16: %(problem)s."


@dataclass(frozen=True, slots=True)
class FieldNetwork:
    """What an installation allows, and what stands on the machines around it."""

    networks: tuple[IpNetwork, ...] = ()
    """Where field devices may be; anywhere if there are none."""
    on_this_machine: bool = False
    """Whether they may also be on the machine on which the portal runs, without a network that says so."""
    own_addresses: frozenset[IpAddress] = field(default_factory=frozenset)
    own_ports: frozenset[int] = field(default_factory=frozenset)
    """Ports of the portal's own services on this machine."""
    services: frozenset[tuple[IpAddress, int]] = field(default_factory=frozenset)
    """The portal's own services on other machines."""

    def check(self, host: str, address: IpAddress, port: int) -> None:
        """Refuse an address that no field device may have; it stands for all that it may lead to."""
        for meant in meanings(address):
            self._check_kind(host, meant)
            self._check_service(host, meant, port)
        if self.networks and not self._is_named(address):
            raise AddressOutsideNetworks(host=host)

    def check_typed(self, host: str, port: int) -> None:
        """Refuse what a person typed, as far as it can be told without asking a name server."""
        if host.rstrip(".").casefold() == "localhost":
            self.check(host, ipaddress.IPv4Address("127.0.0.1"), port)
        elif (address := written_address(host)) is not None:
            self.check(host, address, port)

    def _check_kind(self, host: str, address: IpAddress) -> None:
        if address.is_link_local or address in METADATA_ADDRESSES:
            raise AddressIsLinkLocal(host=host)
        # Python counts ::1 among the reserved addresses, and those behind NAT64 too.
        reserved = address.is_reserved and not address.is_loopback and not _is_translated(address)
        if address.is_multicast or address.is_unspecified or reserved:
            raise AddressIsNoDevice(host=host)

    def _check_service(self, host: str, address: IpAddress, port: int) -> None:
        here = address.is_loopback or address in self.own_addresses
        if (here and port in self.own_ports) or (address, port) in self.services:
            raise AddressIsOurs(host=host, port=port)
        if here and not self.on_this_machine and not self._is_named(address):
            raise AddressIsThisMachine(host=host)

    def _is_named(self, address: IpAddress) -> bool:
        return any(meant in network for meant in meanings(address) for network in self.networks)


def meanings(address: IpAddress) -> Iterator[IpAddress]:
    """Yield the address and the IPv4 address that it carries, if it does: connecting to one may reach the other.

    >>> [str(meant) for meant in meanings(ipaddress.ip_address("64:ff9b::a9fe:a9fe"))]
    ['64:ff9b::a9fe:a9fe', '169.254.169.254']
    """
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    plain = ipaddress.IPv6Address(int(address))  # without a zone such as %eth0
    if plain.ipv4_mapped is not None:
        yield plain.ipv4_mapped
        return
    yield plain
    if plain.sixtofour is not None:
        yield plain.sixtofour
    if plain.teredo is not None:
        yield from plain.teredo
    if _is_translated(plain):
        yield ipaddress.IPv4Address(int(plain) & 0xFFFFFFFF)


def _is_translated(address: IpAddress) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and any(address in network for network in TRANSLATED)


def written_address(host: str) -> IpAddress | None:
    """Return the address that a text spells, in any way that a system's resolver understands; None for a name.

    >>> written_address("127.1"), written_address("0x7f000001"), written_address("plc-1.example")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), None)
    """
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def network_of(text: str) -> IpNetwork:
    """Return the network that one part of the setting names."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as problem:
        raise NetworkIsWrong(text=text.strip(), problem=str(problem)) from None
