"""What the law wants to know of a site and a year: each code with its value, where that came from, or what is missing.

References
----------
Commission Delegated Regulation (EU) 2024/1364, Annexes I to IV; Energieeffizienzgesetz (EnEfG), section 11.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Max, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hosting.models import EquipmentModel, Site
from kernel.periods import local_days
from thermal.domain.kpis import disclosure, figures, sums
from thermal.models import KpiSum, LegalQuota, SiteFact
from thermal.queries import equipment_figures, kpi_facts, kpi_ledger, kpi_words
from thermal.queries.kpi_facts import Known, Span

Kind = SiteFact.Kind
# Of less than this a value is marked as known for a part only.
ENOUGH_RATIO: Final = 0.98


@dataclass(frozen=True, slots=True)
class Line:
    """One code of the disclosure: its value and where that came from, or what it waits for."""

    annex: str
    code: str
    label: str
    value: float | str | None
    unit: str
    origin: str
    waits_for: str = ""
    is_partly_known: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A quota of a law, and how the site stands to it in the year."""

    quota: LegalQuota
    label: str
    value: float | None
    standing: disclosure.Standing


@dataclass(frozen=True, slots=True)
class Disclosure:
    """All of a site and a year."""

    site: Site
    year: int
    is_required: bool
    size_class: str
    lines: list[Line]
    quotas: list[Judged]
    facts: list[SiteFact]

    @property
    def missing(self) -> list[Line]:
        """The lines without a value."""
        return [line for line in self.lines if line.value is None]


STANDINGS: Final[dict[str, tuple[Any, str]]] = {
    "met": (gettext_lazy("met"), "ok"),
    "missed": (gettext_lazy("missed"), "bad"),
    "unknown": (gettext_lazy("not known"), "unknown"),
    "not_yet": (gettext_lazy("not yet in force"), "info"),
    "not_bound": (gettext_lazy("does not bind this site"), "info"),
}
SIZES: Final[dict[str, Any]] = {
    "below": gettext_lazy("below 100 kW"),
    "very_small": gettext_lazy("very small, 100 to 500 kW"),
    "small": gettext_lazy("small, 500 to 1,000 kW"),
    "medium": gettext_lazy("medium, 1 to 2 MW"),
    "large": gettext_lazy("large, 2 to 10 MW"),
    "very_large": gettext_lazy("very large, above 10 MW"),
}
# Annex I in words, and states and amounts of Annex II, by code, kind of fact and unit.
_WORDS: Final = (
    ("I", "", Kind.OWNER),
    ("I", "", Kind.OPERATOR),
    ("I", "", Kind.LAU),
    ("I", "", Kind.TYPE),
    ("I", "", Kind.REDUNDANCY),
    ("I", "", Kind.REDUNDANCY_COOLING),
    ("II", "", Kind.GRID),
    ("II", "", Kind.REFRIGERANTS),
    ("II", "", Kind.PUE_CATEGORY),
)
_STATES: Final = (
    ("SDC", Kind.FLOOR_AREA, "m²"),
    ("SCR", Kind.ROOM_AREA, "m²"),
    ("CBtG", Kind.BATTERY_GRID, "kW"),
    ("TIN", Kind.INTAKE, "°C"),
    ("CSERV", Kind.SERVERS, ""),
    ("CSTOR", Kind.STORAGE, "PB"),
    ("BIN", Kind.BANDWIDTH_IN, "GB/s"),
    ("BOUT", Kind.BANDWIDTH_OUT, "GB/s"),
)
_AMOUNTS: Final = (
    ("EDC-BG", (Kind.GENERATOR,), "kWh"),
    ("WIN-POT", (Kind.POTABLE,), "m³"),
    ("ERES-TOT", kpi_facts.RENEWABLES, "kWh"),
    ("ERES-GOO", (Kind.REN_GOO,), "kWh"),
    ("ERES-PPA", (Kind.REN_PPA,), "kWh"),
    ("ERES-OS", (Kind.REN_OWN,), "kWh"),
    # The regulation gives the data traffic the letters of the intake temperature.
    ("TIN (traffic)", (Kind.TRAFFIC_IN,), "EB"),
    ("TOUT (traffic)", (Kind.TRAFFIC_OUT,), "EB"),
)
_METERED: Final = (("EDC", "total_kwh", "kWh"), ("EIT", "it_kwh", "kWh"), ("WIN", "water_m3", "m³"),
                   ("EREUSE", "delivered_kwh", "kWh"))  # fmt: skip
