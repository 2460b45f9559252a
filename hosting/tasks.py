"""The inventory's long work."""

from concurrent.futures import ThreadPoolExecutor

from celery import shared_task
from django.db import connection
from django.utils import timezone

from accounts.services import jobs
from hosting.models import ImportBatch
from hosting.services import imports


@shared_task(time_limit=1740)
def run_import(batch_id: int) -> None:
    """Try or store an inventory file.

    The file is stored in one transaction, which hides what it writes until it ends; a
    thread with a connection of its own tells how far it is.
    """
    job_id = ImportBatch.objects.values_list("job_id", flat=True).get(pk=batch_id)

    def tell(done_count: int) -> None:
        jobs.advance(job_id=job_id, done_count=done_count, now=timezone.now())

    with ThreadPoolExecutor(max_workers=1) as teller:
        try:
            imports.run(batch_id=batch_id, progress=lambda done: teller.submit(tell, done).result(), now=timezone.now())
        finally:
            teller.submit(_hang_up).result()


def _hang_up() -> None:
    """Close the connection of the thread that calls this."""
    connection.close()
