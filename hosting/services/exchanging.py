"""The exchange of a meter, step by step: nothing is a fact until it is confirmed as a whole."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import User
from hosting import signals
from hosting.domain import exchanging
from hosting.domain.exchanging import LARGEST_PHOTO_BYTES, Remark
from hosting.models import Meter, MeterPhoto, MeterPlacement, MeterSwap
from hosting.services import metering
from hosting.services.metering import Registers
from kernel.errors import Refusal

METER_FIELDS: Final = (
    "serial", "manufacturer", "model_name", "accuracy_class", "qp_m3h", "min_difference_k", "sensor_side",
    "register_digits", "register_step", "max_kw", "seal_number", "verified_until_on",
)  # fmt: skip


class StepIsMissing(Refusal):
    """Something that the exchange needs was not entered."""

    sentence = "Enter all steps first; this one is missing: %(step)s."


class PhotoIsTooLarge(Refusal):
    """A photo above the limit."""

    sentence = "The photo is larger than %(limit)s MB."


class PhotoIsNoPicture(Refusal):
    """The content must be a picture, whatever the name says."""

    sentence = "Only JPEG and PNG pictures are kept; this file is neither."


class NewMeterIsNotNew(Refusal):
    """A meter cannot follow itself."""

    sentence = "The new meter is the one that is taken away."


class ExchangedInTheFuture(Refusal):
    """An exchange is recorded after it was done."""

    sentence = "The new meter cannot have been fitted in the future."


@transaction.atomic
def keep_step(
    *,
    placement: MeterPlacement,
    step: str,
    entered: Mapping[str, Any],
    photo: File[bytes] | None = None,
    by: User,
    now: dt.datetime,
) -> MeterSwap:
    """The exchange with what one step says about it, and the photo of its meter.

    Raises
    ------
    metering.PlacementHasEnded, PhotoIsTooLarge, PhotoIsNoPicture
    """
    swap = _draft(placement, by, now)
    swap.entered = {**swap.entered, step: dict(entered)}
    swap.save()
    if photo is not None:
        _keep_photo(swap, MeterPhoto.Moment(step), photo, by, now)
    return swap


def remarks_on(swap: MeterSwap, now: dt.datetime) -> list[Remark]:
    """What others say about the exchange before it is confirmed: how plausible it is, what becomes of the gap."""
    told = signals.meter_swap_reviewed.send(
        sender=MeterSwap, placement=swap.placement, facts=exchanging.facts_of(swap.entered), now=now
    )
    # The stubs of Django believe that receivers answer with text.
    answers: list[Any] = [answer for _receiver, answer in told]
    return [remark for answer in answers for remark in answer or ()]


@transaction.atomic
def confirm(*, swap: MeterSwap, by: User, now: dt.datetime) -> MeterSwap:
    """The exchange, done: the old meter's stay has ended, the new meter stands there, the gap is dealt with.

    Raises
    ------
    StepIsMissing, NewMeterIsNotNew, ExchangedInTheFuture, metering.PlacementHasEnded, metering.SwapBeforeStart,
    metering.RegisterWentBack, metering.PlaceIsTaken
    """
    swap = MeterSwap.objects.select_for_update().get(pk=swap.pk)
    if swap.confirmed_at is not None:
        raise metering.PlacementHasEnded(meter=swap.placement.meter)
    if missing := exchanging.missing_step(swap.entered):
        raise StepIsMissing(step=missing)
    facts = exchanging.facts_of(swap.entered)
    if facts.fitted_at > now:
        raise ExchangedInTheFuture
    swap.fitted = metering.swap_meter(
        placement=swap.placement,
        successor=_successor(swap),
        removed_at=facts.removed_at,
        fitted_at=facts.fitted_at,
        final=Registers(facts.final_register, facts.final_volume_m3),
        first=Registers(facts.first_register, facts.first_volume_m3),
        reason=facts.reason,
        by=by,
        now=now,
    )
    swap.confirmed_by, swap.confirmed_at = by, now
    swap.save()
    return swap


def _draft(placement: MeterPlacement, by: User, now: dt.datetime) -> MeterSwap:
    """The exchange that somebody has begun, or a new one."""
    stored = MeterPlacement.objects.select_for_update().select_related(None).get(pk=placement.pk)
    if stored.valid_until is not None:
        raise metering.PlacementHasEnded(meter=placement.meter)
    swap, _is_new = MeterSwap.objects.get_or_create(placement=placement, defaults={"started_by": by, "started_at": now})
    return swap


def _successor(swap: MeterSwap) -> Meter:
    """The new meter: one that is on record, or the one that was entered."""
    entered = swap.entered["new"]
    if entered.get("successor"):
        meter = Meter.objects.get(pk=entered["successor"])
        if meter.pk == swap.placement.meter_id:
            raise NewMeterIsNotNew
        return meter
    known = {name: entered[name] for name in METER_FIELDS if name in entered}
    meter = Meter(kind=swap.placement.meter.kind, **known)
    metering.check(meter)
    meter.save()
    return Meter.objects.get(pk=meter.pk)


def _keep_photo(swap: MeterSwap, moment: MeterPhoto.Moment, photo: File[bytes], by: User, now: dt.datetime) -> None:
    """Store the picture under its fingerprint, once its content turned out to be one."""
    if photo.size > LARGEST_PHOTO_BYTES:
        raise PhotoIsTooLarge(limit=LARGEST_PHOTO_BYTES // 1024 // 1024)
    content = photo.read()
    media_type = exchanging.media_type_of(content[:16])
    if not media_type:
        raise PhotoIsNoPicture
    digest = hashlib.sha256(content).hexdigest()
    name = f"meter-photos/{digest[:2]}/{digest}"
    photo.seek(0)
    if not default_storage.exists(name):
        default_storage.save(name, photo)
    MeterPhoto.objects.create(
        swap=swap, moment=moment, storage_name=name, media_type=media_type, size_bytes=len(content), sha256=digest,
        uploaded_by=by, uploaded_at=now,
    )  # fmt: skip
