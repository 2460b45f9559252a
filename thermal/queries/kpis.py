"""Key figures of a site over a period, from the ledger alone, each with where it comes from."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, FloatField, Max, Q, Sum
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hosting.models import Site
from kernel.periods import Period
from thermal.domain import kpis
from thermal.models import HeatInterval, SiteInterval
from thermal.models.ledger import Quality
from thermal.queries import intervals

SUMS = ("it_kwh", "total_kwh", "heat_pump_kwh", "captured_kwh", "delivered_kwh", "rejected_kwh", "buffer_change_kwh")
LABELS = {
    "it_kwh": gettext_lazy("IT energy"),
    "total_kwh": gettext_lazy("energy of the whole site"),
    "heat_pump_kwh": gettext_lazy("electricity of heat pumps"),
    "captured_kwh": gettext_lazy("heat captured"),
    "delivered_kwh": gettext_lazy("heat delivered"),
    "rejected_kwh": gettext_lazy("heat rejected"),
    "buffer_change_kwh": gettext_lazy("change of the buffer"),
}


@dataclass(frozen=True, slots=True)
class Input:
    """A number that a key figure was made from, and where its rows are listed."""

    label: str
    value: float | None
    unit: str
    url: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """One key figure: its value in its unit, how it was made and how well its inputs are known."""

    key: str
    label: str
    value: float | None
    unit: str
    formula: str
    inputs: list[Input]
    period: Period
    known_ratio: float
    settled_at: dt.datetime | None
    rule_version: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SiteTotals:
    """The sums of a site's ledger over a period; None where no quarter hour is known."""

    period: Period
    kwh: dict[str, float | None]
    counts: dict[str, int]
    expected: int
    curtailed_s: int
    measured_it: int
    integrated_it: int
    supply_vw_c: float | None = None
    return_vw_c: float | None = None
    weighed: int = 0
    heat_quality: dict[int, int] = field(default_factory=dict)
    settled_at: dt.datetime | None = None
    rule_version: int | None = None

    def known(self, *keys: str) -> float:
        """The share of the period's quarter hours in which all of these sums are known, at most."""
        return min(self.counts.get(key, 0) for key in keys) / self.expected if self.expected else 0.0


def totals_of_sites(*, sites: Iterable[Site], period: Period) -> dict[int, SiteTotals]:
    """The sums of several sites by id, in two queries."""
    ids = [site.pk for site in sites]
    energy = _energy_rows(ids, period)
    water = _water_rows(ids, period)
    return {pk: _totals(energy.get(pk, {}), water.get(pk, {}), period) for pk in ids}


def _energy_rows(ids: list[int], period: Period) -> dict[int, dict[str, Any]]:
    sums: dict[str, Any] = {key: Sum(key) for key in SUMS}
    counts: dict[str, Any] = {f"n_{key}": Count(key) for key in SUMS}
    rows: Iterable[Any] = (
        SiteInterval.objects.filter(site__in=ids, start__gte=period.start, start__lt=period.end)
        .order_by()
        .values("site_id")
        .annotate(
            **{f"sum_{key}": value for key, value in sums.items()},
            **counts,
            curtailed=Sum("curtailed_s"),
            measured=Count("start", filter=Q(it_quality__lte=Quality.SPREAD)),
            integrated=Count("start", filter=Q(it_quality__in=[Quality.INTEGRATED, Quality.ESTIMATED])),
            latest=Max("settled_at"),
            rule=Max("rule_version"),
        )
    )
    return {row["site_id"]: row for row in rows}


def _water_rows(ids: list[int], period: Period) -> dict[int, dict[str, Any]]:
    volume = Cast("volume_m3", FloatField())
    weighed = Q(supply_vw_c__isnull=False, return_vw_c__isnull=False, volume_m3__gt=0)
    qualities: dict[str, Any] = {f"q{quality.value}": Count("start", filter=Q(quality=quality)) for quality in Quality}
    rows: Iterable[Any] = (
        HeatInterval.objects.filter(
            delivery_point__site__in=ids, start__gte=period.start, start__lt=period.end, meter__isnull=False
        )
        .order_by()
        .values("delivery_point__site_id")
        .annotate(
            weight=Sum(volume, filter=weighed),
            supply=Sum(F("supply_vw_c") * volume, filter=weighed),
            back=Sum(F("return_vw_c") * volume, filter=weighed),
            weighed=Count("start", filter=weighed),
            **qualities,
        )
    )
    return {row["delivery_point__site_id"]: row for row in rows}


def _totals(energy: dict[str, Any], water: dict[str, Any], period: Period) -> SiteTotals:
    weight = water.get("weight")
    return SiteTotals(
        period=period,
        kwh={key: energy.get(f"sum_{key}") for key in SUMS},
        counts={key: energy.get(f"n_{key}", 0) for key in SUMS},
        expected=intervals.quarters_in(period),
        curtailed_s=energy.get("curtailed") or 0,
        measured_it=energy.get("measured", 0),
        integrated_it=energy.get("integrated", 0),
        supply_vw_c=water["supply"] / weight if weight else None,
        return_vw_c=water["back"] / weight if weight else None,
        weighed=water.get("weighed", 0),
        heat_quality={quality.value: water.get(f"q{quality.value}", 0) for quality in Quality},
        settled_at=energy.get("latest"),
        rule_version=energy.get("rule"),
    )


