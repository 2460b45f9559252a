"""Audit packs: asked for, built in the background, handed over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from tempfile import TemporaryFile
from time import monotonic
from typing import IO, Final, Self
from zoneinfo import ZoneInfo

from celery import current_app
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, connections, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Job, User
from accounts.services import jobs
from compliance.models import AuditPack
from compliance.queries.scope import Scope
from compliance.services import assembly
from hosting.models import Site
from kernel.errors import Refusal
from kernel.periods import Period, local_days

JOB_KIND: Final = "compliance.pack"
BUILD_TASK: Final = "compliance.build_pack"
# A build shows a sign of life every few seconds; one that was silent for so long was killed.
SILENT_AFTER: Final = timedelta(minutes=2)
_SECONDS_BETWEEN_SIGNS: Final = 1.0
# Any number: it keeps these advisory locks apart from those of others.
_LOCK_CLASS: Final = 6_402_411


class SitesAreMissing(Refusal):
    """A pack is about at least one site that its requester may see."""


class AsOfIsAhead(Refusal):
    """Nobody knows today what will be known tomorrow."""


class PackIsBeingBuilt(Refusal):
    """Two builds of one pack at once are one too many."""


class PackIsNotReady(Refusal):
    """Only a finished file can be handed over."""


class ReaderSeesLess(Refusal):
    """A pack is handed only to those who may see each of its sites."""


@dataclass(frozen=True)
class Wanted:
    """What a pack shall hold: sites, the first and the last day, and the instant of knowledge."""

    sites: Sequence[Site]
    first_on: date
    last_on: date
    as_of: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose days count: that of the sites, or UTC where they differ."""
        zones = {site.time_zone for site in self.sites}
        return ZoneInfo(zones.pop()) if len(zones) == 1 else ZoneInfo("UTC")

    @property
    def period(self) -> Period:
        """The days as a period."""
        return local_days(self.first_on, self.last_on + timedelta(1), self.zone)

    def title(self) -> str:
        """What the pack is called unless somebody says otherwise."""
        codes = ", ".join(sorted(site.code for site in self.sites)[:3]) + (" …" if len(self.sites) > 3 else "")
        return f"{codes}: {self.first_on} – {self.last_on}"

    def scope(self, user: User | None) -> Scope:
        """The scope of the pack as the user sees it."""
        return Scope([site.pk for site in self.sites], self.period, self.as_of, self.zone, user)


@transaction.atomic
def order_pack(*, wanted: Wanted, by: User, now: datetime, title: str = "") -> AuditPack:
    """The stored pack, waiting for a worker; its task starts once this is committed."""
    _check(wanted, now, by)
    pack = AuditPack.objects.create(
        title=title or wanted.title(),
        starts_at=wanted.period.start,
        ends_at=wanted.period.end,
        as_of=wanted.as_of,
        asked_by=by,
        asked_at=now,
    )
    pack.sites.set(wanted.sites)
    return _queue(pack, by, now)


def _check(wanted: Wanted, now: datetime, user: User | None) -> None:
    if not wanted.sites:
        raise SitesAreMissing(_("Choose at least one site."))
    if user is not None:
        visible = set(
            Site.objects.visible_to(user).filter(pk__in=[s.pk for s in wanted.sites]).values_list("pk", flat=True)
        )
        if visible != {site.pk for site in wanted.sites}:
            raise SitesAreMissing(_("Choose sites that you may see."))
    if wanted.as_of > now:
        raise AsOfIsAhead(_("The as-of time has not come yet."))


@transaction.atomic
def order_again(*, pack: AuditPack, by: User, now: datetime) -> AuditPack:
    """The same pack, to be built once more; the same facts give the same bytes."""
    pack = AuditPack.objects.select_for_update(of=("self",)).get(pk=pack.pk)
    if pack.state in {AuditPack.State.QUEUED, AuditPack.State.BUILDING}:
        raise PackIsBeingBuilt(_("The pack is being built."))
    return _queue(pack, by, now)


def _queue(pack: AuditPack, by: User | None, now: datetime) -> AuditPack:
    title = gettext("Build audit pack %(title)s") % {"title": pack.title}
    pack.job = jobs.queue(kind=JOB_KIND, title=title[:200], by=by, now=now)
    pack.state, pack.error = AuditPack.State.QUEUED, ""
    pack.save(update_fields=["job", "state", "error"])
    # Robust: with the broker away the pack waits, and the schedule sends it again.
    transaction.on_commit(lambda: current_app.send_task(BUILD_TASK, args=[pack.pk]), robust=True)
    return pack


def queue_again(*, now: datetime) -> int:
    """The number of packs queued again because their worker was killed or their task got lost."""
    stuck = 0
    waiting = AuditPack.objects.filter(state__in=[AuditPack.State.QUEUED, AuditPack.State.BUILDING])
    for pack in waiting.select_related("job", "asked_by"):
        job = pack.job
        sign = None if job is None else job.heartbeat_at or job.created_at
        if job is not None and not job.is_over and sign is not None and now - sign < SILENT_AFTER:
            continue
        with transaction.atomic():
            if job is not None and not job.is_over:
                jobs.fail(job_id=job.pk, error=gettext("The worker went silent; the build was started again."), now=now)
            _queue(pack, pack.asked_by, now)
        stuck += 1
    return stuck


# ---- building ----------------------------------------------------------------------------------------


