"""Water samples: recorded, judged by the limits of their day, followed up when out of limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from compliance.domain import water
from compliance.models import Subject, Task, WaterCircuit, WaterLimit, WaterResult, WaterSample
from compliance.models.water import Parameter, Verdict
from compliance.queries import limits
from compliance.services import duties, evidence
from kernel.errors import Refusal

RESAMPLE_WITHIN: Final = timedelta(days=14)


class SampleIsRecorded(Refusal):
    """One circuit gives one sample at one time."""


class SampleIsAhead(Refusal):
    """Water is not sampled tomorrow."""


class SampleHasNoResult(Refusal):
    """A sample without a figure says nothing."""


class LimitIsInUse(Refusal):
    """A limit that judged a result stays as it was."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One value as the laboratory printed it, in the unit of its parameter."""

    parameter: str
    value: Decimal
    sign: str = ""


@transaction.atomic
def record_sample(
    *,
    circuit: WaterCircuit,
    taken_at: datetime,
    figures: Iterable[Figure],
    by: User,
    now: datetime,
    taken_by: str = "",
    laboratory: str = "",
    report_number: str = "",
    note: str = "",
    uploads: Iterable[File[bytes]] = (),
    task: Task | None = None,
) -> WaterSample:
    """The stored sample with its verdict; out of limit opens a corrective task, and a sampling task is done."""
    figures = list(figures)
    _check_sample(taken_at, figures, now)
    sample = WaterSample(
        circuit=circuit,
        taken_at=taken_at,
        taken_by=taken_by,
        laboratory=laboratory,
        report_number=report_number,
        note=note,
        recorded_at=now,
        recorded_by=by,
    )
    results = _judged(sample, figures)
    sample.verdict = str(water.worst([water.Verdict(result.verdict) for result in results]))
    _store(sample, results)
    for upload in uploads:
        evidence.store_document(
            site=circuit.site, record=sample, upload=upload, title="", evidence_on=sample.taken_on, by=by, now=now
        )
    if sample.verdict == Verdict.OUT:
        open_corrective_task(sample=sample, now=now)
    if task is not None:
        _close_sampling(task, sample, by, now)
    return sample


def _check_sample(taken_at: datetime, figures: list[Figure], now: datetime) -> None:
    if taken_at > now:
        raise SampleIsAhead(_("The time of the sample has not come yet."))
    if not figures:
        raise SampleHasNoResult(_("Enter at least one result."))


def _judged(sample: WaterSample, figures: list[Figure]) -> list[WaterResult]:
    """A result for each figure, with a copy of the limit that held on the day of the sample."""
    holding = limits.holding(
        treatment=sample.circuit.treatment, country=sample.circuit.site.country, on=sample.taken_on
    )
    return [_result(sample, figure, holding.get(figure.parameter)) for figure in figures]


def _result(sample: WaterSample, figure: Figure, limit: WaterLimit | None) -> WaterResult:
    verdict = water.judge(figure.value, limit.limits if limit else None, water.Sign(figure.sign))
    return WaterResult(
        sample=sample,
        parameter=figure.parameter,
        sign=figure.sign,
        value=figure.value,
        limit=limit,
        lowest_value=limit.lowest_value if limit else None,
        highest_value=limit.highest_value if limit else None,
        verdict=str(verdict),
    )


def _store(sample: WaterSample, results: list[WaterResult]) -> None:
    try:
        with transaction.atomic():
            sample.save()
    except IntegrityError as error:
        if "water_sample_once" not in str(error):
            raise
        raise SampleIsRecorded(_("A sample of this circuit at this time is already recorded.")) from error
    WaterResult.objects.bulk_create(results)


@transaction.atomic
def open_corrective_task(*, sample: WaterSample, now: datetime) -> Task:
    """The one task that follows a sample out of limit: find the cause, treat, sample again within 14 days."""
    wrong = [Parameter(r.parameter).label for r in sample.results.filter(verdict=Verdict.OUT)]
    task, _created = Task.objects.get_or_create(
        sample=sample,
        origin=Task.Origin.WATER,
        defaults={
            "site_id": sample.circuit.site_id,
            "subject": Subject.WATER,
            "circuit_id": sample.circuit_id,
            "title": gettext("Correct the water of %(circuit)s and sample again") % {"circuit": sample.circuit},
            "instructions": gettext("Out of limit: %(parameters)s.") % {"parameters": "; ".join(map(str, wrong))},
            "due_on": _resample_by(sample, now),
            "created_at": now,
        },
    )
    return task


def _resample_by(sample: WaterSample, now: datetime) -> date:
    """The day by which the resample is due: counted from the report, because the laboratory takes its time."""
    return now.astimezone(sample.zone).date() + RESAMPLE_WITHIN


def _close_sampling(task: Task, sample: WaterSample, by: User, now: datetime) -> None:
    outcome = Task.Outcome.FAILED if sample.verdict == Verdict.OUT else Task.Outcome.PASSED
    documents = sample.documents.exists()
    if task.needs_document and not documents:
        raise duties.EvidenceIsMissing(_("This task is done only with a document: attach the laboratory's report."))
    note = gettext("Sample of %(day)s recorded: %(verdict)s.") % {
        "day": sample.taken_on,
        "verdict": Verdict(sample.verdict).label,
    }
    duties.close_as_done(task=task, outcome=outcome, done_on=sample.taken_on, note=note, by=by, now=now)


@transaction.atomic
def save_limit(*, limit: WaterLimit, by: User, now: datetime) -> WaterLimit:
    """The stored limit; one that judged a result may only be ended or marked as verified."""
    if limit.pk and limit.results.exists():
        before = WaterLimit.objects.get(pk=limit.pk)
        frozen = ("jurisdiction", "treatment", "parameter", "lowest_value", "highest_value", "valid_from")
        if any(getattr(before, name) != getattr(limit, name) for name in frozen):
            raise LimitIsInUse(_("Results were judged by this limit. End it and add a new one."))
    limit.save()
    return limit
