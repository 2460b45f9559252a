"""Batches that sources push: known by their signature, stored once by their number."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from hosting.models import Controller, Device
from hosting.models.field import Protocol
from hosting.services import secrets
from kernel.errors import Refusal
from thermal.domain import pushing
from thermal.domain.pushing import PushedBatch, PushedItem
from thermal.domain.readings import Answer
from thermal.models import PushReceipt
from thermal.services import partitions, telling
from thermal.services.polling import moments
from thermal.services.polling.claiming import Batch, DueDevice, told_batch

log = logging.getLogger(__name__)

NOBODY = "a key that nobody has"
"""With which a signature of an unknown source is compared, so that it takes as long as for a known one."""


class SequenceUsed(Refusal):
    """A number under which the source has sent something else."""

    sentence = "Sequence %(sequence)s was received before with another body; use the next number."


class ClockOff(Refusal):
    """A well-signed time too far from ours: a wrong clock, or somebody who repeats what he has heard."""

    sentence = "The time of the signature is %(seconds)s s from that of the portal, more than %(most)s s."


def source_of(*, code: str, timestamp: str, signature: str, body: bytes) -> Controller | None:
    """Return the controller whose key signed the body; None for everybody else, whatever is wrong."""
    controller = Controller.objects.filter(code=code, protocol=Protocol.HTTP_PUSH, enabled=True).first()
    expected = pushing.signature(_key_of(controller), timestamp, body)
    is_right = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return controller if is_right else None


def _key_of(controller: Controller | None) -> str:
    """Return the signing key of a source, or one with which nothing was signed."""
    if controller is None:
        return NOBODY + settings.SECRET_KEY
    try:
        opened = secrets.open_secret(controller=controller)
    except Refusal as refusal:
        log.error("%s", refusal.detail)  # noqa: TRY400 -- the trace says nothing more
        opened = {}
    return opened.get(secrets.KEY_NAME) or NOBODY + settings.SECRET_KEY


def check_clock(*, timestamp: str, now: dt.datetime) -> None:
    """Refuse a signature that was made too long ago, or is of the future."""
    most_s = settings.THERMAL_PUSH_WINDOW_S
    offset_s = abs(int(timestamp) - now.timestamp())
    if offset_s > most_s:
        raise ClockOff(seconds=int(offset_s), most=most_s)


@transaction.atomic
def receive_push(*, controller: Controller, body: bytes, now: dt.datetime) -> dict[str, Any]:
    """Return the answer to a batch; under the number of an earlier one it is the answer to that one."""
    # Two copies of one batch, sent at once, come through here one after the other.
    Controller.objects.select_for_update(no_key=True).get(pk=controller.pk)
    batch = pushing.batch_of(body, most_items=settings.THERMAL_PUSH_MOST_ITEMS)
    digest = hashlib.sha256(body).digest()
    earlier = PushReceipt.objects.filter(controller=controller, sequence_number=batch.sequence_number).first()
    if earlier is not None:
        if bytes(earlier.body_sha256) != digest:
            raise SequenceUsed(sequence=batch.sequence_number)
        first_answer: dict[str, Any] = earlier.answer
        return first_answer
    results = _stored(controller, batch, now)
    counts = {f"{word}_count": sum(one["result"] == word for one in results) for word in ("stored", "known", "refused")}
    answer = {
        "sequence": batch.sequence_number,
        "received_at": now.isoformat(),
        **{name.removesuffix("_count"): count for name, count in counts.items()},
        "items": results,
    }
    PushReceipt.objects.create(
        controller=controller,
        sequence_number=batch.sequence_number,
        received_at=now,
        sent_at=batch.sent_at,
        body_sha256=digest,
        item_count=len(results),
        answer=answer,
        **counts,
    )
    return answer


class ItemRefused(Refusal):
    """An item of which nothing is stored; the others of its batch are."""

    sentence = "%(field)s: %(reason)s"


@dataclass(frozen=True, slots=True)
class _Intake:
    """What is needed to understand the items of one batch."""

    batch: Batch
    by_code: Mapping[str, DueDevice]
    now: dt.datetime
    seen: set[tuple[int, dt.datetime]] = field(default_factory=set)

    def take(self, item: PushedItem) -> telling.Told:
        """Return the device and what the item tells of it, or refuse it with the field that is wrong."""
        if item.wrong_field:
            raise ItemRefused(field=item.wrong_field, reason=item.reason)
        device = self.by_code.get(item.device)
        if device is None:
            raise ItemRefused(field="device", reason="This source has no such device, or it is switched off.")
        problem = moments.untimely(item.at, now=self.now)
        if problem:
            raise ItemRefused(field="at", reason=problem)
        if (device.id, item.at) in self.seen:
            raise ItemRefused(field="at", reason="The batch tells of this device and instant twice.")
        answer = self._answer(device, item)
        self.seen.add((device.id, item.at))
        return device, answer

    def _answer(self, device: DueDevice, item: PushedItem) -> Answer:
        """Return the values of an item in the slots of the device's profile."""
        profile = self.batch.profiles[device.profile_id]
        if profile.problem:
            raise ItemRefused(field="device", reason=profile.problem)
        points, answer = profile.plan.by_key(), profile.plan.answer()
        answer.at = item.at
        for key, value in item.values.items():
            if key not in points:
                raise ItemRefused(field=f"values.{key[:60]}", reason="The profile of the device has no such point.")
            try:
                points[key].put(answer, value)
            except Refusal as refusal:
                raise ItemRefused(field=f"values.{key}", reason=refusal.detail) from None
        answer.distrust(profile.plan.distrust)
        if not answer.told:
            raise ItemRefused(field="values", reason="Every value is missing.")
        told: Answer = answer
        return told


def _stored(controller: Controller, pushed: PushedBatch, now: dt.datetime) -> list[dict[str, str]]:
    """Return what became of each item, in their order."""
    batch = told_batch(controller=controller, now=now)
    by_id = {device.id: device for device in batch.controllers[0].devices}
    codes = Device.objects.filter(pk__in=by_id).values_list("code", "pk")
    intake = _Intake(batch, {code: by_id[pk] for code, pk in codes}, now)
    results: list[dict[str, str]] = []
    taken: dict[int, telling.Told] = {}
    for position, item in enumerate(pushed.items):
        try:
            taken[position] = intake.take(item)
            results.append({})
        except ItemRefused as refusal:
            results.append({"result": "refused", **{name: str(value) for name, value in refusal.facts.items()}})
    new = telling.record_told(batch=batch, told=list(taken.values()), now=now)
    telling.evaluate_later(devices={device.id for device, _answer in taken.values()}, now=now)
    for position, is_new in zip(taken, new, strict=True):
        results[position] = {"result": "stored" if is_new else "known"}
    return results


@transaction.atomic
def drop_expired(*, now: dt.datetime) -> int:
    """Return how many receipts were deleted; they are kept as long as the frames that they tell of."""
    oldest_at = partitions.oldest_kept_at(now=now)
    if oldest_at is None:
        return 0
    count, _by_model = PushReceipt.objects.filter(received_at__lt=oldest_at).delete()
    return count
