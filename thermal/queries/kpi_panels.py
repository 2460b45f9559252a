"""Where the hours of a period went: by export mode, and the curtailed ones by cause."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from thermal.domain.kpis import sums
from thermal.domain.kpis.ratios import ratio
from thermal.domain.kpis.sums import Sum
from thermal.models.ledger import ExportCause, ExportMode

INPUTS: Final = (*sums.OF_MODES, *sums.OF_CAUSES)
MODE_WORDS: Final[dict[str, Any]] = {name: ExportMode(number).label for number, name in enumerate(sums.MODES)}
CAUSE_WORDS: Final[dict[str, Any]] = {
    name: ExportCause(number).label if number else gettext_lazy("unknown") for number, name in enumerate(sums.CAUSES)
}
MODE_FORMULA: Final = "Σ 15 min"
CAUSE_FORMULA: Final = "Σ t_blocked; Σ (Q_cap − Q_del − ΔQ_buf)"
# The cause that nobody knows stands last, although its number comes first.
CAUSES: Final = (*(name for name in sums.CAUSES if name != "unknown"), "unknown")
_SECONDS_PER_HOUR: Final = 3600
_QUARTER_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Part:
    """The hours of an export mode, or hours and heat curtailed by a cause; `number` is that of the ledger.

    `share_ratio` is that of all hours for a mode, and of the heat for a cause: export that is reduced and not blocked
    costs heat and no hours.
    """

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
    others: tuple[Part, ...] = ()


def modes_of(known: Mapping[str, Sum]) -> Parts:
    """The hours by export mode, and others: those without heat to speak of, and those of which nothing is known."""
    found = [known.get(name) for name in sums.OF_MODES]
    total_s = _total(found)
    told = known.get("curtailed_s") or known.get("curtailed_unknown_s") or sums.NOTHING
    first = found[0] or sums.NOTHING
    all_s = first.expected_count * _QUARTER_S
    idle_s = max(0, told.known_count - first.known_count) * _QUARTER_S
    unknown_s = all_s - idle_s - first.known_count * _QUARTER_S
    rows = [
        Part(name, number, str(MODE_WORDS[name]), _hours(one), ratio(_value(one), all_s))
        for number, (name, one) in enumerate(zip(sums.MODES, found, strict=True))
    ]
    others = (
        Part("idle", -1, _("no heat to speak of"), _in_hours(idle_s), ratio(idle_s, all_s)),
        Part("unknown", -1, _("not known"), _in_hours(unknown_s), ratio(unknown_s, all_s)),
    )
    return Parts(rows, _in_hours(total_s), None, told.known_ratio, others=others)


def causes_of(known: Mapping[str, Sum]) -> Parts:
    """The curtailed hours and heat by cause."""
    seconds = {name: known.get(f"curtailed_{name}_s") for name in CAUSES}
    heat = {name: known.get(f"curtailed_{name}_kwh") for name in CAUSES}
    total_s, total_kwh = _total(seconds.values()), _total(heat.values())
    rows = [
        Part(
            name,
            sums.CAUSES.index(name),
            str(CAUSE_WORDS[name]),
            _hours(seconds[name]),
            ratio(_value(heat[name]), total_kwh),
            _value(heat[name]),
        )
        for name in CAUSES
    ]
    known_s, known_heat = seconds["unknown"] or sums.NOTHING, heat["unknown"] or sums.NOTHING
    return Parts(rows, _in_hours(total_s), total_kwh, known_s.known_ratio, known_heat.known_ratio)


def _value(one: Sum | None) -> float | None:
    return None if one is None else one.value


def _hours(one: Sum | None) -> float | None:
    return _in_hours(_value(one))


def _in_hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / _SECONDS_PER_HOUR


def _total(parts: Iterable[Sum | None]) -> float | None:
    values = [one.value for one in parts if one is not None and one.value is not None]
    return sum(values) if values else None
