"""What an auditor reads first inside a pack."""

from collections.abc import Sequence
from typing import Final

_TEXT: Final = """\
HEATLEDGER AUDIT PACK

What this is
  Every record of the sites named on the cover (cover.pdf) that belongs to the
  period named there, as it was known at the as-of time. It was made from the
  database; nobody typed it.

What is inside
  cover.pdf        what was asked for and what came out
  manifest.json    every file with its size and SHA-256, and the filters used
  data/            one CSV and one JSON file for each record class, same rows
  invoices/        the invoices as they were sent
  credit_notes/    the credit notes as they were sent
  documents/files/ the evidence, byte for byte as it was uploaded

How to check it
  In the portal: Packs, "Verify a pack". On its server:
      manage.py verify_pack FILE.zip
  Without the portal: unpack it, compute the SHA-256 of each file (sha256sum),
  and compare with manifest.json. A file that is missing, changed or not listed
  there is not part of the pack. Compare the SHA-256 of the ZIP itself with the
  fingerprint that the portal shows, so that the manifest cannot be exchanged.

How to read the tables
  Instants are in UTC (ISO 8601, ending in Z), days are local days of the site.
  Periods are half-open: the end does not belong to them. Units stand in the
  column names: _kwh energy, _kw power, _c degrees Celsius, _k kelvin, _m3 cubic
  metres, _m3h cubic metres per hour, _ratio share of one, _s seconds, _h hours.
  Registers and money are exact decimals; in JSON they are text for that reason.
  Empty cells are unknown or do not apply, never zero. In the CSV files a cell
  that a spreadsheet could run as a formula begins with an apostrophe.
  Readings include the one at the period's end, which closes it.

What "as known at" means
  Readings, invoices, credit notes, documents, alarms, incidents and their time
  lines, samples and tasks: only what was recorded by then, and open where they
  were closed later; so are true-ups, which tell why an issued invoice was
  cancelled and by which one it was replaced. Corrections that were proposed by
  then stand as they are now; data/history/changes tells when each was decided
  or withdrawn. Ledger rows and service levels: only those computed by
  then; a row that was settled again later is left out, because its earlier
  version is replaced. Sites, equipment, meters, contracts, plans and limits
  keep their dates of validity; their other fields are as they stand when the
  pack is built, and data/history/changes tells what changed and when.

Record classes
"""


def render(counts: Sequence[tuple[str, str, int]]) -> str:
    """The text of the pack's README."""
    lines = [f"  {path:<32} {count:>10}  {title}" for title, path, count in counts]
    return _TEXT + "\n".join(lines) + "\n"
