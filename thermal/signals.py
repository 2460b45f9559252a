"""News of thermal for the floors above; sent after the transaction has committed."""

from django.dispatch import Signal

# alarm: the Alarm that now asks for attention, or that asks again.
alarm_raised = Signal()
# alarm: the Alarm whose condition is gone.
alarm_returned = Signal()
# delivery_point, months (the first day of each), user: receivers answer with the issued bills of these months that the
# person may see, as thermal.domain.bills.TouchedBill.
bills_asked = Signal()
# stretches: (site id, first, last) of which rows of the ledger changed; now. Sent inside the transaction that settles,
# so that what the receivers write down of it is kept or lost with the ledger.
ledger_changed = Signal()
