"""What follows from the inventory's news."""

from typing import Any

from django.dispatch import receiver

from hosting import signals, tasks


@receiver(signals.import_queued)
def send_import_to_a_worker(sender: Any, *, batch_id: int, **_facts: Any) -> None:  # noqa: ARG001 -- Django's form
    """Hand the file to a worker."""
    tasks.run_import.delay(batch_id)