_INDICATORS: Final = (("PUE", "pue"), ("WUE", "wue"), ("ERF", "erf"), ("REF", "ref"))


def disclosure_of(*, site: Site, year: int) -> Disclosure:
    """The disclosure of a site for a calendar year."""
    span = kpi_ledger.year_span(year)
    known = kpi_ledger.sums_of_sites(sites=[site.pk], inputs=sums.INPUTS, span=span).get(site.pk, {})
    rows: Any = SiteFact.objects.filter(site=site).order_by("kind", "-valid_from")
    facts = list(rows)
    valid = [one for one in facts if one.valid_from < span.until and not _is_over(one, span)]
    given = kpi_facts.facts_of_sites(sites=[site], span=span)[site.pk]
    lines = [
        *(_words(annex, code, kind, valid, span) for annex, code, kind in _WORDS),
        _began(site),
        _period(site, span),
        _power(site, valid, span),
        *(_metered(code, name, unit, known, given) for code, name, unit in _METERED),
        *(_state(code, kind, unit, valid, span) for code, kind, unit in _STATES),
        *(_amount(code, kinds, unit, valid, span) for code, kinds, unit in _AMOUNTS),
        *_waste_heat(site, span, known),
        _cooling_days(site, span),
    ]
    indicators = {key: kpi_ledger.shown(figures.BY_KEY[key], known, given) for _code, key in _INDICATORS}
    lines += [_indicator(code, indicators[key]) for code, key in _INDICATORS]
    return Disclosure(
        site=site,
        year=year,
        is_required=disclosure.must_report(site.installed_it_kw),
        size_class=disclosure.size_class(site.installed_it_kw),
        lines=lines,
        quotas=_quotas(site, year, {key: one.value for key, one in indicators.items()}),
        facts=facts,
    )


def _is_over(fact: SiteFact, span: Span) -> bool:
    return fact.valid_until is not None and fact.valid_until <= span.first


def _words(annex: str, code: str, kind: Kind, facts: Iterable[SiteFact], span: Span) -> Line:
    fact = kpi_facts.state(facts, kind, span)
    if fact is None:
        return Line(annex, code, str(kind.label), None, "", "", _("a fact of the site"))
    return Line(annex, code, str(kind.label), fact.words, "", fact.source)


def _state(code: str, kind: Kind, unit: str, facts: Iterable[SiteFact], span: Span) -> Line:
    fact = kpi_facts.state(facts, kind, span)
    label = _without_unit(kind)
    if fact is None:
        return Line("II", code, label, None, unit, "", _("a fact of the site"))
    return Line("II", code, label, fact.value, unit, fact.source)


def _without_unit(kind: Kind) -> str:
    return str(kind.label).rsplit(",", 1)[0]


def _amount(code: str, kinds: Iterable[Kind], unit: str, facts: Iterable[SiteFact], span: Span) -> Line:
    chosen = tuple(kinds)
    label = _("renewable energy") if len(chosen) > 1 else _without_unit(chosen[0])
    found = kpi_facts.amount(facts, [kind.value for kind in chosen], span)
    if found is None:
        return Line("II", code, label, None, unit, "", _("an amount of the year"))
    return Line("II", code, label, found.value, unit, found.source)


def _began(site: Site) -> Line:
    label = _("year and month of operation")
    if site.live_since_on is None:
        return Line("I", "", label, None, "", "", _("the day since which the site is live"))
    return Line("I", "", label, f"{site.live_since_on:%Y-%m}", "", _("record of the site"))


def _period(site: Site, span: Span) -> Line:
    """The months that are summed: a year of which only a part is known is reported with that part."""
    label = _("months reported")
    rows = KpiSum.objects.filter(site=site, month_on__gte=span.first, month_on__lt=span.until, known_count__gt=0)
    found = rows.aggregate(first=Min("month_on"), last=Max("month_on"))
    if found["first"] is None:
        return Line("I", "", label, None, "", "", _("settled quarter hours"))
    value = f"{found['first']:%Y-%m} – {found['last']:%Y-%m}"
    whole = (found["first"].month, found["last"].month) == (1, 12)
    return Line("I", "", label, value, "", _("heat ledger"), is_partly_known=not whole)


def _power(site: Site, facts: Iterable[SiteFact], span: Span) -> Line:
    rated = kpi_facts.state(facts, Kind.RATED_IT, span)
    if rated is not None:
        return Line("II", "PDIT", _("rated IT load"), rated.value, "kW", rated.source)
    return Line("II", "PDIT", _("installed IT power demand"), site.installed_it_kw, "kW", _("record of the site"))


