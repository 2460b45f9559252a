"""News that the inventory sends."""

from django.dispatch import Signal

import_queued = Signal()
"""A file waits to be tried or stored; sent with ``batch_id`` once that is committed."""

profile_proposed = Signal()
"""A version of a profile is about to be written; sent inside the transaction with ``protocol``, ``options`` and
``points`` (each with slot, key, name, quantity, unit, address). Only the floor that reads devices knows whether it
could read these: its receiver plans them, and a Refusal that it raises travels up and keeps the profile from being
written, wherever it came from."""

meter_swap_reviewed = Signal()
"""An exchange is about to be confirmed; sent with ``placement`` (that ends), ``facts`` (what was entered) and ``now``.
Receivers return remarks (`hosting.domain.exchanging.Remark`): only the floor that reads meters knows what they told."""

meter_swapped = Signal()
"""A meter was exchanged; sent inside the transaction with ``ended``, ``fitted`` (placements), ``by`` and ``now``. Who
can say what passed while nobody measured adds it here."""
