"""News that the inventory sends."""

from django.dispatch import Signal

import_queued = Signal()
"""A file waits to be tried or stored; sent with ``batch_id`` once that is committed."""

profile_proposed = Signal()
"""A version of a profile is about to be written; sent inside the transaction with ``protocol``, ``options`` and
``points`` (each with slot, key, name, quantity, unit, address). Only the floor that reads devices knows whether it
could read these: its receiver plans them, and a Refusal that it raises travels up and keeps the profile from being
written, wherever it came from."""
