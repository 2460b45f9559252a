"""The exchange of a meter, step by step: nothing is a fact until it is confirmed as a whole."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import secrets
import struct
from collections.abc import Mapping
from typing import Any, Final

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image

from accounts.models import User
from hosting import signals
from hosting.domain import exchanging, pictures
from hosting.domain.exchanging import LARGEST_PHOTO_BYTES, Remark
from hosting.models import Meter, MeterPhoto, MeterPlacement, MeterSwap
from hosting.services import metering
from hosting.services.metering import Registers
from kernel.errors import Refusal

FOLDER: Final = "meter-photos"
MOST_PIXELS: Final = 80_000_000
ORIENTATION: Final = 0x0112
METER_FIELDS: Final = (
    "serial", "manufacturer", "model_name", "accuracy_class", "qp_m3h", "min_difference_k", "sensor_side",
    "register_digits", "register_step", "max_kw", "seal_number", "verified_until_on",
)  # fmt: skip


class StepIsMissing(Refusal):
    """Something that the exchange needs was not entered."""

    sentence = "Enter all steps first; this one is missing: %(step)s."


class PhotoIsTooLarge(Refusal):
    """A photo above the limit."""

    sentence = "The photo is larger than %(limit)s MB, or has more than 80 million pixels."


class PhotoIsNoPicture(Refusal):
    """The content must be a picture, whatever the name says."""

    sentence = "Only JPEG and PNG pictures are kept; this file is neither."


class PhotoIsBroken(Refusal):
    """It begins as a picture and is none, or is cut off."""

    sentence = "This file cannot be shown as a picture; it may be cut off. Take the photo again."


class NewMeterIsNotNew(Refusal):
    """A meter cannot follow itself."""

    sentence = "The new meter is the one that is taken away."


class ExchangedInTheFuture(Refusal):
    """An exchange is recorded after it was done."""

    sentence = "The new meter cannot have been fitted in the future."


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

    The file is written when all rows are, and goes again if they do: what is refused leaves nothing behind.

    Raises
    ------
    metering.PlacementHasEnded, PhotoIsTooLarge, PhotoIsNoPicture, PhotoIsBroken
    """
    picture = _picture_of(photo) if photo is not None else None
    written = ""
    try:
        with transaction.atomic():
            swap = _draft(placement, by, now)
            swap.entered = {**swap.entered, step: dict(entered)}
            swap.save()
            if picture is not None:
                written = _record_photo(swap, MeterPhoto.Moment(step), picture, by, now).storage_name
                default_storage.save(written, ContentFile(picture[0]))
    except BaseException:
        if written:
            default_storage.delete(written)
        raise
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


def _picture_of(photo: File[bytes]) -> tuple[bytes, str]:
    """The picture as it is kept, and its kind, once its content turned out to be one.

    Cameras write beside the pixels where they were, whose they are and when; the exchange knows place and time from the
    placement, and the rest is nobody's business. So all of it is cut, and the pixels stay as they came.
    """
    if photo.size > LARGEST_PHOTO_BYTES:
        raise PhotoIsTooLarge(limit=LARGEST_PHOTO_BYTES // 1024 // 1024)
    content = photo.read()
    media_type = exchanging.media_type_of(content[:16])
    if not media_type:
        raise PhotoIsNoPicture
    try:
        with Image.open(io.BytesIO(content), formats=[media_type.rpartition("/")[2]]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise PhotoIsTooLarge(limit=LARGEST_PHOTO_BYTES // 1024 // 1024)
            orientation = int(picture.getexif().get(ORIENTATION, 1))
            picture.load()
        turned = orientation if orientation in range(1, 9) else 1
        return pictures.without_metadata(content, media_type, orientation=turned), media_type
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise PhotoIsBroken from error


def _record_photo(
    swap: MeterSwap, moment: MeterPhoto.Moment, photo: tuple[bytes, str], by: User, now: dt.datetime
) -> MeterPhoto:
    """The row of a photo. Its name is ours alone: nothing of the name that it came with, and no other photo's."""
    content, media_type = photo
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{digest[:2]}/{digest}-{secrets.token_hex(4)}"
    return MeterPhoto.objects.create(
        swap=swap, moment=moment, storage_name=name, media_type=media_type, size_bytes=len(content), sha256=digest,
        uploaded_by=by, uploaded_at=now,
    )  # fmt: skip
