"""Files that people bring as proof: checked, hashed, kept as they came, never run."""

from __future__ import annotations

import hashlib
import re
import zipfile
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Final

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from compliance.models import Document
from compliance.models.documents import RECORDS
from hosting.models import Site
from kernel.errors import Refusal

LARGEST_BYTES: Final = 25 * 1024 * 1024
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
# What may come in, and how its content begins; text has no beginning of its own.
MEDIA_TYPES: Final = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".csv": ("text/csv", b""),
    ".txt": ("text/plain", b""),
    ".docx": (f"{_OFFICE}.wordprocessingml.document", b"PK\x03\x04"),
    ".xlsx": (f"{_OFFICE}.spreadsheetml.sheet", b"PK\x03\x04"),
}


class FileIsTooLarge(Refusal):
    """Files above the limit belong elsewhere."""


class FileIsEmpty(Refusal):
    """A file without content proves nothing."""


class TypeIsNotAccepted(Refusal):
    """Only kinds of files that people read are kept."""


class ContentIsNotItsType(Refusal):
    """The content must be what the name says."""


class EvidenceIsAhead(Refusal):
    """Evidence speaks of a day that has come."""


class VersionIsReplaced(Refusal):
    """Only the newest version of a document can be replaced."""


@transaction.atomic
def store_document(
    *,
    site: Site,
    upload: File[bytes],
    title: str,
    evidence_on: date,
    by: User,
    now: datetime,
    record: models.Model | None = None,
    replaces: Document | None = None,
) -> Document:
    """The stored document: version 1, or the next version of the one it replaces."""
    name = plain_name(upload.name or "")
    media_type, beginning = _accepted(name, upload)
    if evidence_on > now.date():
        raise EvidenceIsAhead(_("The evidence date %(day)s has not come yet.") % {"day": evidence_on})
    digest, size_bytes = _fingerprint(upload, beginning)
    document = Document(
        site=site,
        title=title or PurePosixPath(name).stem,
        evidence_on=evidence_on,
        file_name=name,
        storage_name=f"documents/{digest[:2]}/{digest}",
        media_type=media_type,
        size_bytes=size_bytes,
        sha256=digest,
        uploaded_at=now,
        uploaded_by=by,
    )
    _attach(document, record, replaces)
    document.save()
    # Last, so that what the database refuses leaves no file behind.
    _keep(document, upload)
    return document


def plain_name(name: str) -> str:
    """The file's own name without a path or anything that a shell, browser or ZIP could trip over.

    >>> plain_name("..\\\\..\\\\Prüf bericht/..;rm.pdf")
    'rm.pdf'
    """
    last = re.split(r"[\\/]", name)[-1]
    kept = re.sub(r"[^\w.\- ()]+", "_", last).strip(" ._")
    return kept[-160:] or "document"


def _accepted(name: str, upload: File[bytes]) -> tuple[str, bytes]:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in MEDIA_TYPES:
        accepted = ", ".join(sorted(MEDIA_TYPES))
        raise TypeIsNotAccepted(_("Files of this type are not kept. Accepted: %(types)s.") % {"types": accepted})
    if upload.size == 0:
        raise FileIsEmpty(_("The file is empty."))
    if upload.size > LARGEST_BYTES:
        limit = LARGEST_BYTES // 1024 // 1024
        raise FileIsTooLarge(_("The file is larger than %(limit)s MB.") % {"limit": limit})
    return MEDIA_TYPES[suffix]


def _fingerprint(upload: File[bytes], beginning: bytes) -> tuple[str, int]:
    """SHA-256 and size, once the content turned out to be what its name says."""
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in upload.chunks():
        if size_bytes == 0 and not _begins_right(chunk, beginning):
            raise ContentIsNotItsType(_("The content of the file is not what its name says."))
        digest.update(chunk)
        size_bytes += len(chunk)
    upload.seek(0)
    if beginning.startswith(b"PK") and not zipfile.is_zipfile(upload):
        raise ContentIsNotItsType(_("The content of the file is not what its name says."))
    upload.seek(0)
    return digest.hexdigest(), size_bytes


def _begins_right(chunk: bytes, beginning: bytes) -> bool:
    return chunk.startswith(beginning) if beginning else b"\0" not in chunk


def _attach(document: Document, record: models.Model | None, replaces: Document | None) -> None:
    """Say what the document proves; a later version proves what the earlier one did."""
    if replaces is not None:
        if Document.objects.filter(replaces=replaces).exists():
            raise VersionIsReplaced(_("This version was replaced already; replace the newest one."))
        document.replaces, document.version = replaces, replaces.version + 1
        for name in RECORDS:
            setattr(document, f"{name}_id", getattr(replaces, f"{name}_id"))
    elif record is not None:
        setattr(document, field_of(record), record)


def field_of(record: models.Model) -> str:
    """The name of the document's field that points at such a record."""
    for name in RECORDS:
        if isinstance(record, Document._meta.get_field(name).related_model):  # type: ignore[arg-type]
            return name
    raise TypeError(f"documents cannot be attached to {record._meta.label}")


def _keep(document: Document, upload: File[bytes]) -> None:
    """Write the content under its hash; the same content twice is one file."""
    if not default_storage.exists(document.storage_name):
        default_storage.save(document.storage_name, upload)
