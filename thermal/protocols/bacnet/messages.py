"""Messages of BACnet/IP: requests for properties by the codec of bacpypes3, and what answers them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bacpypes3.apdu import ComplexAckPDU, ReadPropertyACK, ReadPropertyMultipleACK
from bacpypes3.apdu import ReadPropertyMultipleRequest as MultipleRequest
from bacpypes3.apdu import ReadPropertyRequest as SingleRequest
from bacpypes3.basetypes import ErrorCode, PropertyIdentifier, PropertyReference, ReadAccessSpecification
from bacpypes3.errors import AbortException, DecodingError, RejectException
from bacpypes3.primitivedata import ObjectIdentifier, TagClass, TagList

from thermal.domain.bacnet import BOOLEAN, ENUMERATED, ObjectRead, Station, Tagged
from thermal.domain.readings import Missing
from thermal.protocols.datagrams import ReplyGarbled

READ_PROPERTY: Final = 12
READ_MULTIPLE: Final = 14
BVLC: Final = 0x81
UNICAST: Final = 0x0A
FORWARDED: Final = 0x04
FORWARDED_HEAD: Final = 10
"""A router put its own head, with the address of the device, before the message."""
EXPECTS_REPLY: Final = 0x04
HAS_TARGET: Final = 0x20
HAS_SOURCE: Final = 0x08
NETWORK_MESSAGE: Final = 0x80
HOPS: Final = 255
LARGEST_ANSWER: Final = 0x05
"""1,476 bytes, in one piece."""

COMPLEX_ACK, ERROR, REJECT, ABORT = 3, 5, 6, 7
SEGMENTED: Final = 0x08
NO_SUCH: Final = frozenset({31, 32, 42})
"""Error codes: unknown object, unknown property, no such place in a list."""
UNKNOWN_OBJECT: Final = 31
NOT_OFFERED: Final = frozenset({(REJECT, 9), (ERROR, 45), (ERROR, 29), (ERROR, 53)})
"""Unrecognized service, optional functionality not supported, request denied, service rejected."""
TOO_LONG: Final = frozenset({(ABORT, 1), (ABORT, 4), (ABORT, 11), (ABORT, 9), (REJECT, 1)})
"""Buffer overflow, segmentation not supported, message too long, out of resources."""

# What the decoder raises for bytes that are no message; it promises nothing narrower.
UNDECODABLE: Final = (
    DecodingError,
    RejectException,
    AbortException,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    RuntimeError,
    OverflowError,
    struct.error,
)

Part = tuple[int, int, int, int | None]
"""Type and instance of an object, a property, and a place in a list."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A device that answers with an error, a rejection or an abort."""

    kind: int
    reason: int

    @property
    def words(self) -> str:
        """What went wrong, as the standard calls it."""
        if self.kind == ERROR:
            return str(ErrorCode(self.reason))
        return f"{'rejected' if self.kind == REJECT else 'aborted'}, reason {self.reason}"

    @property
    def is_unknown_object(self) -> bool:
        """True if there is no such object at the device."""
        return self.kind == ERROR and self.reason == UNKNOWN_OBJECT

    @property
    def missing(self) -> Missing:
        """Why the value is missing."""
        return Missing.NOT_TOLD if self.kind == ERROR and self.reason in NO_SUCH else Missing.REFUSED


Result = list[Tagged] | Refused
Told = dict[Part, Result]
"""The values of some properties, or why each of them is missing."""


def multiple_request(reads: Sequence[ObjectRead]) -> bytes:
    """Return the content of a ReadPropertyMultiple request."""
    specifications = [
        ReadAccessSpecification(
            objectIdentifier=ObjectIdentifier((read.kind, read.instance)),
            listOfPropertyReferences=[_reference(*part) for part in read.parts],
        )
        for read in reads
    ]
    return bytes(MultipleRequest(listOfReadAccessSpecs=specifications).encode().pduData)


def _reference(name: int, index: int | None) -> PropertyReference:
    """Return a property and its place in a list."""
    place = {} if index is None else {"propertyArrayIndex": index}
    return PropertyReference(propertyIdentifier=PropertyIdentifier(name), **place)


def single_request(part: Part) -> bytes:
    """Return the content of a ReadProperty request."""
    kind, instance, name, index = part
    place = {} if index is None else {"propertyArrayIndex": index}
    request = SingleRequest(
        objectIdentifier=ObjectIdentifier((kind, instance)), propertyIdentifier=PropertyIdentifier(name), **place
    )
    return bytes(request.encode().pduData)


