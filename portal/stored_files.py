"""The files beside the database: each belongs to a row, and each row has its file.

A process that is killed between writing a file and committing its row leaves a file that nothing names; a restored
database may name files that were not restored with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from django.core.files.storage import default_storage

from compliance.models import AuditPack, Document
from hosting.models import MeterPhoto

# The folders of the storage, and the rows that name what lies in them.
FOLDERS: Final[tuple[tuple[str, Any], ...]] = (
    ("meter-photos", MeterPhoto),
    ("documents", Document),
    ("packs", AuditPack),
)
# What is being written now has no committed row yet.
SETTLED_AFTER: Final = dt.timedelta(days=1)


def orphans(*, now: dt.datetime) -> Iterator[str]:
    """The names of files older than a day that no row names."""
    for folder, model in FOLDERS:
        named = set(model.objects.values_list("storage_name", flat=True))
        for name in _files_in(folder):
            if name not in named and default_storage.get_modified_time(name) < now - SETTLED_AFTER:
                yield name


def missing() -> Iterator[str]:
    """The names of files that a row names and the storage does not have."""
    for folder, model in FOLDERS:
        present = set(_files_in(folder))
        for name in model.objects.exclude(storage_name="").values_list("storage_name", flat=True).iterator(1000):
            if name not in present:
                yield name


def _files_in(folder: str) -> Iterator[str]:
    if not default_storage.exists(folder):
        return
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}/{name}" for name in sorted(files))
    for name in sorted(folders):
        yield from _files_in(f"{folder}/{name}")
