"""Files that come into a drop folder: their rows, judged like what a poll brings.

A file is read in one transaction with its receipt. What is in it already is passed over, so a corrected file can
simply be dropped again.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from hosting.models import Controller
from kernel import csvfiles
from kernel.csvfiles import Row
from kernel.errors import Refusal
from thermal.domain import clocks, dropping
from thermal.domain.dropping import FileLayout
from thermal.domain.readings import Answer
from thermal.models import DropReceipt, MeterReading
from thermal.services import partitions, telling
from thermal.services.polling import moments
from thermal.services.polling.claiming import DueDevice, PlannedProfile, told_batch

CHUNK_ROWS: Final = 2000
MOST_PROBLEMS: Final = 1000
LONGEST_REFUSAL: Final = 300
CLOCK_REFUSALS: Final = (
    dropping.TimeNotOfThisForm,
    clocks.TimeIsNotIso,
    clocks.TimeHasNoOffset,
    clocks.TimeDoesNotExist,
    clocks.TimeIsAmbiguous,
)


class NobodyReadsFile(Refusal):
    """A file for which no profile was made."""

    sentence = "No device of this controller reads files named like this one."


class SeveralReadFile(Refusal):
    """A file for which there are two ways to read it."""

    sentence = "Several profiles of this controller read files named like this one: %(profiles)s."


class FileTooLarge(Refusal):
    """A file that nobody reads line by line any more."""

    sentence = "The file has more than %(most)s bytes."


class ProfileUnreadable(Refusal):
    """A profile that cannot be used."""

    sentence = "%(problem)s"


class DeviceUnclear(Refusal):
    """A file that does not say of which device it tells."""

    sentence = "The file name holds the unit of none, or of several, of the devices: %(units)s."


class RowRefused(Refusal):
    """A row of which nothing is stored."""

    sentence = "Line %(line)s: %(problem)s"


@dataclass(slots=True)
class DropReport:
    """What came of a file."""

    row_count: int = 0
    stored_count: int = 0
    known_count: int = 0
    refused_count: int = 0
    refusal: str = ""
    problems: list[str] = field(default_factory=list)

    def refuse(self, problem: str) -> None:
        """Count a row that was not taken, and note why."""
        self.refused_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


@transaction.atomic
def receive_file(
    *, controller: Controller, claim_name: str, file_name: str, content: bytes | None, now: dt.datetime
) -> DropReceipt:
    """Return the receipt of a file, whose rows are stored now; None for content is a file larger than allowed."""
    report = DropReport()
    try:
        if content is None:
            raise FileTooLarge(most=settings.THERMAL_DROP_MOST_BYTES)
        with transaction.atomic():
            _read(controller, file_name, content, report, now)
    except Refusal as refusal:
        report = DropReport(refusal=refusal.detail[:LONGEST_REFUSAL])
    return DropReceipt.objects.create(
        controller=controller,
        claim_name=claim_name,
        file_name=file_name,
        handled_at=now,
        row_count=report.row_count,
        stored_count=report.stored_count,
        known_count=report.known_count,
        refused_count=report.refused_count,
        refusal=report.refusal,
        problems=report.problems,
    )


def _read(controller: Controller, file_name: str, content: bytes, report: DropReport, now: dt.datetime) -> None:
    """Store the rows of the file, a chunk at a time."""
    batch = told_batch(controller=controller, now=now)
    profile, layout = _profile_for(file_name, batch.profiles.values())
    devices = [device for device in batch.controllers[0].devices if device.profile_id == profile.id]
    table = csvfiles.open_table(content, delimiter=layout.delimiter)
    columns = [point.address["column"] for point in profile.plan.points]
    table.require(layout.time_column, *([layout.unit_column] if layout.unit_column else []))
    if not set(columns) & set(table.columns):
        table.require(columns[0])
    reader = _Reader(profile, layout, _units(devices, layout, file_name), now)
    rows = table.each()
    while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
        told = list(reader.answers(chunk, report))
        new = telling.record_told(batch=batch, told=told, now=now, source=MeterReading.Source.IMPORT)
        report.stored_count += sum(new)
        report.known_count += len(new) - sum(new)
    telling.evaluate_later(devices={device.id for device in devices}, now=now)


def _profile_for(file_name: str, profiles: Iterable[PlannedProfile]) -> tuple[PlannedProfile, FileLayout]:
    """Return the one profile that reads files of this name, and how."""
    found: list[tuple[PlannedProfile, FileLayout]] = []
    for profile in profiles:
        if profile.problem:
            raise ProfileUnreadable(problem=profile.problem)
        layout = dropping.layout_of(profile.options)
        if layout.reads(file_name):
            found.append((profile, layout))
    if not found:
        raise NobodyReadsFile
    if len(found) > 1:
        raise SeveralReadFile(profiles=", ".join(layout.file_pattern for _profile, layout in found))
    return found[0]


def _units(devices: list[DueDevice], layout: FileLayout, file_name: str) -> dict[str, DueDevice]:
    """Return the devices by what a row says of its unit; by nothing, where the whole file is of one device."""
    if layout.unit_column:
        return {device.unit_address: device for device in devices}
    named = devices if len(devices) == 1 else [one for one in devices if one.unit_address in file_name]
    if len(named) != 1:
        raise DeviceUnclear(units=", ".join(device.unit_address for device in devices))
    return {"": named[0]}


@dataclass(slots=True)
class _Reader:
    """Turns rows of a file into answers of devices."""

    profile: PlannedProfile
    layout: FileLayout
    units: dict[str, DueDevice]
    now: dt.datetime
    seen: dict[tuple[int, dt.datetime], tuple[float | None, ...]] = field(default_factory=dict)

    def answers(self, rows: Iterable[Row | csvfiles.RowIsMalformed], report: DropReport) -> Iterator[telling.Told]:
        """Yield what the rows tell; those that tell nothing, or the same again, are counted in the report."""
        for row in rows:
            report.row_count += 1
            try:
                if isinstance(row, Refusal):
                    raise row
                device, answer = self._answer(row)
                if self._is_repeated(row, device, answer):
                    report.known_count += 1
                    continue
            except Refusal as refusal:
                report.refuse(refusal.detail)
                continue
            yield device, answer

    def _answer(self, row: Row) -> telling.Told:
        unit = row.text(self.layout.unit_column) if self.layout.unit_column else ""
        device = self.units.get(unit)
        if device is None:
            raise row.wrong(self.layout.unit_column, f"“{unit}” is the unit of no device.")
        answer: Answer = self.profile.plan.answer()
        try:
            answer.at = self.layout.instant(row.required(self.layout.time_column), ZoneInfo(device.time_zone))
        except CLOCK_REFUSALS as refusal:
            raise row.wrong(self.layout.time_column, refusal.detail) from None
        problem = moments.untimely(answer.at, now=self.now)
        if problem:
            raise row.wrong(self.layout.time_column, problem)
        for point in self.profile.plan.points:
            column = point.address["column"]
            try:
                point.put(answer, self.layout.number(row.text(column)))
            except Refusal as refusal:
                raise row.wrong(column, refusal.detail) from None
        answer.distrust(self.profile.plan.distrust)
        if not answer.told:
            raise RowRefused(line=row.line, problem="the row has a time and no value.")
        return device, answer

    def _is_repeated(self, row: Row, device: DueDevice, answer: Answer) -> bool:
        """Return whether the file has told this before; another value for one instant is refused."""
        key = (device.id, answer.at or self.now)
        values = tuple(answer.values)
        if self.seen.setdefault(key, values) is values:
            return False
        if self.seen[key] != values:
            raise RowRefused(line=row.line, problem="for this instant the file has other values further up.")
        return True


@transaction.atomic
def drop_expired(*, now: dt.datetime) -> int:
    """Return how many receipts were deleted; they are kept as long as the frames that they tell of."""
    oldest_at = partitions.oldest_kept_at(now=now)
    if oldest_at is None:
        return 0
    count, _by_model = DropReceipt.objects.filter(handled_at__lt=oldest_at).delete()
    return count
