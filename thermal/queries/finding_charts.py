"""The chart of a finding: what the meter told around it, with the suspicious stretch marked."""

import datetime as dt
from typing import Any, Final

from django.utils.translation import gettext as _

from kernel.periods import Period
from thermal.domain.differences import Difference
from thermal.domain.validation import flows, limits
from thermal.models import ValidationFinding
from thermal.queries import charts, register_readings
from thermal.queries.register_readings import Told

MOST_POINTS: Final = 900
LEAST_AROUND: Final = dt.timedelta(hours=12)
LONGEST: Final = dt.timedelta(days=62)


def chart_of(finding: ValidationFinding) -> dict[str, Any]:
    """What was told around the finding, as the chart component takes it."""
    period = around(finding)
    if finding.meter is None:
        kind = "day" if period.duration <= dt.timedelta(days=10) else "month"
        chart = charts.power_chart(site=finding.site, period=period, kind=kind)
    else:
        # What the meter told at another site is not for everybody who may see this finding.
        told = register_readings.told_in({finding.meter.pk: period})
        stays = [one for one in told if one.steps and one.placement.site_id == finding.site_id]
        chart = _of_meter(stays, finding)
    chart["bands"] = [*chart["bands"], _band(finding, period)]
    return chart


def around(finding: ValidationFinding) -> Period:
    """The stretch of the finding with half of it on either side, cut where it is too long to see anything."""
    end = min(finding.ends_at, finding.starts_at + LONGEST)
    margin = max(LEAST_AROUND, (end - finding.starts_at) / 2)
    return Period(finding.starts_at - margin, end + margin)


def _of_meter(stays: list[Told], finding: ValidationFinding) -> dict[str, Any]:
    steps = [(told, step) for told in stays for step in told.steps]
    size = -(-len(steps) // MOST_POINTS) or 1
    groups = [steps[start : start + size] for start in range(0, len(steps), size)]
    return {
        "title": _("What the meter told"),
        "zone": finding.site.time_zone,
        "unit": "kW",
        "at": [int(group[0][1].before.at.timestamp()) for group in groups],
        "series": [
            _series(_("Heat by the register"), "heat-supply", [_told_kw(group) for group in groups], "kW", "step"),
            *_water(groups),
            _series(
                _("Register"), "unknown", [float(group[0][1].before.energy_kwh) for group in groups], "kWh", "line"
            ),
        ],
        "bands": [],
    }


def _water(groups: list[list[tuple[Told, Difference]]]) -> list[dict[str, Any]]:
    """The heat by water and temperatures, where the meter tells both."""
    values = [_implied_kw(group) for group in groups]
    if not any(value is not None for value in values):
        return []
    return [_series(_("Heat by water and temperatures"), "heat-return", values, "kW", "step")]


def _series(label: str, token: str, values: list[float | None], unit: str, kind: str) -> dict[str, Any]:
    return {"label": label, "unit": unit, "color_token": token, "kind": kind, "values": values}


def _told_kw(group: list[tuple[Told, Difference]]) -> float | None:
    """The mean power in kW; None where a register tells no heat."""
    heat = [step.heat_kwh for _stay, step in group]
    hours = sum(step.hours for _stay, step in group)
    return None if None in heat or not hours else round(sum(float(one or 0) for one in heat) / hours, 3)


def _implied_kw(group: list[tuple[Told, Difference]]) -> float | None:
    found = flows.flows(step for _told, step in group)
    passage = limits.merged(found)
    hours = sum(flow.step.hours for flow in found)
    return None if passage is None or not hours else round(limits.implied_kwh(passage, group[0][0].facts) / hours, 3)


def _band(finding: ValidationFinding, period: Period) -> dict[str, Any]:
    start, end = max(finding.starts_at, period.start), min(finding.ends_at, period.end)
    label = str(finding.get_rule_display())
    return {"from": int(start.timestamp()), "until": int(end.timestamp()), "label": label, "kind": "alarm"}