def build_pack(*, pack_id: int, now: datetime) -> None:
    """Build a waiting pack; a second worker on the same pack, or a finished pack, changes nothing."""
    with _one_builder(pack_id) as alone:
        pack = AuditPack.objects.select_related("job", "asked_by").get(pk=pack_id)
        if not alone or pack.is_finished or pack.job is None or pack.job.is_over:
            return
        scope = scope_of(pack)
        _begin(pack, scope, now)
        with TemporaryFile() as target:
            try:
                with _snapshot(), Signs(pack.job.pk) as signs:
                    made = assembly.write_pack(target, scope, pack.title, signs.report)
            except jobs.JobWasCancelled:
                _give_up(pack, gettext("Cancelled."))
            except Refusal as refusal:
                jobs.fail(job_id=pack.job.pk, error=refusal.detail, now=timezone.now())
                _give_up(pack, refusal.detail)
            else:
                _finish(pack, target, made)


def scope_of(pack: AuditPack) -> Scope:
    """The scope of a stored pack, seen by who asked for it."""
    sites = list(pack.sites.all())
    zones = {site.time_zone for site in sites}
    zone = ZoneInfo(zones.pop()) if len(zones) == 1 else ZoneInfo("UTC")
    return Scope([site.pk for site in sites], pack.period, pack.as_of, zone, pack.asked_by)


def _begin(pack: AuditPack, scope: Scope, now: datetime) -> None:
    jobs.start(job_id=_job_of(pack).pk, now=now, total_count=assembly.step_count(scope))
    AuditPack.objects.filter(pk=pack.pk).update(state=AuditPack.State.BUILDING)


def _give_up(pack: AuditPack, error: str) -> None:
    AuditPack.objects.filter(pk=pack.pk).update(state=AuditPack.State.FAILED, error=error[:300])


def _finish(pack: AuditPack, target: IO[bytes], made: assembly.Assembled) -> None:
    """Put the file in its place, then say so; killed in between, the next build finds nothing half-done."""
    digest, size_bytes = fingerprint(target)
    name = f"packs/{pack.pk}-{digest[:16]}.zip"
    if default_storage.exists(name):
        default_storage.delete(name)
    target.seek(0)
    stored = default_storage.save(name, File(target))
    now = timezone.now()
    with transaction.atomic():
        AuditPack.objects.filter(pk=pack.pk).update(
            state=AuditPack.State.READY,
            storage_name=stored,
            sha256=digest,
            size_bytes=size_bytes,
            file_count=made.file_count,
            manifest=json.loads(made.manifest),
            built_at=now,
            error="",
        )
        message = gettext("%(count)s files") % {"count": made.file_count}
        jobs.finish(job_id=_job_of(pack).pk, now=now, message=message, result_url=pack.get_absolute_url())


def _job_of(pack: AuditPack) -> Job:
    if pack.job is None:
        raise PackIsNotReady(_("The pack has no job."))
    return pack.job


def fingerprint(file: IO[bytes]) -> tuple[str, int]:
    """SHA-256 and size of a whole file."""
    digest, size_bytes = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
        size_bytes += len(chunk)
    return digest.hexdigest(), size_bytes


@contextmanager
def _snapshot() -> Iterator[None]:
    """All reads inside see the database as it was at the first of them."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


@contextmanager
def _one_builder(pack_id: int) -> Iterator[bool]:
    """Whether this session is the only one that builds the pack; the lock of a killed one is gone with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, pack_id])
        (alone,) = cursor.fetchone()
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, pack_id])


class Signs:
    """Tells how far a build is over a connection of its own: the build's own one holds a snapshot open."""

    def __init__(self, job_id: int) -> None:
        self._job_id = job_id
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signs")
        self._last: Future[None] | None = None
        self._last_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        # `connections.close_all` closes those of the thread that calls it, which is what is meant here.
        self._thread.submit(connections.close_all)
        self._thread.shutdown(wait=True)

    def report(self, done_count: int, message: str) -> None:
        """Tell at most once a second; raises what the telling met, such as that the job was cancelled."""
        if monotonic() - self._last_at < _SECONDS_BETWEEN_SIGNS:
            return
        if self._last is not None:
            self._last.result()
        self._last_at = monotonic()
        advance = partial(jobs.advance, job_id=self._job_id, done_count=done_count, message=message, now=timezone.now())
        self._last = self._thread.submit(advance)


# ---- handing over ------------------------------------------------------------------------------------


@transaction.atomic
def release_pack(*, pack: AuditPack, reader: User, by: User, now: datetime) -> AuditPack:
    """The pack, which `reader` may open from now on; it holds what its requester may see, contracts included."""
    if pack.state != AuditPack.State.READY:
        raise PackIsNotReady(_("The pack is not ready yet."))
    _require_sites(pack, reader)
    pack.readers.add(reader)
    return pack


def _require_sites(pack: AuditPack, reader: User) -> None:
    if pack.sites.exclude(pk__in=Site.objects.visible_to(reader).values("pk")).exists():
        raise ReaderSeesLess(_("%(reader)s may not see all of the pack's sites.") % {"reader": reader})


def write_to(*, wanted: Wanted, target: IO[bytes], user: User | None, now: datetime) -> assembly.Assembled:
    """A pack written straight to a file, without a record of it in the portal."""
    _check(wanted, now, user)
    with _snapshot():
        return assembly.write_pack(target, wanted.scope(user), wanted.title())