def _metered(code: str, name: str, unit: str, known: kpi_ledger.Sums, given: dict[str, Known]) -> Line:
    label = str(kpi_words.INPUTS[name])
    total = known.get(name)
    if total is not None and total.value is not None:
        share = _("meters, known for %(share).1f %% of the months reported") % {"share": 100 * total.known_ratio}
        return Line("II", code, label, total.value, unit, share, is_partly_known=total.known_ratio < ENOUGH_RATIO)
    if name in given:
        return Line("II", code, label, given[name].value, unit, given[name].source)
    return Line("II", code, label, None, unit, "", _("a meter, or an amount of the year"))


def _waste_heat(site: Site, span: Span, known: kpi_ledger.Sums) -> list[Line]:
    """TWH: the time average of the fluid that cooled the IT where it enters the recovery exchanger, and weighted.

    Where nothing is measured there, the supply at the delivery points stands for it, and says so: it is another mean
    of another place.
    """
    period = local_days(span.first, span.until, site.zone)
    found = equipment_figures.waste_heat_temperature(site=site, period=period)
    label = _("average waste-heat temperature, over time")
    if found.time_mean_c is None:
        return [_supply_instead(label, known)]
    place = _("where the fluid enters %(tags)s, known for %(share).1f %% of the year") % {
        "tags": ", ".join(point.tag for point in found.points),
        "share": 100 * found.known_ratio,
    }
    if found.place != EquipmentModel.Kind.PLATE_EXCHANGER:
        place += "; " + _("no exchanger is measured, the heat pump stands for it")
    is_part = found.known_ratio < ENOUGH_RATIO or found.place != EquipmentModel.Kind.PLATE_EXCHANGER
    lines = [Line("II", "TWH", label, found.time_mean_c, "°C", place, is_partly_known=is_part)]
    if found.heat_weighted_c is not None:
        weighted = _("average waste-heat temperature, weighted by heat (not asked for)")
        lines.append(
            Line("II", "TWH (weighted)", weighted, found.heat_weighted_c, "°C", place, is_partly_known=is_part)
        )
    return lines


def _supply_instead(label: str, known: kpi_ledger.Sums) -> Line:
    shown = kpi_ledger.shown(figures.BY_KEY["supply_vw"], known, {})
    if shown.value is None:
        waits = _("temperature sensors where the fluid enters the recovery exchanger")
        return Line("II", "TWH", label, None, "°C", "", waits)
    origin = _(
        "not measured at the recovery exchanger: supply at the delivery points, weighted by volume, stands for it"
    )
    return Line("II", "TWH", label, shown.value, "°C", origin, is_partly_known=True)


def _cooling_days(site: Site, span: Span) -> Line:
    label = _("cooling degree days, base 21 °C")
    found = kpi_facts.cooling_days(site=site, span=span)
    if not found.known_count:
        return Line("II", "CDD", label, None, "K·d", "", _("weather of the site"))
    words = _("imported weather, %(known)s of %(expected)s days")
    expected = (span.until - span.first).days
    origin = words % {"known": found.known_count, "expected": expected}
    return Line("II", "CDD", label, found.total_kd, "K·d", origin, is_partly_known=found.known_count < expected)


def _indicator(code: str, shown: kpi_ledger.Shown) -> Line:
    figure = shown.figure
    label = str(kpi_words.FIGURES[figure.key])
    if shown.value is None:
        words = {**kpi_words.INPUTS, **kpi_words.FACTS}
        waits = ", ".join(str(words.get(name, name)) for name in shown.missing)
        return Line("III", code, label, None, "", "", waits)
    unit = "m³/MWh" if code == "WUE" else ""
    return Line("III", code, label, shown.value, unit, figure.formula, is_partly_known=shown.is_estimated)


def _quotas(site: Site, year: int, values: dict[str, float | None]) -> list[Judged]:
    rows = LegalQuota.objects.filter(country=site.country).exclude(
        Q(valid_until__isnull=False) & Q(valid_until__lte=f"{year}-01-01")
    )
    return [
        Judged(
            row,
            str(kpi_words.FIGURES[row.figure]),
            values.get(row.figure),
            disclosure.standing(
                disclosure.Quota(
                    row.limit_ratio,
                    row.is_upper,
                    row.valid_from,
                    row.valid_until,
                    row.least_kw,
                    row.began_from,
                    row.began_before,
                    row.grace_years,
                ),
                values.get(row.figure),
                year=year,
                installed_it_kw=site.installed_it_kw,
                began_on=site.live_since_on,
            ),
        )
        for row in rows
    ]