def datagram(station: Station, invoke_id: int, service: int, content: bytes) -> bytes:
    """Return the datagram of a confirmed request, on its way to a device or through a router (clauses 6 and J.2)."""
    control, target = EXPECTS_REPLY, b""
    if station.network is not None:
        control |= HAS_TARGET
        target = struct.pack(">HB", station.network, len(station.mac)) + station.mac + bytes([HOPS])
    message = bytes([1, control]) + target + bytes([0, LARGEST_ANSWER, invoke_id, service]) + content
    return struct.pack(">BBH", BVLC, UNICAST, len(message) + 4) + message


def understand(data: bytes, station: Station, invoke_id: int, service: int) -> Told | Refused | None:
    """Return what a datagram answers to our request, or None if it belongs to something else."""
    try:
        message = _inside(data, station)
        if message is None or len(message) < 3 or message[1] != invoke_id:
            return None
        kind = message[0] >> 4
        if kind in (REJECT, ABORT):
            return Refused(kind, message[2])
        if kind not in (COMPLEX_ACK, ERROR) or message[2] != service:
            return None
        if kind == ERROR:
            return Refused(ERROR, _error_code(message[3:]))
        if message[0] & SEGMENTED:
            raise ReplyGarbled(problem="it comes in pieces, which was not asked for")
        return _told(message[3:], service)
    except UNDECODABLE as problem:
        raise ReplyGarbled(problem=f"it is no BACnet message ({type(problem).__name__})") from None


def _inside(data: bytes, station: Station) -> bytes | None:
    """Return the application message of a datagram from the station, or None if there is none."""
    if len(data) < 4 or data[0] != BVLC or struct.unpack(">H", data[2:4])[0] != len(data):
        raise ReplyGarbled(problem="it is no datagram of BACnet/IP")
    if data[1] not in (UNICAST, FORWARDED):
        return None
    network = data[FORWARDED_HEAD:] if data[1] == FORWARDED else data[4:]
    if network[0] != 1 or network[1] & NETWORK_MESSAGE:
        return None
    control, rest = network[1], network[2:]
    if control & HAS_TARGET:
        rest = rest[3 + rest[2] :]
    source: tuple[int | None, bytes] = (None, b"")
    if control & HAS_SOURCE:
        source = (struct.unpack(">H", rest[:2])[0], rest[3 : 3 + rest[2]])
        rest = rest[3 + rest[2] :]
    if control & HAS_TARGET:
        rest = rest[1:]  # hops left
    return rest if source == (station.network, station.mac) else None


def _error_code(content: bytes) -> int:
    """Return the code of an error; its class says nothing that the code does not."""
    tags = [tag for tag in _tags(content) if tag.tag_class == TagClass.application and tag.tag_number == ENUMERATED]
    return int.from_bytes(tags[1].tag_data, "big")


def _tags(content: bytes) -> Any:
    """Return the tags of a content."""
    message = ComplexAckPDU(READ_PROPERTY, 0)
    message.put_data(content)
    return TagList.decode(message).tagList


def _told(content: bytes, service: int) -> Told:
    """Return what an acknowledgement tells."""
    message = ComplexAckPDU(service, 0)
    message.put_data(content)
    if service == READ_PROPERTY:
        ack = ReadPropertyACK.decode(message)
        kind, instance = map(int, ack.objectIdentifier)
        place = None if ack.propertyArrayIndex is None else int(ack.propertyArrayIndex)
        return {(kind, instance, int(ack.propertyIdentifier), place): list(_values(ack.propertyValue.tagList))}
    told: Told = {}
    for read in ReadPropertyMultipleACK.decode(message).listOfReadAccessResults:
        kind, instance = map(int, read.objectIdentifier)
        for element in read.listOfResults:
            place = None if element.propertyArrayIndex is None else int(element.propertyArrayIndex)
            told[kind, instance, int(element.propertyIdentifier), place] = _result(element.readResult)
    return told


def _result(choice: Any) -> Result:
    """Return the values of one property, or the error in their place."""
    if choice.propertyAccessError is not None:
        return Refused(ERROR, int(choice.propertyAccessError.errorCode))
    return list(_values(choice.propertyValue.tagList))


def _values(tags: Iterable[Any]) -> Iterator[Tagged]:
    """Yield the plain values between the brackets."""
    for tag in tags:
        if tag.tag_class == TagClass.application:
            content = bytes([tag.tag_lvt & 0xFF]) if tag.tag_number == BOOLEAN else bytes(tag.tag_data)
            yield int(tag.tag_number), content
