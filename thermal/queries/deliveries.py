"""What sources that send by themselves have sent lately, and what is missing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

from hosting.models import Controller
from thermal.models import DropReceipt, PushReceipt

SHOWN_ROWS: Final = 20
SHOWN_PROBLEMS: Final = 5
LOOKED_BACK: Final = 100_000
"""So many numbers back holes are looked for; further back nobody fills them any more."""

_GAPS = """
WITH received AS (
    SELECT sequence_number, lead(sequence_number) OVER (ORDER BY sequence_number) AS following
    FROM thermal_pushreceipt
    WHERE controller_id = %(controller)s AND sequence_number > (
        SELECT max(sequence_number) - %(back)s FROM thermal_pushreceipt WHERE controller_id = %(controller)s
    )
)
SELECT sequence_number + 1, following - 1 FROM received WHERE following > sequence_number + 1
ORDER BY 1 DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of batches that never came, both ends included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many batches are missing."""
        return self.last - self.first + 1


def gaps_of(controller: Controller) -> list[Gap]:
    """Return the holes in the numbers that a source has counted, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, {"controller": controller.pk, "back": LOOKED_BACK, "limit": SHOWN_ROWS})
        return [Gap(first, last) for first, last in cursor.fetchall()]


def latest_batches(controller: Controller) -> list[PushReceipt]:
    """Return the batches that came last."""
    rows = PushReceipt.objects.filter(controller=controller).order_by("-received_at")
    return list(rows.defer("answer", "body_sha256")[:SHOWN_ROWS])


def latest_files(controller: Controller) -> list[tuple[DropReceipt, list[str]]]:
    """Return the files that were read last, each with the first of its problems."""
    rows = DropReceipt.objects.filter(controller=controller).order_by("-handled_at")[:SHOWN_ROWS]
    return [(row, row.problems[:SHOWN_PROBLEMS]) for row in rows]
