"""The folders into which files of values are dropped: claimed, read, put away with a report beside them.

Every step can die and be repeated. A file is claimed by moving it into `working`; its receipt is written with its
rows, under the name of the claim; then its report is written, and the file moved. Whoever comes next finds in
`working` what was left there, and by its receipt whether its rows are stored.

Whoever can drop files may be anyone: folders and files are opened by their own names only, never through a link.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from hosting.models import Controller
from hosting.models.field import Protocol
from thermal.domain import dropping as domain
from thermal.models import DropReceipt
from thermal.services import dropping

log = logging.getLogger(__name__)

WORKING: Final = "working"
DONE: Final = "done"
FAILED: Final = "failed"
QUIET_S: Final = 5.0
"""For so long a file must not have changed; whoever still writes changes it more often."""
MOST_FILES: Final = 50
"""Of one controller in one look, so that the others are not kept waiting."""
UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Folder:
    """The open folders of one controller."""

    top: int
    working: int
    done: int
    failed: int


def folder_of(controller: Controller) -> Path:
    """Return where files for the controller are dropped."""
    return Path(settings.THERMAL_DROP_DIR) / controller.code


def watch_folders(*, now: dt.datetime) -> int:
    """Return how many files were read and put away."""
    rows = Controller.objects.filter(protocol=Protocol.CSV_DROP, enabled=True).order_by("code")
    count = 0
    for controller in rows:
        try:
            count += watch_folder(controller=controller, now=now)
        except OSError as error:
            # The folders of the others can be read all the same.
            log.error("The drop folder of %s cannot be used: %s", controller.code, error)  # noqa: TRY400
    return count


def watch_folder(*, controller: Controller, now: dt.datetime) -> int:
    """Return how many files of one controller were read and put away; also those that a dead worker left."""
    count = 0
    with _opened(folder_of(controller)) as folder:
        for position, name in enumerate(_quiet_files(folder.top, now)[:MOST_FILES]):
            claim = f"{now:%Y%m%dT%H%M%SZ}-{position:02d}{secrets.token_hex(4)}-{domain.safe_name(name)}"
            with suppress(FileNotFoundError):  # another worker was faster
                os.rename(name, claim, src_dir_fd=folder.top, dst_dir_fd=folder.working)
        for claim in sorted(_regular_files(folder.working)):
            receipt = _receipt(controller, folder, claim, now)
            if receipt is None:
                return count
            _put_away(folder, claim, receipt)
            count += 1
    return count


@contextmanager
def _opened(path: Path) -> Iterator[Folder]:
    """Open the folders of a controller, which are made if need be and must not be links."""
    path.mkdir(mode=0o770, parents=True, exist_ok=True)
    with ExitStack() as stack:
        top = os.open(path, _FOLDER)
        stack.callback(os.close, top)
        inner = []
        for name in (WORKING, DONE, FAILED):
            with suppress(FileExistsError):
                os.mkdir(name, 0o750, dir_fd=top)
            inner.append(os.open(name, _FOLDER, dir_fd=top))
            stack.callback(os.close, inner[-1])
        yield Folder(top, *inner)


def _regular_files(folder: int) -> list[str]:
    """Return the names of the plain files in a folder; links, pipes and hidden files are left alone."""
    with os.scandir(folder) as entries:
        return [one.name for one in entries if one.is_file(follow_symlinks=False) and not one.name.startswith(".")]


def _quiet_files(folder: int, now: dt.datetime) -> list[str]:
    """Return the files that nobody writes to any more, the oldest first."""
    found: list[tuple[float, str]] = []
    for name in _regular_files(folder):
        with suppress(FileNotFoundError):
            changed_at = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
            # A clock ahead of ours leaves times in the future, which do not change either.
            if abs(now.timestamp() - changed_at) >= QUIET_S and not name.lower().endswith(UNFINISHED):
                found.append((changed_at, name))
    return [name for _changed_at, name in sorted(found)]


@transaction.atomic
def _receipt(controller: Controller, folder: Folder, claim: str, now: dt.datetime) -> DropReceipt | None:
    """Return the receipt of a claimed file, read now unless it was before; None while another worker is at it."""
    rows = Controller.objects.select_for_update(skip_locked=True, no_key=True)
    if rows.filter(pk=controller.pk).first() is None:
        return None
    earlier = DropReceipt.objects.filter(controller=controller, claim_name=claim).first()
    if earlier is not None:
        return earlier
    file_name = claim.split("-", 2)[-1]
    content = _content(folder.working, claim)
    return dropping.receive_file(controller=controller, claim_name=claim, file_name=file_name, content=content, now=now)


def _content(folder: int, name: str) -> bytes | None:
    """Return the bytes of a plain file; None if there are more than allowed."""
    most_bytes = settings.THERMAL_DROP_MOST_BYTES
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        content = file.read(most_bytes + 1)
    return content if len(content) <= most_bytes else None


def _put_away(folder: Folder, claim: str, receipt: DropReceipt) -> None:
    """Write the report and move the file beside it; both may have been done before."""
    target = folder.done if receipt.is_good else folder.failed
    report = f"{claim}.report.txt"
    unfinished = f".{report}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(unfinished, flags, 0o640, dir_fd=target), "w") as file:
        file.write(report_of(receipt))
    os.rename(unfinished, report, src_dir_fd=target, dst_dir_fd=target)
    with suppress(FileNotFoundError):  # another worker was faster
        os.rename(claim, claim, src_dir_fd=folder.working, dst_dir_fd=target)


def report_of(receipt: DropReceipt) -> str:
    """Return what became of a file, line by line."""
    lines = [
        f"file: {receipt.file_name}",
        f"read: {receipt.handled_at:%Y-%m-%d %H:%M:%S} UTC",
        f"rows: {receipt.row_count}",
        f"stored: {receipt.stored_count}",
        f"known already: {receipt.known_count}",
        f"refused: {receipt.refused_count}",
    ]
    if receipt.refusal:
        lines.append(f"The file was not read: {receipt.refusal}")
    lines += receipt.problems
    if receipt.refused_count > len(receipt.problems):
        lines.append(f"... and {receipt.refused_count - len(receipt.problems)} more.")
    return "\n".join(lines) + "\n"
