"""Conversations with an agent: how a request is wrapped for it, and which datagram answers it."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from kernel.errors import Refusal
from thermal.domain import usm
from thermal.domain.snmp import LogIn, LogInIsWrong, Oid
from thermal.protocols.datagrams import Line, ReplyGarbled
from thermal.protocols.snmp import messages
from thermal.protocols.snmp.messages import AUTHENTICATED, ENCRYPTED, Envelope, Reply

NOT_IN_TIME: Final = 2
UNKNOWN_ENGINE: Final = 4
REPORTS: Final = {
    1: "it does not offer this kind of authentication or encryption",
    NOT_IN_TIME: "its clock and ours do not find together",
    3: "it does not know the user",
    UNKNOWN_ENGINE: "it changes its identity from answer to answer",
    5: "the authentication key or protocol is wrong",
    6: "the privacy key or protocol is wrong",
}
"""What the counters under usmStats mean (RFC 3414, section 5)."""

USM_STATS: Final = (1, 3, 6, 1, 6, 3, 15, 1, 1)
UNKNOWN_CONTEXTS: Final = (1, 3, 6, 1, 6, 3, 12, 1, 5, 0)
LARGEST_ID: Final = 2**31 - 1
ROUNDS: Final = 3
"""Requests for one answer: an agent may have restarted, and then its clock has to be learned anew."""


class AgentRefuses(Refusal):
    """An agent that does not talk with us."""

    sentence = "The agent refuses to answer: %(problem)s."


class Agent(Protocol):
    """An agent behind one address, with the log-in to it."""

    async def get(self, line: Line, objects: Sequence[Oid], context: str) -> Reply:
        """Return the agent's answer to a request for these objects."""


def agent_for(login: LogIn) -> Agent:
    """Return the conversation that the log-in allows."""
    if login.community:
        return CommunityAgent(login.community)
    if not usm.is_known(login.auth_protocol, login.priv_protocol):
        methods = f"{login.auth_protocol or 'no authentication'} with {login.priv_protocol}"
        raise LogInIsWrong(problem=f"{methods} has no agreed way to make a key")
    if bool(login.auth_protocol) != bool(login.auth_key) or bool(login.priv_protocol) != bool(login.priv_key):
        raise LogInIsWrong(problem="a method and its key go together")
    return UserAgent(login)


def fresh_id() -> int:
    """Return a number that an answer has to repeat; nobody can guess it."""
    return secrets.randbelow(LARGEST_ID) + 1


@dataclass(slots=True)
class CommunityAgent:
    """An agent of version 2c."""

    community: str

    async def get(self, line: Line, objects: Sequence[Oid], context: str) -> Reply:  # noqa: ARG002 (interface)
        """Return the agent's answer; contexts are unknown to this version."""
        request_id = fresh_id()
        question = messages.community_message(self.community, messages.get_request(request_id, objects))

        def understand(datagram: bytes) -> Reply | None:
            reply = messages.read_community_message(datagram)
            return reply if reply.request_id == request_id else None

        return await line.ask(question, understand)


