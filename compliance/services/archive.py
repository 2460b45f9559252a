"""Writing a ZIP whose bytes depend on its content alone, without holding a file in memory."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, Self

from compliance.domain import manifest
from compliance.domain.manifest import Entry
from kernel import csvfiles

# The earliest time that a ZIP can name; a true one would make every build different.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE_FILE: Final = 0o100644 << 16
_UNIX: Final = 3
_IN_MEMORY_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16


class Archive:
    """A ZIP being written, that remembers each file's fingerprint for the manifest."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self.entries: list[Entry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._zip.close()

    def add(self, path: str, chunks: Iterable[bytes], *, rows: int | None = None, packed: bool = True) -> Entry:
        """The entry of a file that was written chunk by chunk; `packed` is off for what is compressed already."""
        digest, size_bytes = hashlib.sha256(), 0
        with self._zip.open(_info(path, packed=packed), "w", force_zip64=True) as target:
            for chunk in chunks:
                digest.update(chunk)
                size_bytes += len(chunk)
                target.write(chunk)
        entry = Entry(path, digest.hexdigest(), size_bytes, rows)
        self.entries.append(entry)
        return entry

    def add_table(self, path: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
        """The number of rows written, once as CSV and once as JSON, in one pass over them."""
        with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            counter = _Counter()
            lines = csvfiles.write_lines(columns, _cells(columns, counter.over(rows), spool))
            csv_entry = self.add(f"data/{path}.csv", lines)
            spool.write(b"\n]\n" if counter.count else b"]\n")
            spool.seek(0)
            json_entry = self.add(f"data/{path}.json", iter(lambda: spool.read(_CHUNK_BYTES), b""))
        # Known only after the rows went through.
        for entry in (csv_entry, json_entry):
            counted = Entry(entry.path, entry.sha256, entry.size_bytes, counter.count)
            self.entries[self.entries.index(entry)] = counted
        return counter.count

    def add_manifest(self, filters: Mapping[str, Any]) -> bytes:
        """The manifest, written as the last file."""
        text = manifest.render(entries=self.entries, filters=filters)
        with self._zip.open(_info(manifest.MANIFEST, packed=True), "w") as target:
            target.write(text)
        return text


class _Counter:
    """Counts what passes."""

    def __init__(self) -> None:
        self.count = 0

    def over(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            self.count += 1
            yield row


def _info(path: str, *, packed: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.external_attr = _READABLE_FILE
    info.create_system = _UNIX
    return info


def _cells(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], spool: IO[bytes]) -> Iterator[list[object]]:
    """The CSV cells of each row, which is written to the JSON on its way."""
    between = b"[\n"
    for row in rows:
        plain = {name: _plain(row[name]) for name in columns}
        spool.write(between + json.dumps(plain, ensure_ascii=False).encode())
        between = b",\n"
        yield [_cell(value) for value in plain.values()]
    if between == b"[\n":
        spool.write(between)


def _plain(value: Any) -> Any:
    """The value as JSON holds it: exact decimals as text, instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _cell(value: Any) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
