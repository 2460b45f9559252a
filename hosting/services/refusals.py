"""What polling has learned that a device refuses, and how a person makes it try anew."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.models import User
from hosting.models import Device


@transaction.atomic
def forget_refusals(*, device: Device, by: User | None, now: dt.datetime) -> bool:
    """Return whether something was known; the next poll asks for every point of the profile again."""
    return bool(Device.objects.filter(pk=device.pk).exclude(refusals={}).update(refusals={}))
