"""The chart of a correction: what counted before and what counts after, with its stretch marked."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from hosting.models import DeliveryPoint, MeterPlacement
from kernel.periods import QUARTER_HOUR, Period
from thermal.domain.effects import grouped, mean_kw
from thermal.models import Correction, HeatInterval
from thermal.queries.register_readings import readings_in

MOST_POINTS: Final = 900
LEAST_AROUND: Final = dt.timedelta(hours=6)
SHORTEST: Final = dt.timedelta(minutes=1)
LONGEST: Final = dt.timedelta(days=62)
QUARTERS_PER_HOUR: Final = 4


def chart_of(correction: Correction) -> dict[str, Any]:
    """The correction as the chart component takes it."""
    # One reading has no length; its band must be seen.
    end = max(correction.ends_at, correction.starts_at + SHORTEST)
    stretch = Period(correction.starts_at, min(end, correction.starts_at + LONGEST))
    if correction.kind == Correction.Kind.ADD and correction.delivery_point is not None:
        heat = dict(correction.quarters.values_list("start", "heat_kwh"))
        counts = correction.state == Correction.State.APPLIED
        return _heat(correction.delivery_point, stretch, heat, includes_estimate=counts)
    return _registers(correction, stretch)


def chart_of_preview(preview: Any, zone: str) -> dict[str, Any]:
    """The power before and after a correction that is not stored yet, its stretch marked."""
    starts = sorted({*preview.before, *preview.after})
    groups = grouped(starts, MOST_POINTS)
    correction: Correction = preview.correction
    stretch = Period(correction.starts_at, max(correction.ends_at, correction.starts_at + SHORTEST))
    estimated = [any(preview.after[at].is_estimated for at in group if at in preview.after) for group in groups]
    return {
        "title": _("Before and after"),
        "zone": zone,
        "unit": "kW",
        "at": [int(group[0].timestamp()) for group in groups],
        "series": [
            _series(_("after"), "heat-supply", [mean_kw(preview.after, group) for group in groups])
            | {"estimated": estimated},
            _series(_("before"), "unknown", [mean_kw(preview.before, group) for group in groups]),
        ],
        "bands": [_band(stretch)],
    }


def _heat(
    point: DeliveryPoint, stretch: Period, estimated: dict[dt.datetime, Decimal], *, includes_estimate: bool
) -> dict[str, Any]:
    """Power by quarter hours: what rests on registers, and with the estimate on top."""
    window = _around(stretch)
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=window.start, start__lt=window.end)
    told = {start: heat for start, heat in rows.values_list("start", "heat_kwh") if heat is not None}
    if includes_estimate:
        # The ledger holds both together as soon as it is settled.
        told = {at: max(Decimal(0), heat - estimated.get(at, Decimal(0))) for at, heat in told.items()}
    ats = _thinned([window.start + n * QUARTER_HOUR for n in range(int((window.end - window.start) / QUARTER_HOUR))])
    after = [told.get(at, Decimal(0)) + estimated[at] if at in estimated else told.get(at) for at in ats]
    return {
        "title": _("Heat before and after"),
        "zone": point.site.time_zone,
        "unit": "kW",
        "at": [int(at.timestamp()) for at in ats],
        "series": [
            _series(_("after"), "heat-supply", [_kw(heat) for heat in after])
            | {"estimated": [at in estimated for at in ats]},
            _series(_("before"), "unknown", [_kw(told.get(at)) for at in ats]),
        ],
        "bands": [_band(stretch)],
    }


def _registers(correction: Correction, stretch: Period) -> dict[str, Any]:
    """The registers around the stretch, as they counted before and as they count after."""
    window = _around(stretch)
    corrected = list(correction.readings.filter(at__lte=window.end))
    told = _told_there(correction, window)
    for row in corrected:
        told.pop(row.at, None)
    before: dict[dt.datetime, Decimal] = {**told}
    after: dict[dt.datetime, Decimal] = {**told}
    for row in corrected:
        if row.energy_before_kwh is not None:
            before[row.at] = row.energy_before_kwh
        if row.energy_kwh is not None:
            after[row.at] = row.energy_kwh
    ats = _thinned(sorted({*before, *after}))
    return {
        "title": _("Registers before and after"),
        "zone": correction.site.time_zone,
        "unit": "kWh",
        "at": [int(at.timestamp()) for at in ats],
        "series": [
            _series(_("after"), "heat-supply", _on_lines(after, ats), "line"),
            _series(_("before"), "unknown", _on_lines(before, ats), "line"),
        ],
        "bands": [_band(stretch)],
    }


def _told_there(correction: Correction, window: Period) -> dict[dt.datetime, Decimal]:
    """The registers that count in the window, of the time in which the meter stood at the site of the correction."""
    if correction.meter_id is None:
        return {}
    stays = MeterPlacement.objects.filter(meter=correction.meter_id, site=correction.site_id)
    ends = list(stays.values_list("valid_from", "valid_until"))
    return {
        one.at: one.energy_kwh
        for one in readings_in({correction.meter_id: window}).get(correction.meter_id, [])
        if any(start <= one.at and (end is None or one.at <= end) for start, end in ends)
    }


def _on_lines(told: dict[dt.datetime, Decimal], ats: Sequence[dt.datetime]) -> list[float | None]:
    """The registers at the instants, on straight lines between those that are told."""
    known = sorted(told)
    found: list[float | None] = []
    for at in ats:
        right = bisect_right(known, at)
        if right and known[right - 1] == at:
            found.append(float(told[at]))
        elif right and right < len(known):
            left, later = known[right - 1], known[right]
            share = (at - left) / (later - left)
            found.append(round(float(told[left]) + float(told[later] - told[left]) * share, 4))
        else:
            found.append(None)
    return found


def _around(stretch: Period) -> Period:
    margin = max(LEAST_AROUND, (stretch.end - stretch.start) / 2)
    start = stretch.start - margin
    aligned = start - (start - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) % QUARTER_HOUR
    return Period(aligned, stretch.end + margin)


def _thinned(ats: list[dt.datetime]) -> list[dt.datetime]:
    return ats[:: -(-len(ats) // MOST_POINTS) or 1]


def _kw(heat_kwh: Decimal | None) -> float | None:
    return None if heat_kwh is None else round(float(heat_kwh) * QUARTERS_PER_HOUR, 3)


def _series(label: str, token: str, values: list[float | None], kind: str = "step") -> dict[str, Any]:
    unit = "kW" if kind == "step" else "kWh"
    return {"label": label, "unit": unit, "color_token": token, "kind": kind, "values": values}


def _band(stretch: Period) -> dict[str, Any]:
    start, end = int(stretch.start.timestamp()), int(stretch.end.timestamp())
    return {"from": start, "until": end, "label": _("corrected"), "kind": "planned"}
