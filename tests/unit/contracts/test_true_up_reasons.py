"""Two bills of one month beside each other: what differs, and what the evidence says about why."""

import copy
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from contracts.domain import true_ups
from contracts.domain.statement import Line

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 11, 1)
STAY: dict[str, Any] = {
    "placement_id": 1,
    "serial": "M1",
    "first": {"at": "2026-10-01T00:00:00+00:00", "energy_kwh": "100", "how": "read", "readings": []},
    "last": {
        "at": "2026-11-01T00:00:00+00:00",
        "energy_kwh": "180",
        "how": "read",
        "readings": [{"at": "2026-11-01T00:00:00+00:00", "version": 1}],
    },
    "falls": [],
}
ESTIMATE = {"correction_id": 7, "heat_kwh": "20", "method": "average", "starts_at": "a", "ends_at": "b"}


def energy(stay: dict[str, Any] | None = STAY, *estimates: dict[str, Any], kwh: str = "80") -> Line:
    evidence = {"stays": [stay] if stay else [], "estimates": list(estimates)}
    return Line("energy", FIRST, LAST, Decimal(kwh), "kWh", Decimal(1), Decimal(kwh), Decimal("0.2"), evidence)


def moved(end: str, **facts: Any) -> dict[str, Any]:
    stay = copy.deepcopy(STAY)
    stay[end] |= facts
    return stay


def codes(before: Line, after: Line) -> list[str]:
    return [reason.code for reason in true_ups.reasons([before], [after])]


CORRECTED = [{"at": "2026-11-01T00:00:00+00:00", "version": 2}]
OTHERS = [{"at": "2026-10-31T23:00:00+00:00", "version": 1}, *STAY["last"]["readings"]]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (energy(STAY, ESTIMATE), energy(kwh="60"), ["estimate_withdrawn"]),
        (energy(), energy(STAY, ESTIMATE, kwh="100"), ["estimate_added"]),
        (energy(STAY, ESTIMATE), energy(STAY, ESTIMATE | {"heat_kwh": "10"}, kwh="70"), ["estimate_changed"]),
        (energy(), energy(moved("last", energy_kwh="170", readings=CORRECTED), kwh="70"), ["readings_corrected"]),
        (energy(), energy(moved("last", energy_kwh="170", readings=OTHERS), kwh="70"), ["readings_arrived"]),
        (energy(), energy(moved("first", energy_kwh="110", how="as_billed"), kwh="70"), ["month_before_billed_anew"]),
        (energy(), energy(moved("first", energy_kwh="110"), kwh="70"), ["register_set_right"]),
        (
            energy(moved("last", how="interpolated", readings=OTHERS)),
            energy(moved("last", energy_kwh="190"), kwh="90"),
            ["register_read"],
        ),
        (energy(), energy(STAY | {"falls": [[{}, {}]]}, kwh="90"), ["rollover_counted"]),
        (energy(), energy(None, kwh="0"), ["meter_gone"]),
        (energy(None, kwh="0"), energy(), ["meter_added"]),
        (energy(), energy(kwh="81"), ["figures_differ"]),
        (energy(), energy(), []),
    ],
)
def test_the_evidence_says_why_a_line_differs(before: Line, after: Line, expected: list[str]) -> None:
    assert codes(before, after) == expected
    assert true_ups.differ([before], [after]) == bool(expected)


def test_a_service_credit_that_comes_or_goes_is_named_with_both_shares() -> None:
    line = Line(
        "sla_credit", FIRST, LAST, Decimal("0.05"), "%", Decimal(-20), Decimal(-1), Decimal("0.2"),
        {"credit_ratio": "0.05"},
    )  # fmt: skip
    (gone,) = true_ups.reasons([energy(), line], [energy()])
    assert (gone.code, gone.facts) == ("service_judged_anew", {"before": "0.05", "after": "0"})
    assert true_ups.pairs([line], [])[0].net_change_amount == 1


def test_lines_of_the_same_days_belong_together_and_others_stand_alone() -> None:
    later = Line(
        "energy", dt.date(2026, 10, 11), LAST, Decimal(5), "kWh", Decimal(1), Decimal(5), Decimal("0.2"), {}
    )  # fmt: skip
    found = true_ups.pairs([energy()], [energy(), later])
    assert [(pair.before is None, pair.after is None, pair.differs) for pair in found] == [
        (False, False, False),
        (True, False, True),
    ]


def test_estimated_heat_is_summed_over_the_lines() -> None:
    assert true_ups.estimated_kwh([energy(STAY, ESTIMATE), energy(STAY, ESTIMATE)]) == 40
