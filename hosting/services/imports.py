"""Bringing a CSV file in: tried first, stored when a person has read the report."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import jobs
from hosting import exchange, signals
from hosting.models import ImportBatch
from hosting.services import csv_import
from kernel.errors import Refusal

MAX_BYTES: Final = 20 * 1024 * 1024
SHOWN_LINES: Final = 500


class FileIsTooLarge(Refusal):
    """The file is longer than a worker should hold in memory."""

    sentence = "The file has %(size)s MB; the limit is %(limit)s MB. Split it."


class ImportIsNotReady(Refusal):
    """Only a checked file can be stored."""

    sentence = "This file is %(state)s; only a checked one can be stored."


class NothingToStore(Refusal):
    """No line of the file may be stored."""

    sentence = "Some lines were refused. Mend the file, or choose to store the sound lines only."


@transaction.atomic
def check_file(
    *, table: exchange.TableFormat, file_name: str, content: bytes, by: User, now: dt.datetime
) -> ImportBatch:
    """The file, queued to be tried against its table; nothing is stored yet."""
    if len(content) > MAX_BYTES:
        raise FileIsTooLarge(size=len(content) // 1024**2, limit=MAX_BYTES // 1024**2)
    job = jobs.queue(kind="csv_import", title=_("Check %(file)s") % {"file": file_name}, by=by, now=now)
    batch = ImportBatch.objects.create(
        table_name=table.name, file_name=file_name[:200], content=content, asked_by=by, asked_at=now, job=job
    )
    transaction.on_commit(lambda: signals.import_queued.send(ImportBatch, batch_id=batch.pk))
    return batch


@transaction.atomic
def store_file(*, batch: ImportBatch, sound_rows_only: bool, by: User, now: dt.datetime) -> ImportBatch:
    """The checked file, queued to be stored."""
    stored = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if stored.state != ImportBatch.State.CHECKED:
        raise ImportIsNotReady(state=stored.get_state_display())
    if stored.report["refused"] and not sound_rows_only:
        raise NothingToStore
    stored.state = ImportBatch.State.STORING
    stored.sound_rows_only = sound_rows_only
    stored.job = jobs.queue(kind="csv_import", title=_("Import %(file)s") % {"file": stored.file_name}, by=by, now=now)
    stored.save()
    transaction.on_commit(lambda: signals.import_queued.send(ImportBatch, batch_id=stored.pk))
    return stored


def run(*, batch_id: int, progress: Callable[[int], None], now: dt.datetime) -> None:
    """Try or store the file, whichever it waits for; doing so again changes nothing more."""
    batch = ImportBatch.objects.select_related("asked_by").get(pk=batch_id)
    if batch.state not in {ImportBatch.State.CHECKING, ImportBatch.State.STORING}:
        return
    storing = batch.state == ImportBatch.State.STORING
    jobs.start(job_id=batch.job_id, now=now)
    with transaction.atomic():
        try:
            report = csv_import.import_table(
                table=exchange.TABLES[batch.table_name],
                content=bytes(batch.content),
                by=batch.asked_by,
                apply=storing,
                all_or_none=not batch.sound_rows_only,
                progress=progress,
            )
        except Refusal as refused:
            _refuse(batch, str(refused))
        else:
            _keep(batch, report)
        batch.save(update_fields=["state", "report", "refusal"])
        jobs.finish(job_id=batch.job_id, now=now, result_url=batch.get_absolute_url())


def _refuse(batch: ImportBatch, refusal: str) -> None:
    batch.state, batch.refusal = ImportBatch.State.REFUSED, refusal


def _keep(batch: ImportBatch, report: csv_import.Report) -> None:
    """Write the report into the batch: all counts, and the lines worth reading."""
    counts = Counter(outcome.action for outcome in report.outcomes)
    shown = [outcome for outcome in report.outcomes if outcome.action != "unchanged"]
    shown.sort(key=lambda outcome: (outcome.action != "refused", outcome.line))
    batch.report = {
        **{action: counts[action] for action in ("created", "changed", "unchanged", "refused")},
        "lines": [_line(outcome) for outcome in shown[:SHOWN_LINES]],
        "more_count": max(0, len(shown) - SHOWN_LINES),
    }
    batch.state = ImportBatch.State.STORED if report.applied else ImportBatch.State.CHECKED


def _line(outcome: csv_import.RowOutcome) -> dict[str, Any]:
    return {
        "line": outcome.line,
        "label": outcome.label,
        "action": outcome.action,
        "detail": "; ".join(outcome.problems) or ", ".join(outcome.changed),
    }
