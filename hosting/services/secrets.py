"""Credentials of controllers: sealed when they come in, opened only where a device is asked.

What is sealed names its controller and its protocol. A row that somebody copied to another controller, to have the
portal send its password there, does not open.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import keys
from hosting.domain import credentials
from hosting.models import Controller, ControllerSecret
from kernel.errors import Refusal

KEY_NAME: Final = "key"
"""Under which a source that sends by itself has its signing key."""


class SecretDoesNotOpen(Refusal):
    """Sealed with a key that is not among the present ones, or made for another controller."""

    sentence = (
        "The stored credentials of %(controller)s cannot be opened with the present keys. "
        "Put the former key back into HEATLEDGER_FIELD_KEY, or enter the credentials anew."
    )


class SecretForAnotherProtocol(Refusal):
    """The controller's protocol was changed after its credentials were entered."""

    sentence = "The stored credentials of %(controller)s were entered for another protocol; enter them anew."


@dataclass(frozen=True, slots=True)
class Opened:
    """The credentials of one controller in memory, or why they cannot be had."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Resealed:
    """What came of sealing everything with the first key."""

    count: int
    unopened: tuple[str, ...]
    """Codes of the controllers whose credentials no present key opens."""


@transaction.atomic
def keep_secret(*, controller: Controller, fields: Mapping[str, str], by: User | None, now: dt.datetime) -> None:
    """Seal the credentials and keep them instead of those before."""
    kept = credentials.checked(controller.protocol, fields)
    told = {"controller": controller.pk, "protocol": controller.protocol, "fields": kept}
    sealed = _cipher().encrypt(json.dumps(told).encode())
    facts = {"sealed": sealed, "kept_by": by, "kept_at": now}
    ControllerSecret.objects.update_or_create(controller=controller, defaults=facts)


@transaction.atomic
def make_push_key(*, controller: Controller, by: User | None, now: dt.datetime) -> str:
    """Return a new signing key of a source; it is kept sealed and shown to nobody again."""
    key = keys.new_key()
    keep_secret(controller=controller, fields={KEY_NAME: key}, by=by, now=now)
    return key


@transaction.atomic
def forget_secret(*, controller: Controller, by: User | None, now: dt.datetime) -> bool:
    """Return whether there were credentials; they are gone now."""
    count, _by_model = ControllerSecret.objects.filter(controller=controller).delete()
    return bool(count)


def open_secret(*, controller: Controller) -> dict[str, str]:
    """Return the credentials of a controller; empty if it has none."""
    row = ControllerSecret.objects.filter(controller=controller).select_related("controller").first()
    return _opened(row, _cipher()) if row else {}


def open_secrets(*, controllers: Iterable[int]) -> dict[int, Opened]:
    """Return the credentials of those among the controllers that have some; one query, and no refusal."""
    rows = ControllerSecret.objects.filter(controller__in=controllers).select_related("controller")
    opened: dict[int, Opened] = {}
    cipher = _cipher()
    for row in rows:
        try:
            opened[row.controller_id] = Opened(_opened(row, cipher))
        except Refusal as refusal:
            opened[row.controller_id] = Opened(problem=refusal.detail)
    return opened


@transaction.atomic
def reseal_secrets() -> Resealed:
    """Return how many credentials are sealed with the first key now, and whose could not be opened."""
    cipher = _cipher()
    count, unopened = 0, []
    rows = ControllerSecret.objects.select_related("controller").order_by("controller__code")
    for row in rows.select_for_update(of=("self",)):
        try:
            row.sealed = cipher.rotate(bytes(row.sealed))
        except InvalidToken:
            unopened.append(row.controller.code)
            continue
        row.save(update_fields=["sealed"])
        count += 1
    return Resealed(count, tuple(unopened))


def unopened_secrets() -> list[str]:
    """Return the codes of the controllers whose credentials no present key opens."""
    unopened, cipher = [], _cipher()
    for row in ControllerSecret.objects.select_related("controller").order_by("controller__code"):
        try:
            cipher.decrypt(bytes(row.sealed))
        except InvalidToken:
            unopened.append(row.controller.code)
    return unopened


def _opened(row: ControllerSecret, cipher: MultiFernet) -> dict[str, str]:
    """Return what the row holds, if it opens and was made for its controller."""
    try:
        told = json.loads(cipher.decrypt(bytes(row.sealed)))
    except InvalidToken:
        raise SecretDoesNotOpen(controller=row.controller.code) from None
    if told["controller"] != row.controller_id:
        raise SecretDoesNotOpen(controller=row.controller.code)
    if told["protocol"] != row.controller.protocol:
        raise SecretForAnotherProtocol(controller=row.controller.code)
    fields: dict[str, str] = told["fields"]
    return fields


def _cipher() -> MultiFernet:
    """Return what seals with the first key and opens with any."""
    digests = [hashlib.sha256(b"heatledger.field:" + key.encode()).digest() for key in settings.HOSTING_FIELD_KEYS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
