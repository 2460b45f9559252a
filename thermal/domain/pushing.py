"""Batches that sources push: how they are signed, and what shape they have."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import Refusal
from thermal.domain.told import json_number

LARGEST_SEQUENCE: Final = 2**63 - 1
BATCH_NAMES: Final = frozenset({"sequence", "sent_at", "items"})
NO_TIME: Final = dt.datetime.min.replace(tzinfo=dt.UTC)
ITEM_NAMES: Final = frozenset({"device", "at", "values"})


class BatchRefused(Refusal):
    """A batch that is not understood as a whole; nothing of it is stored."""

    sentence = "%(field)s: %(problem)s"

    @property
    def field(self) -> str:
        """Which part of the batch is wrong."""
        return str(self.facts["field"])


@dataclass(frozen=True, slots=True)
class PushedItem:
    """The values of one device at one instant, or what is wrong with them."""

    device: str = ""
    at: dt.datetime = NO_TIME
    values: Mapping[str, Any] = field(default_factory=dict)
    wrong_field: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PushedBatch:
    """What a source sends at once."""

    sequence_number: int
    sent_at: dt.datetime
    items: Sequence[PushedItem]


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Return the HMAC-SHA-256 over the time, a dot and the body, in hexadecimal digits.

    Examples
    --------
    >>> signature("key", "1795377600", b"{}")[:16]
    'e56d368a840e9209'
    """
    signed = timestamp.encode() + b"." + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def batch_of(body: bytes, *, most_items: int) -> PushedBatch:
    """Return the batch in a body of JSON; numbers stay as exact as they were written."""
    try:
        told = json.loads(body, parse_float=json_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BatchRefused(field="body", problem="is not JSON in UTF-8.") from None
    if not isinstance(told, dict) or set(told) != BATCH_NAMES:
        raise BatchRefused(field="body", problem="is not an object of exactly sequence, sent_at and items.")
    number, items = told["sequence"], told["items"]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST_SEQUENCE:
        raise BatchRefused(field="sequence", problem="is not a whole number from 0.")
    sent_at = instant_of(told["sent_at"])
    if sent_at is None:
        raise BatchRefused(field="sent_at", problem="is not a time with offset, such as 2026-10-25T02:30:00+01:00.")
    if not isinstance(items, list) or not 1 <= len(items) <= most_items:
        raise BatchRefused(field="items", problem=f"is not a list of 1 to {most_items} items.")
    return PushedBatch(number, sent_at, [_item(one) for one in items])


def instant_of(told: Any) -> dt.datetime | None:
    """Return the instant in UTC, if it is a text in ISO 8601 with an offset."""
    try:
        at = dt.datetime.fromisoformat(told)
        return at.astimezone(dt.UTC) if at.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _item(told: Any) -> PushedItem:
    """Return one item, or which of its fields is wrong and why."""
    if not isinstance(told, dict) or set(told) != ITEM_NAMES:
        return PushedItem(wrong_field="item", reason="It is not an object of exactly device, at and values.")
    # Half a character, or a zero, is a text for JSON and none for the database.
    if not isinstance(told["device"], str) or not told["device"].isprintable():
        return PushedItem(wrong_field="device", reason="It is not a text.")
    at = instant_of(told["at"])
    if at is None:
        return PushedItem(wrong_field="at", reason="It is not a time with offset, such as 2026-10-25T02:30:00+01:00.")
    if not isinstance(told["values"], dict) or not told["values"]:
        return PushedItem(wrong_field="values", reason="It is not an object with at least one value.")
    return PushedItem(told["device"], at, told["values"])


def _no_number(_text: str) -> None:
    """Refuse Infinity and NaN, which are no JSON."""
    raise ValueError
