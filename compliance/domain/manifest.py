"""What an audit pack says about its own files, and how that is checked."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import Refusal

GENERATOR = "heatledger-pack/1"
MANIFEST = "manifest.json"


class ManifestIsUnreadable(Refusal):
    sentence = "The file has no readable manifest.json, so it is no audit pack of this portal."


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a pack: where it stands, its fingerprint and its size."""

    path: str
    sha256: str
    size_bytes: int
    rows: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The entry as it stands in the manifest; files that are no tables have no rows."""
        plain = {"path": self.path, "sha256": self.sha256, "size_bytes": self.size_bytes}
        return plain if self.rows is None else {**plain, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one file of a pack."""

    path: str
    problem: str


def render(*, entries: Iterable[Entry], filters: Mapping[str, Any]) -> bytes:
    """The text of the manifest: the same facts give the same bytes."""
    listed = [entry.as_dict() for entry in sorted(entries, key=lambda entry: entry.path)]
    document = {"generator": GENERATOR, "filters": dict(filters), "files": listed}
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def parse(text: bytes) -> list[Entry]:
    """The entries of a manifest in their order.

    >>> parse(render(entries=[Entry("a.csv", "00", 3, 1)], filters={}))
    [Entry(path='a.csv', sha256='00', size_bytes=3, rows=1)]
    """
    try:
        files = json.loads(text)["files"]
        return [
            Entry(str(item["path"]), str(item["sha256"]), int(item["size_bytes"]), item.get("rows")) for item in files
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestIsUnreadable from error


def fingerprint(content: bytes) -> str:
    """The SHA-256 of the content, in hexadecimal.

    >>> fingerprint(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()
