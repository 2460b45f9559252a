"""What contracts answer when the floors below ask."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver
from django.urls import reverse

from accounts.models import User
from contracts.models import CreditNote, Invoice
from hosting.models import DeliveryPoint
from thermal import signals
from thermal.domain.bills import TouchedBill


@receiver(signals.bills_asked, dispatch_uid="contracts.name_touched_bills")
def name_touched_bills(
    delivery_point: DeliveryPoint, months: Sequence[dt.date], user: User, **_kwargs: Any
) -> list[TouchedBill]:
    """The issued bills of the months at the delivery point that stand, as far as the person may see them."""
    rows = Invoice.objects.visible_to(user).filter(
        contract__delivery_point=delivery_point, month_on__in=months, state=Invoice.State.ISSUED
    )
    rows = rows.exclude(credit_notes__is_whole=True, credit_notes__state=CreditNote.State.ISSUED)
    return [
        TouchedBill(row.number or "", reverse("contracts:invoice_detail", args=[row.pk]), row.month_on, row.heat_kwh)
        for row in rows.order_by("month_on", "number")
    ]
