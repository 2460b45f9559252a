"""Putting an audit pack together: every record class, the files behind them, cover, manual and manifest."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from django.core.files.storage import default_storage
from django.utils.translation import override

from compliance import documents
from compliance.domain import manifest
from compliance.models import Document
from compliance.queries import changes, contents, holdings, number_gaps
from compliance.queries.scope import Scope
from compliance.services import manual
from compliance.services.archive import Archive
from compliance.services.evidence import plain_name
from contracts.models import CreditNote, InvoiceDocument
from kernel.errors import Refusal

# Told how many of the steps are done and what comes next; called often enough to show that the work is alive.
Report = Callable[[int, str], None]

_ROWS_BETWEEN_SIGNS: Final = 5000
_CHUNK_BYTES: Final = 1 << 16
# These are compressed already; packing them again costs time and gains nothing.
_PACKED_TYPES: Final = ("image/", "application/pdf", "application/vnd.openxmlformats")


class DocumentIsLost(Refusal):
    """A pack without a document that it lists would be a lie."""

    sentence = (
        "The file of document %(number)s (“%(title)s”) is missing from the storage; restore it, then build again."
    )


class NothingIsVisible(Refusal):
    """A pack about nothing proves nothing."""

    sentence = "None of the sites of the pack may be seen."


@dataclass(frozen=True)
class Assembled:
    """What came out."""

    manifest: bytes
    file_count: int


def silent(_done: int, _message: str) -> None:
    """Report to nobody."""


def step_count(scope: Scope) -> int:
    """How many steps the pack takes."""
    files = holdings.documents(scope).count() + holdings.invoices(scope).count() + holdings.credit_notes(scope).count()
    return len(contents.TABLES) + 3 + files


def write_pack(target: IO[bytes], scope: Scope, title: str, report: Report = silent) -> Assembled:
    """The pack, written to `target`; words in it are English whatever language its requester reads."""
    with override("en"):
        sites = [(site.code, site.name) for site in scope.sites().order_by("code")]
        if not sites:
            raise NothingIsVisible
        with Archive(target) as archive:
            steps = _Steps(report)
            counts = _write_tables(archive, scope, steps)
            _write_invoices(archive, scope, steps)
            _write_documents(archive, scope, steps)
            archive.add("README.txt", [manual.render(counts).encode()])
            cover = _cover(scope, title, sites, counts, len(archive.entries))
            archive.add("cover.pdf", [documents.render_cover(cover)])
            return Assembled(archive.add_manifest(filters_of(scope)), len(archive.entries) + 1)


def filters_of(scope: Scope) -> dict[str, Any]:
    """What the pack was asked to hold, as the manifest says it."""
    return {
        "sites": sorted(scope.sites().values_list("code", flat=True)),
        "from": scope.period.start.isoformat(),
        "until": scope.period.end.isoformat(),
        "as_of": scope.as_of.isoformat(),
        "time_zone": str(scope.zone),
        "view": "everything" if is_whole(scope) else "granted",
    }


def is_whole(scope: Scope) -> bool:
    """Whether no grant narrows what the pack holds."""
    return scope.user is None or scope.user.has_perms(["hosting.view_site", "contracts.view_contract"])


class _Steps:
    """Counts steps and shows signs of life between them."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.done = 0

    def begin(self, message: str) -> None:
        self._report(self.done, message)

    def end(self) -> None:
        self.done += 1

    def watched(self, rows: Iterable[Mapping[str, Any]], message: str) -> Iterator[Mapping[str, Any]]:
        for number, row in enumerate(rows):
            if number % _ROWS_BETWEEN_SIGNS == 0:
                self._report(self.done, message)
            yield row


def _write_tables(archive: Archive, scope: Scope, steps: _Steps) -> list[tuple[str, str, int]]:
    counts = []
    for table in contents.TABLES:
        title = str(table.title)
        rows = steps.watched(table.read(scope), title)
        counts.append((title, table.path, archive.add_table(table.path, list(table.columns), rows)))
        steps.end()
    for title, path, columns, read in (
        ("number gaps", "billing/number_gaps", number_gaps.COLUMNS, number_gaps.read),
        ("change history", "history/changes", changes.COLUMNS, changes.read),
    ):
        rows = steps.watched(read(scope), title)
        counts.append((title, path, archive.add_table(path, columns, rows)))
        steps.end()
    return counts


def _write_invoices(archive: Archive, scope: Scope, steps: _Steps) -> None:
    for invoice_id, number in holdings.invoice_files(scope):
        steps.begin(number)
        stored = InvoiceDocument.objects.get(invoice_id=invoice_id)
        archive.add(f"invoices/{plain_name(number)}.pdf", [bytes(stored.pdf)], packed=False)
        steps.end()
    for note_id, number in holdings.credit_note_files(scope):
        steps.begin(number)
        note = CreditNote.objects.only("pdf").get(pk=note_id)
        archive.add(f"credit_notes/{plain_name(number)}.pdf", [bytes(note.pdf or b"")], packed=False)
        steps.end()


def _write_documents(archive: Archive, scope: Scope, steps: _Steps) -> None:
    for document in holdings.stored_documents(scope).iterator(chunk_size=200):
        steps.begin(document.file_name)
        packed = not document.media_type.startswith(_PACKED_TYPES)
        entry = archive.add(holdings.file_of(document), _content(document), packed=packed)
        if entry.sha256 != document.sha256:
            raise DocumentIsLost(number=document.pk, title=document.title)
        steps.end()


def _content(document: Document) -> Iterator[bytes]:
    try:
        file = default_storage.open(document.storage_name)
    except FileNotFoundError as error:
        raise DocumentIsLost(number=document.pk, title=document.title) from error
    with file:
        yield from file.chunks(_CHUNK_BYTES)


def _cover(
    scope: Scope, title: str, sites: list[tuple[str, str]], counts: list[tuple[str, str, int]], file_count: int
) -> documents.Cover:
    return documents.Cover(
        title=title,
        sites=sites,
        starts_at=scope.period.start,
        ends_at=scope.period.end,
        as_of=scope.as_of,
        zone=scope.zone,
        whole=is_whole(scope),
        counts=[(words, f"data/{path}", count) for words, path, count in counts],
        file_count=file_count,
        generator=manifest.GENERATOR,
    )
