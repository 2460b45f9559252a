"""What contracts does when the floors below tell that something changed, and what it answers when they ask."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver
from django.urls import reverse

from accounts.models import User
from contracts.models import Invoice
from contracts.queries import bills
from contracts.services import billed_marks
from hosting.models import DeliveryPoint, Meter
from thermal import signals
from thermal.domain.bills import TouchedBill
from thermal.models import DeviceAcceptance


@receiver(signals.bills_asked, dispatch_uid="contracts.name_touched_bills")
def name_touched_bills(
    delivery_point: DeliveryPoint, months: Sequence[dt.date], user: User, **_kwargs: Any
) -> list[TouchedBill]:
    """The issued bills of the months at the delivery point that stand, as far as the person may see them."""
    rows = Invoice.objects.visible_to(user).filter(
        contract__delivery_point=delivery_point, month_on__in=months, state=Invoice.State.ISSUED
    )
    rows = rows.filter(~bills.cancelled())
    return [
        TouchedBill(row.number or "", reverse("contracts:invoice_detail", args=[row.pk]), row.month_on, row.heat_kwh)
        for row in rows.order_by("month_on", "number")
    ]


@receiver(signals.ledger_changed, dispatch_uid="contracts.mark_billed_months")
def mark_billed_months(
    sender: Any,  # noqa: ARG001 -- Django's form
    *,
    stretches: Sequence[tuple[int, dt.datetime, dt.datetime]],
    now: dt.datetime,
    **_facts: Any,
) -> None:
    """Have the billed months looked at in which the ledger changed."""
    billed_marks.mark_stretches(stretches=stretches, now=now)


@receiver(post_save, sender=Meter, dispatch_uid="contracts.look_at_verified_meter")
def look_at_verified_meter(instance: Meter, *, created: bool, **_facts: Any) -> None:
    """Have the months looked at that were billed although something spoke against the meter."""
    if not created:
        billed_marks.mark_meter(meter=instance)


@receiver(post_save, sender=DeviceAcceptance, dispatch_uid="contracts.look_at_accepted_meter")
def look_at_accepted_meter(instance: DeviceAcceptance, **_facts: Any) -> None:
    """Have the months looked at that were billed before anybody compared the device with the display."""
    if instance.meter is not None:
        billed_marks.mark_meter(meter=instance.meter)