@dataclass(slots=True)
class UserAgent:
    """An agent of version 3: first it says who it is and what its clock shows, then it answers the user."""

    login: LogIn
    engine_id: bytes = b""
    boots: int = 0
    time_s: int = 0
    heard_at: float = 0.0
    salt: int = field(default_factory=lambda: secrets.randbits(64))

    @property
    def flags(self) -> int:
        """How messages are protected."""
        return (AUTHENTICATED if self.login.auth_key else 0) | (ENCRYPTED if self.login.priv_key else 0)

    async def get(self, line: Line, objects: Sequence[Oid], context: str) -> Reply:
        """Return the agent's answer, after meeting it if need be."""
        if not self.engine_id:
            await self._meet(line)
        for _round in range(ROUNDS):
            reply, outside = await self._ask(line, objects, context)
            if not reply.is_report:
                return reply
            report = self._report(reply)
            is_new = report == UNKNOWN_ENGINE and outside.engine_id != self.engine_id
            if is_new or (report == NOT_IN_TIME and outside.flags & AUTHENTICATED):
                self._learn(outside)
            else:
                break
        raise AgentRefuses(problem=REPORTS[report])

    async def _meet(self, line: Line) -> None:
        """Learn the agent's identity from its answer to nobody's question."""
        request_id = fresh_id()
        scoped = messages.scoped_request(b"", "", messages.get_request(request_id, ()))
        question = messages.user_message(Envelope(request_id, 0, b"", 0, 0, b"", b"", b"", scoped))

        def understand(datagram: bytes) -> Envelope | None:
            outside = messages.read_user_message(datagram)
            return outside if outside.message_id == request_id and outside.engine_id else None

        self._learn(await line.ask(question, understand))

    def _learn(self, outside: Envelope) -> None:
        """Take over who the agent is and what its clock shows."""
        self.engine_id, self.boots, self.time_s = outside.engine_id, outside.boots, outside.time_s
        self.heard_at = asyncio.get_running_loop().time()

    async def _ask(self, line: Line, objects: Sequence[Oid], context: str) -> tuple[Reply, Envelope]:
        """Return the agent's answer or report, and what it came in."""
        request_id = fresh_id()
        scoped = messages.scoped_request(self.engine_id, context, messages.get_request(request_id, objects))
        question = self._protected(request_id, scoped)

        def understand(datagram: bytes) -> tuple[Reply, Envelope] | None:
            outside = messages.read_user_message(datagram)
            if outside.message_id != request_id:
                return None
            reply = messages.read_scoped(self._opened(outside, datagram))
            if not reply.is_report and (outside.flags != self.flags or outside.engine_id != self.engine_id):
                raise ReplyGarbled(problem="it is protected otherwise than the question")
            return reply, outside

        return await line.ask(question, understand)

    def _protected(self, message_id: int, scoped: bytes) -> bytes:
        """Return the message, enciphered and signed as the log-in says."""
        passed_s = int(asyncio.get_running_loop().time() - self.heard_at)
        time_s = min(self.time_s + passed_s, LARGEST_ID)
        salt = b""
        if self.flags & ENCRYPTED:
            self.salt = (self.salt + 1) % 2**64
            salt = self.salt.to_bytes(8, "big")
            scoped = usm.encrypted(
                self.login.priv_protocol, self._key("priv"), boots=self.boots, time_s=time_s, salt=salt, plain=scoped
            )
        user = self.login.user.encode()
        if not self.flags & AUTHENTICATED:
            return messages.user_message(Envelope(message_id, 0, self.engine_id, 0, 0, user, b"", b"", scoped))
        # A place that occurs nowhere else in the message, so that it is found again for sure.
        place = secrets.token_bytes(usm.DIGESTS[self.login.auth_protocol][1])
        message = messages.user_message(
            Envelope(message_id, self.flags, self.engine_id, self.boots, time_s, user, place, salt, scoped)
        )
        empty = message.replace(place, bytes(len(place)), 1)
        return message.replace(place, usm.digest_of(self.login.auth_protocol, self._key("auth"), empty), 1)

    def _opened(self, outside: Envelope, datagram: bytes) -> bytes:
        """Return the inside of an answer, after checking that the agent signed it."""
        if outside.flags & AUTHENTICATED:
            self._check_signature(outside, datagram)
        if not outside.flags & ENCRYPTED:
            return outside.scoped
        if outside.flags != self.flags:
            raise ReplyGarbled(problem="it is enciphered with keys that we do not have")
        try:
            return usm.decrypted(
                self.login.priv_protocol,
                self._key("priv", outside.engine_id),
                boots=outside.boots,
                time_s=outside.time_s,
                salt=outside.salt,
                secret=outside.scoped,
            )
        except (ValueError, OverflowError):
            raise ReplyGarbled(problem="it cannot be deciphered") from None

    def _check_signature(self, outside: Envelope, datagram: bytes) -> None:
        """Refuse an answer that the holder of the key did not sign."""
        if not self.login.auth_key:
            raise ReplyGarbled(problem="it is signed with a key that we do not have")
        empty = datagram.replace(outside.digest, bytes(len(outside.digest)), 1)
        expected = usm.digest_of(self.login.auth_protocol, self._key("auth", outside.engine_id), empty)
        if not hmac.compare_digest(expected, outside.digest):
            raise ReplyGarbled(problem="its signature is wrong")

    def _key(self, purpose: str, engine_id: bytes = b"") -> bytes:
        """Return the key of the user at the agent."""
        password = self.login.priv_key if purpose == "priv" else self.login.auth_key
        return usm.localized_key(self.login.auth_protocol, password, engine_id or self.engine_id)

    @staticmethod
    def _report(reply: Reply) -> int:
        """Return which of the counters an agent reports; others than those of users are refused here."""
        oid = reply.values[0][0] if reply.values else ()
        if oid == UNKNOWN_CONTEXTS:
            raise AgentRefuses(problem="it does not know the context, which is the unit of the device")
        counter = oid[len(USM_STATS)] if oid[: len(USM_STATS)] == USM_STATS and len(oid) > len(USM_STATS) else 0
        if counter not in REPORTS:
            raise AgentRefuses(problem=f"it reports {'.'.join(map(str, oid)) or 'nothing'}")
        return counter
