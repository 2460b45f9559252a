"""Messages of SNMP versions 2c and 3, by the message syntax of pysnmp: requests for values, and what answers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.error import PySnmpError
from pysnmp.proto import rfc1901, rfc1905
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import ScopedPDU, SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from thermal.domain.readings import Missing
from thermal.domain.snmp import Oid
from thermal.protocols.datagrams import ReplyGarbled

ABSENT: Final = (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView)
MESSAGE_SIZE: Final = 65507
"""The largest datagram: our side takes whatever the network carries."""
USER_MODEL: Final = 3
REPORTABLE: Final = 4
AUTHENTICATED: Final = 1
ENCRYPTED: Final = 2
RESPONSE: Final = "response"
REPORT: Final = "report"

# What the decoder raises for bytes that are no message; it promises nothing narrower.
UNDECODABLE: Final = (
    PyAsn1Error,
    PySnmpError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent answers: an error that names one of the objects, or a value for each."""

    request_id: int
    error_status: int
    error_index: int
    values: tuple[tuple[Oid, int | bytes | Missing], ...]
    is_report: bool = False
    """True if the agent tells why it did not even look at the request."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The outside of a version 3 message."""

    message_id: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    digest: bytes
    salt: bytes
    scoped: bytes
    """The scoped request or answer, enciphered if the flags say so."""


def get_request(request_id: int, objects: Sequence[Oid]) -> Any:
    """Return the request for the values of some objects."""
    request = v2c.GetRequestPDU()
    v2c.apiPDU.set_defaults(request)
    v2c.apiPDU.set_request_id(request, request_id)
    v2c.apiPDU.set_varbinds(request, [(oid, v2c.null) for oid in objects])
    return request


def community_message(community: str, request: Any) -> bytes:
    """Return the request in a message of version 2c."""
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, community)
    v2c.apiMessage.set_pdu(message, request)
    return bytes(encoder.encode(message))


def read_community_message(datagram: bytes) -> Reply:
    """Return the answer that a message of version 2c carries; anything else is refused."""
    try:
        message, _rest = decoder.decode(datagram, asn1Spec=rfc1901.Message())
        if int(message["version"]) != 1:
            raise ReplyGarbled(problem="it is of another version")
        return _reply(message["data"])
    except UNDECODABLE as problem:
        raise ReplyGarbled(problem=f"it is no SNMP message ({type(problem).__name__})") from None


def scoped_request(engine_id: bytes, context: str, request: Any) -> bytes:
    """Return the request with the context that it asks in."""
    scoped = ScopedPDU()
    scoped["contextEngineId"] = engine_id
    scoped["contextName"] = context.encode()
    scoped["data"]["get-request"] = request
    return bytes(encoder.encode(scoped))


def read_scoped(scoped: bytes) -> Reply:
    """Return the answer inside a version 3 message."""
    try:
        data, _rest = decoder.decode(scoped, asn1Spec=ScopedPDU())
        return _reply(data["data"])
    except UNDECODABLE as problem:
        raise ReplyGarbled(problem=f"its inside is no SNMP answer ({type(problem).__name__})") from None


def user_message(envelope: Envelope) -> bytes:
    """Return the message of version 3."""
    security = UsmSecurityParameters()
    security["msgAuthoritativeEngineId"] = envelope.engine_id
    security["msgAuthoritativeEngineBoots"] = envelope.boots
    security["msgAuthoritativeEngineTime"] = envelope.time_s
    security["msgUserName"] = envelope.user
    security["msgAuthenticationParameters"] = envelope.digest
    security["msgPrivacyParameters"] = envelope.salt
    message = SNMPv3Message()
    message["msgVersion"] = USER_MODEL
    header = message["msgGlobalData"]
    header["msgID"] = envelope.message_id
    header["msgMaxSize"] = MESSAGE_SIZE
    header["msgFlags"] = bytes([envelope.flags | REPORTABLE])
    header["msgSecurityModel"] = USER_MODEL
    message["msgSecurityParameters"] = encoder.encode(security)
    if envelope.flags & ENCRYPTED:
        message["msgData"]["encryptedPDU"] = envelope.scoped
    else:
        scoped, _rest = decoder.decode(envelope.scoped, asn1Spec=ScopedPDU())
        message["msgData"]["plaintext"] = scoped
    return bytes(encoder.encode(message))


def read_user_message(datagram: bytes) -> Envelope:
    """Return the outside of a version 3 message; anything else is refused."""
    try:
        message, _rest = decoder.decode(datagram, asn1Spec=SNMPv3Message())
        header = message["msgGlobalData"]
        flags = bytes(header["msgFlags"])[0]
        security, _rest = decoder.decode(bytes(message["msgSecurityParameters"]), asn1Spec=UsmSecurityParameters())
        data = message["msgData"]
        scoped = bytes(data["encryptedPDU"]) if flags & ENCRYPTED else encoder.encode(data["plaintext"])
        return Envelope(
            message_id=int(header["msgID"]),
            flags=flags & (AUTHENTICATED | ENCRYPTED),
            engine_id=bytes(security["msgAuthoritativeEngineId"]),
            boots=int(security["msgAuthoritativeEngineBoots"]),
            time_s=int(security["msgAuthoritativeEngineTime"]),
            user=bytes(security["msgUserName"]),
            digest=bytes(security["msgAuthenticationParameters"]),
            salt=bytes(security["msgPrivacyParameters"]),
            scoped=bytes(scoped),
        )
    except UNDECODABLE as problem:
        raise ReplyGarbled(problem=f"it is no message of SNMP version 3 ({type(problem).__name__})") from None


def _reply(data: Any) -> Reply:
    """Return the answer or report in a decoded choice of requests and answers."""
    name = data.getName()
    if name not in (RESPONSE, REPORT):
        raise ReplyGarbled(problem=f"it is a {name}, no response")
    content = data.getComponent()
    return Reply(
        request_id=int(content["request-id"]),
        error_status=int(content["error-status"]),
        error_index=int(content["error-index"]),
        values=tuple(_bindings(content["variable-bindings"])),
        is_report=name == REPORT,
    )


def _bindings(bindings: Iterable[Any]) -> Iterable[tuple[Oid, int | bytes | Missing]]:
    """Yield each object with what is told of it."""
    for binding in bindings:
        yield tuple(map(int, binding["name"])), _plain(binding[1])


def _plain(value: Any) -> int | bytes | Missing:
    """Return a decoded value as a plain one, or why there is none."""
    while hasattr(value, "getComponent"):  # a choice in a choice
        value = value.getComponent()
    if isinstance(value, ABSENT):
        return Missing.NOT_TOLD
    if isinstance(value, univ.Integer):
        return int(value)
    if isinstance(value, univ.OctetString):
        return bytes(value)
    return Missing.INVALID
