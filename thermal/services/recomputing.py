"""Recomputation: the ledger of a period made again from recorded values, beside what stands there, and taken back."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from hosting.models import Site
from kernel.periods import Period
from thermal.models import EquipmentInterval, HeatInterval, SiteInterval
from thermal.services import marking, settlement

# Sums of floating-point numbers depend on their order, which is the planner's choice: the last digit kept may differ.
LAST_DIGIT: Final = 1.1e-4
LAST_DIGIT_C: Final = 1.1e-3
# How a row came about is no fact of the quarter hour.
_HISTORY: Final = {"delivery_point", "site", "equipment", "start", "rule_version", "version", "settled_at"}
_HEAT_FIELDS: Final = tuple(f.name for f in HeatInterval._meta.concrete_fields if f.name not in _HISTORY)
_SITE_FIELDS: Final = tuple(f.name for f in SiteInterval._meta.concrete_fields if f.name not in _HISTORY)
_EQUIPMENT_FIELDS: Final = tuple(f.name for f in EquipmentInterval._meta.concrete_fields if f.name not in _HISTORY)
_Rows = dict[tuple[str, dt.datetime], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact of a ledger row that recorded values do not bear out."""

    owner: str
    """The code of the delivery point, the tag of the equipment, or the code of the site where the row is one of it."""
    start: dt.datetime
    field: str
    kept: Any
    recomputed: Any

    @property
    def by(self) -> Any:
        """How much more the recomputation says, in the unit of the field; None where that is no number."""
        pair = (self.kept, self.recomputed)
        return self.recomputed - self.kept if all(isinstance(one, float | Decimal) for one in pair) else None


@transaction.atomic
def differences(*, site: Site, periods: Sequence[Period], now: dt.datetime) -> list[Difference]:
    """What the ledger of a site and its delivery points says otherwise than its recomputation; nothing is changed.

    A row that is missing counts as one that knows nothing.
    """
    untouched = transaction.savepoint()
    # What waits to be settled is late, not wrong.
    settlement.settle_marked(now=now, site=site)
    found: list[Difference] = []
    for period in periods:
        # Marking waits for a settlement that runs elsewhere; only then is it certain what stands there.
        marking.mark_period(site=site, period=period, now=now)
        kept = _rows(site, period)
        settlement.settle_marked(now=now, site=site)
        found += _compared(kept, _rows(site, period))
    transaction.savepoint_rollback(untouched)
    return found


def _rows(site: Site, period: Period) -> _Rows:
    """The facts of the rows of a period, by owner and start."""
    span = {"start__gte": period.start, "start__lt": period.end}
    of_points = HeatInterval.objects.filter(delivery_point__site=site, **span).order_by("start", "delivery_point")
    rows: _Rows = {}
    for row in of_points.values("delivery_point__code", "start", *_HEAT_FIELDS):
        rows[f"{site.code}/{row.pop('delivery_point__code')}", row.pop("start")] = row
    for row in SiteInterval.objects.filter(site=site, **span).order_by("start").values("start", *_SITE_FIELDS):
        rows[site.code, row.pop("start")] = row
    of_pieces = EquipmentInterval.objects.filter(equipment__site=site, **span).order_by("start", "equipment")
    for row in of_pieces.values("equipment__tag", "start", *_EQUIPMENT_FIELDS):
        rows[f"{site.code}/{row.pop('equipment__tag')}", row.pop("start")] = row
    return rows


def _compared(kept: _Rows, recomputed: _Rows) -> Iterator[Difference]:
    for (owner, start), row in recomputed.items():
        before = kept.get((owner, start))
        for field, value in row.items():
            if before is None and not field.endswith(("_kwh", "_m3")):
                continue
            was = None if before is None else before[field]
            if not _same(field, was, value):
                yield Difference(owner, start, field, was, value)


def _same(field: str, kept: Any, recomputed: Any) -> bool:
    if isinstance(kept, float) and isinstance(recomputed, float):
        return abs(kept - recomputed) <= (LAST_DIGIT_C if field.endswith("_c") else LAST_DIGIT)
    return bool(kept == recomputed)
