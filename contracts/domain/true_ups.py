"""What changed between a bill as it was issued and the same bill as the records give it now, and why.

Both bills come as lines with their evidence (`contracts.domain.statement`). Nothing is computed anew here: two lines
are laid beside each other, and what their evidence says differently becomes a reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from contracts.domain import statement
from contracts.domain.registers import How
from contracts.domain.statement import Line

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a bill would come out otherwise today: a code and the facts of its sentence."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """A line as it was issued and as it would be now; one side is missing where the other has no counterpart."""

    before: Line | None
    after: Line | None

    @property
    def net_change_amount(self) -> Decimal:
        """How much more the line comes to now, net."""
        return _net(self.after) - _net(self.before)

    @property
    def differs(self) -> bool:
        """Whether quantity or amount are no longer the same."""
        return _figures(self.before) != _figures(self.after)


def _net(line: Line | None) -> Decimal:
    return line.net_amount if line else NOTHING


def _figures(line: Line | None) -> tuple[Decimal, Decimal] | None:
    return (line.quantity, line.net_amount) if line else None


def pairs(before: Sequence[Line], after: Sequence[Line]) -> list[Pair]:
    """The lines of both bills side by side: the same kind, days and VAT rate belong together."""
    rest = {_key(line): line for line in after}
    matched = [Pair(line, rest.pop(_key(line), None)) for line in before]
    return [*matched, *(Pair(None, line) for line in rest.values())]


def _key(line: Line) -> tuple[str, date, date, Decimal]:
    return line.kind, line.starts_on, line.ends_on, line.vat_ratio


def differ(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether any line comes out otherwise."""
    return any(pair.differs for pair in pairs(before, after))


def estimated_kwh(lines: Iterable[Line]) -> Decimal:
    """The heat in kWh among the lines that no register told."""
    return sum((Decimal(data["heat_kwh"]) for line in lines for data in line.evidence.get("estimates", ())), NOTHING)


def reasons(before: Sequence[Line], after: Sequence[Line]) -> list[Reason]:
    """Every reason that the evidence gives, in the order of the lines."""
    found = [reason for pair in pairs(before, after) if pair.differs for reason in reasons_of(pair)]
    return list({_identity(reason): reason for reason in found}.values())


def _identity(reason: Reason) -> tuple[str, str]:
    return reason.code, repr(sorted(reason.facts.items()))


def reasons_of(pair: Pair) -> list[Reason]:
    """Why the line comes out otherwise."""
    kind = (pair.after or pair.before or _NO_LINE).kind
    if kind == statement.SLA_CREDIT:
        return [Reason("service_judged_anew", {"before": _credit(pair.before), "after": _credit(pair.after)})]
    found = [*_estimates(pair), *_registers(pair)] if kind == statement.ENERGY else []
    return found or [Reason("figures_differ")]


def _credit(line: Line | None) -> str:
    """The share of the standing charge that was credited."""
    return str(line.evidence["credit_ratio"]) if line else "0"


_NO_LINE: Final = Line("", date.min, date.max, NOTHING, "", NOTHING, NOTHING, NOTHING, {})


def _estimates(pair: Pair) -> Iterator[Reason]:
    """Estimates that are gone, are new, or add another amount."""
    before, after = _estimates_of(pair.before), _estimates_of(pair.after)
    for key, data in before.items():
        if key not in after:
            yield Reason("estimate_withdrawn", data)
        elif data["heat_kwh"] != after[key]["heat_kwh"]:
            yield Reason("estimate_changed", {**after[key], "before_kwh": data["heat_kwh"]})
    yield from (Reason("estimate_added", data) for key, data in after.items() if key not in before)


def _estimates_of(line: Line | None) -> dict[int, Mapping[str, Any]]:
    return {data["correction_id"]: data for data in line.evidence.get("estimates", ())} if line else {}


def _registers(pair: Pair) -> Iterator[Reason]:
    """Meters that came or went, registers that moved, and rollovers counted otherwise."""
    before, after = _stays_of(pair.before), _stays_of(pair.after)
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            stay = old or new or {}
            yield Reason("meter_gone" if new is None else "meter_added", {"serial": stay["serial"]})
            continue
        for end in ("first", "last"):
            yield from _register(old["serial"], old[end], new[end])
        if len(old["falls"]) != len(new["falls"]):
            yield Reason("rollover_counted", {"serial": old["serial"]})


def _stays_of(line: Line | None) -> dict[int, Mapping[str, Any]]:
    return {stay["placement_id"]: stay for stay in line.evidence.get("stays", ())} if line else {}


def _register(serial: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Reason]:
    """Why the register at one end is another one now."""
    if Decimal(old["energy_kwh"]) == Decimal(new["energy_kwh"]):
        return
    facts = {"serial": serial, "at": new["at"], "before_kwh": old["energy_kwh"], "after_kwh": new["energy_kwh"]}
    if new["how"] == How.AS_BILLED:
        yield Reason("month_before_billed_anew", facts)
    elif old["at"] == new["at"] and _versions(old) == _versions(new):
        yield Reason("register_set_right", facts)
    elif new["how"] == How.READ and old["how"] != How.READ:
        yield Reason("register_read", facts)
    else:
        yield Reason("readings_corrected" if _is_corrected(old, new) else "readings_arrived", facts)


def _versions(register: Mapping[str, Any]) -> dict[str, int]:
    return {reading["at"]: reading["version"] for reading in register["readings"]}


def _is_corrected(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a quoted reading counts no longer, or in a later version."""
    known, now = _versions(old), _versions(new)
    return any(now.get(at, 0) != version for at, version in known.items())
