"""Dated emission factors of countries: entered, changed and confirmed by people."""

import datetime as dt
from typing import Any

from django.db import transaction

from accounts.models import User
from kernel.errors import Refusal
from thermal.models import EmissionFactor


class FactorIsStated(Refusal):
    """Two factors would hold on the same days."""

    sentence = "“%(source)s” holds for some of these days already, from %(first)s on; change or end that entry first."


@transaction.atomic
def record_factor(*, factor: EmissionFactor, by: User | None, now: dt.datetime) -> EmissionFactor:
    """The factor, stored; an open one of the same country and energy that began earlier ends where it begins.

    Also stores what somebody changed about a factor on record; the change history keeps what it said before.
    """
    del by, now  # the change history keeps who and when
    rows: Any = EmissionFactor.objects.filter(country=factor.country, carrier=factor.carrier).exclude(pk=factor.pk)
    for earlier in rows.filter(valid_until=None, valid_from__lt=factor.valid_from).select_for_update():
        earlier.valid_until = factor.valid_from
        earlier.save(update_fields=["valid_until"])
    others = rows.exclude(valid_until__lte=factor.valid_from)
    if factor.valid_until is not None:
        others = others.filter(valid_from__lt=factor.valid_until)
    other = others.order_by("valid_from").first()
    if other is not None:
        raise FactorIsStated(source=other.source, first=other.valid_from.isoformat())
    factor.save()
    return factor
