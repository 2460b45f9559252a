"""News that the inventory sends."""

from django.dispatch import Signal

import_queued = Signal()
"""A file waits to be tried or stored; sent with ``batch_id`` once that is committed."""
