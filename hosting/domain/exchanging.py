"""What is entered when a meter is exchanged, and what others remark on it before it is confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

STEPS: Final = ("old", "new", "reason")
MEDIA_BEGINNINGS: Final = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
}
LARGEST_PHOTO_BYTES: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence on an exchange that is about to be confirmed, and whether it calls for another look."""

    text: str
    is_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was entered, as values again."""

    removed_at: dt.datetime
    fitted_at: dt.datetime
    final_register: Decimal
    first_register: Decimal
    final_volume_m3: Decimal | None
    first_volume_m3: Decimal | None
    seal_found: str
    reason: str


def media_type_of(beginning: bytes) -> str:
    """The kind of picture that the content is, by how it begins; empty where it is none that we keep.

    >>> media_type_of(b"\\xff\\xd8\\xff\\xe0..."), media_type_of(b"<svg>")
    ('image/jpeg', '')
    """
    for media_type, starts in MEDIA_BEGINNINGS.items():
        if beginning.startswith(starts):
            return media_type
    return ""


def missing_step(entered: Mapping[str, Any]) -> str:
    """The first step that nobody has entered yet; empty where all are.

    >>> missing_step({"old": {}, "reason": {}}), missing_step(dict.fromkeys(STEPS))
    ('new', '')
    """
    return next((step for step in STEPS if step not in entered), "")


def facts_of(entered: Mapping[str, Any]) -> Facts:
    """What the three steps say."""
    old, new, why = (entered[step] for step in STEPS)
    return Facts(
        removed_at=dt.datetime.fromisoformat(old["removed_at"]),
        fitted_at=dt.datetime.fromisoformat(new["fitted_at"]),
        final_register=Decimal(old["final_register"]),
        first_register=Decimal(new["first_register"]),
        final_volume_m3=_decimal(old["final_volume_m3"]),
        first_volume_m3=_decimal(new["first_volume_m3"]),
        seal_found=old["seal_found"],
        reason=why["reason"],
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text in {None, ""} else Decimal(str(text))
