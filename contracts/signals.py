"""News from contracts to the floors above."""

from django.dispatch import Signal

# Sent after commit with `report`, a FaultReport.
fault_reported = Signal()
