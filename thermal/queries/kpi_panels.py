"""Where the hours of a period went: by export mode, and the curtailed ones by cause."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from thermal.domain.kpis import sums
from thermal.domain.kpis.ratios import ratio
from thermal.domain.kpis.sums import Sum
from thermal.models.ledger import ExportCause, ExportMode

INPUTS: Final = (*sums.OF_MODES, *sums.OF_CAUSES)
MODE_WORDS: Final[dict[str, Any]] = {name: ExportMode(number).label for number, name in enumerate(sums.MODES)}
CAUSE_WORDS: Final[dict[str, Any]] = {
    name: ExportCause(number).label if number else _("unknown") for number, name in enumerate(sums.CAUSES)
}
MODE_FORMULA: Final = "Σ 15 min"
CAUSE_FORMULA: Final = "Σ t_blocked; Σ (Q_cap − Q_del − ΔQ_buf)"
# The cause that nobody knows stands last, although its number comes first.
CAUSES: Final = (*(name for name in sums.CAUSES if name != "unknown"), "unknown")
_SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Part:
    """The hours of one export mode or one cause, with the heat curtailed by it; `number` is that of the ledger."""

    key: str
    number: int
    label: str
    hours: float | None
    share_ratio: float | None
    heat_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts that add up to `hours`; `known_ratio` is the share of the quarter hours in which they are known."""

    rows: list[Part]
    hours: float | None
    heat_kwh: float | None
    known_ratio: float
    heat_known_ratio: float = 0.0
    rest_hours: float = 0.0

    @property
    def rest_ratio(self) -> float | None:
        """The share of all hours that have no part."""
        return ratio(self.rest_hours, self.rest_hours + (self.hours or 0.0))


def modes_of(known: Mapping[str, Sum]) -> Parts:
    """The hours by export mode; the rest are those with no heat to speak of, or of which nothing is known."""
    found = [known.get(name) for name in sums.OF_MODES]
    total_s = _total(found)
    first = found[0] or sums.NOTHING
    all_s = first.expected_count * 900.0
    rows = [
        Part(name, number, str(MODE_WORDS[name]), _hours(one), ratio(_value(one), all_s))
        for number, (name, one) in enumerate(zip(sums.MODES, found, strict=True))
    ]
    rest_hours = max(0.0, all_s - (total_s or 0.0)) / _SECONDS_PER_HOUR
    return Parts(rows, _in_hours(total_s), None, first.known_ratio, rest_hours=rest_hours)


def causes_of(known: Mapping[str, Sum]) -> Parts:
    """The curtailed hours and heat by cause."""
    seconds = {name: known.get(f"curtailed_{name}_s") for name in CAUSES}
    heat = {name: known.get(f"curtailed_{name}_kwh") for name in CAUSES}
    total_s = _total(seconds.values())
    rows = [
        Part(
            name,
            sums.CAUSES.index(name),
            str(CAUSE_WORDS[name]),
            _hours(seconds[name]),
            ratio(_value(seconds[name]), total_s),
            _value(heat[name]),
        )
        for name in CAUSES
    ]
    known_s, known_heat = seconds["unknown"] or sums.NOTHING, heat["unknown"] or sums.NOTHING
    return Parts(rows, _in_hours(total_s), _total(heat.values()), known_s.known_ratio, known_heat.known_ratio)


def _value(one: Sum | None) -> float | None:
    return None if one is None else one.value


def _hours(one: Sum | None) -> float | None:
    return _in_hours(_value(one))


def _in_hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / _SECONDS_PER_HOUR


def _total(parts: Iterable[Sum | None]) -> float | None:
    values = [one.value for one in parts if one is not None and one.value is not None]
    return sum(values) if values else None