# What an offtaker reads of a site as well; the others are the provider's own.
FOR_EVERYBODY = frozenset({"heat_delivered", "supply_vw", "return_vw", "data_quality"})


def kpis_of_site(*, site: Site, period: Period, for_everybody: bool = False) -> list[Kpi]:
    """The key figures of a site over a period, in the order in which they are shown."""
    found = kpis_from(site, totals_of_sites(sites=[site], period=period)[site.pk])
    return [figure for figure in found if figure.key in FOR_EVERYBODY] if for_everybody else found


def kpis_from(site: Site, totals: SiteTotals) -> list[Kpi]:
    """The key figures made from sums that were read already."""
    url = reverse("thermal:site_intervals", args=[site.pk])
    window = f"?start={totals.period.start:%Y-%m-%dT%H:%M}&end={totals.period.end:%Y-%m-%dT%H:%M}"
    figures = [*_energies(totals), *_ratios(totals.kwh), *_states(totals)]
    return [_sourced(figure, totals, url + window) for figure in figures]


@dataclass(frozen=True, slots=True)
class _Figure:
    """A key figure before its inputs are looked up."""

    key: str
    label: str
    value: float | None
    unit: str
    formula: str
    inputs: tuple[str, ...] = ()
    note: str = ""


def _sourced(figure: _Figure, totals: SiteTotals, url: str) -> Kpi:
    return Kpi(
        key=figure.key,
        label=figure.label,
        value=figure.value,
        unit=figure.unit,
        formula=figure.formula,
        inputs=[Input(str(LABELS[name]), totals.kwh[name], "kWh", url) for name in figure.inputs],
        period=totals.period,
        known_ratio=totals.known(*(figure.inputs or ("delivered_kwh",))),
        settled_at=totals.settled_at,
        rule_version=totals.rule_version,
        note=figure.note,
    )


def _energies(totals: SiteTotals) -> list[_Figure]:
    share = totals.integrated_it / totals.expected if totals.expected else 0.0
    note = _("Integrated from power for %(share).0f %% of the time.") % {"share": 100 * share} if share else ""
    return [
        _Figure(
            "heat_delivered",
            _("Heat delivered"),
            totals.kwh["delivered_kwh"],
            "kWh",
            _("Sum of the register differences of all delivery points."),
            ("delivered_kwh",),
        ),
        _Figure(
            "it_energy",
            _("IT energy"),
            totals.kwh["it_kwh"],
            "kWh",
            _("Register difference of the IT electricity meters; without one, power integrated over time."),
            ("it_kwh",),
            note,
        ),
    ]


def _ratios(kwh: dict[str, float | None]) -> list[_Figure]:
    delivered, total, it = kwh["delivered_kwh"], kwh["total_kwh"], kwh["it_kwh"]
    return [
        _Figure(
            "erf",
            _("Energy reuse factor (ERF)"),
            kpis.energy_reuse_factor(delivered, total),
            "",
            _("Heat delivered ÷ energy of the whole site (EN 50600-4-6)."),
            ("delivered_kwh", "total_kwh"),
        ),
        _Figure(
            "pue",
            _("Power usage effectiveness (PUE)"),
            kpis.power_usage_effectiveness(total, it),
            "",
            _("Energy of the whole site ÷ IT energy (EN 50600-4-2)."),
            ("total_kwh", "it_kwh"),
        ),
        _Figure(
            "cop",
            _("Heat pump COP"),
            kpis.coefficient_of_performance(delivered, kwh["heat_pump_kwh"]),
            "",
            _("Heat delivered ÷ electricity of the heat pumps: boundary H1 of SEPEMO, all heat through the heat pump."),
            ("delivered_kwh", "heat_pump_kwh"),
        ),
        _Figure(
            "capture_ratio",
            _("Capture ratio"),
            kpis.capture_ratio(kwh["captured_kwh"], it),
            "1",
            _("Heat captured ÷ IT energy."),
            ("captured_kwh", "it_kwh"),
        ),
    ]


def _states(totals: SiteTotals) -> list[_Figure]:
    settled = sum(totals.heat_quality.values())
    known = (settled - totals.heat_quality[Quality.MISSING]) / settled if settled else None
    blocked = _("Time in which heat was there and its export was blocked.")
    weighed = _("Weighted by volume: ΔE8 ÷ ΔV and ΔE9 ÷ ΔV of the heat meters; without them, flow × temperature.")
    counted = _("Quarter hours whose heat is known ÷ all settled quarter hours of the delivery points.")
    return [
        _Figure("curtailment", _("Curtailment"), totals.curtailed_s / 3600, "h", blocked),
        _Figure("supply_vw", _("Supply, volume-weighted"), totals.supply_vw_c, "°C", weighed),
        _Figure("return_vw", _("Return, volume-weighted"), totals.return_vw_c, "°C", weighed),
        _Figure("data_quality", _("Quarter hours with heat data"), known, "1", counted),
    ]
