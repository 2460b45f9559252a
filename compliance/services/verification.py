"""Checking a pack against its own manifest, without trusting anything in it."""

import hashlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from django.utils.translation import gettext

from compliance.domain import manifest
from compliance.domain.manifest import MANIFEST, Entry, Fault

_CHUNK_BYTES: Final = 1 << 16
# 100,000 files make a manifest of about 20 MB.
_LARGEST_MANIFEST_BYTES: Final = 1 << 26
_UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)


@dataclass(frozen=True)
class Verdict:
    """What was found: every fault in order, and how many files were compared."""

    faults: tuple[Fault, ...]
    file_count: int

    @property
    def is_good(self) -> bool:
        """Whether the pack is what its manifest says."""
        return not self.faults


def verify(file: IO[bytes]) -> Verdict:
    """The verdict on a pack: each listed file compared, missing and unlisted ones named."""
    try:
        archive = zipfile.ZipFile(file)
    except _UNREADABLE:
        return Verdict((Fault(gettext("(the file itself)"), gettext("is no ZIP archive")),), 0)
    with archive:
        try:
            entries = manifest.parse(_read_manifest(archive))
        except (manifest.ManifestIsUnreadable, KeyError, *_UNREADABLE):
            return Verdict((Fault(MANIFEST, gettext("is missing or cannot be read")),), 0)
        return Verdict((*_wrong_names(archive, entries), *_wrong_files(archive, entries)), len(entries))


def _read_manifest(archive: zipfile.ZipFile) -> bytes:
    with archive.open(MANIFEST) as file:
        text = file.read(_LARGEST_MANIFEST_BYTES + 1)
    if len(text) > _LARGEST_MANIFEST_BYTES:
        raise manifest.ManifestIsUnreadable
    return text


def _wrong_names(archive: zipfile.ZipFile, entries: list[Entry]) -> Iterator[Fault]:
    """Files that stand in the archive twice, or without being listed."""
    listed = {entry.path for entry in entries} | {MANIFEST}
    for name, count in sorted(Counter(archive.namelist()).items()):
        if count > 1:
            yield Fault(name, gettext("stands in the archive %(count)s times") % {"count": count})
        if name not in listed:
            yield Fault(name, gettext("is not listed in the manifest"))


def _wrong_files(archive: zipfile.ZipFile, entries: list[Entry]) -> Iterator[Fault]:
    """Listed files that are missing or have another content."""
    present = set(archive.namelist())
    for entry in entries:
        if entry.path not in present:
            yield Fault(entry.path, gettext("is missing"))
        elif problem := _problem_of(archive, entry):
            yield Fault(entry.path, problem)


def _problem_of(archive: zipfile.ZipFile, entry: Entry) -> str:
    """What is wrong with one file, or nothing; it is never read beyond its listed size."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with archive.open(entry.path) as file:
            while size_bytes <= entry.size_bytes and (chunk := file.read(_CHUNK_BYTES)):
                digest.update(chunk)
                size_bytes += len(chunk)
    except _UNREADABLE:
        return gettext("cannot be read: its content was damaged or changed")
    if size_bytes != entry.size_bytes:
        return gettext("has another size than listed")
    if digest.hexdigest() != entry.sha256:
        return gettext("has another content than listed")
    return ""
