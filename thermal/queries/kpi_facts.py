"""Facts of a period that no meter told, for the key figures: each with its value and where it stands."""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from hosting.models import DeliveryPoint, Site
from thermal.domain.kpis import avoided, disclosure
from thermal.models import EmissionFactor, SiteFact, WeatherDay, WeatherDependence

Kind = SiteFact.Kind
# The European default where a country has no factor of its own.
UNION = "EU"
# Annex II of Delegated Regulation (EU) 2024/1364.
COOLING_BASE_C = 21.0
RENEWABLES = (Kind.REN_GOO, Kind.REN_PPA, Kind.REN_OWN)


class Place(Protocol):
    """What key figures read of a site: the model, or a row with these fields."""

    @property
    def pk(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def time_zone(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Known:
    """A fact of a period: its value, where that was said, and whether somebody checked it."""

    value: float
    source: str
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """Whole local months: from the first day until a later one, exclusive."""

    first: dt.date
    until: dt.date

    @property
    def middle(self) -> dt.date:
        """The day in the middle, for states that hold at a time."""
        return self.first + (self.until - self.first) / 2


def facts_of_sites(
    *, sites: Iterable[Place], span: Span, needed: Iterable[str] | None = None
) -> dict[int, dict[str, Known]]:
    """What is known of each site in the span, by site and name; at most three queries, none where nothing is needed."""
    return facts_of_spans(sites=sites, spans=[span], needed=needed).get(span, {})


def facts_of_spans(
    *, sites: Iterable[Place], spans: Sequence[Span], needed: Iterable[str] | None = None
) -> dict[Span, dict[int, dict[str, Known]]]:
    """What is known of each site in each of the spans; as many queries as for one."""
    wanted = None if needed is None else set(needed)
    if not spans or (wanted is not None and not wanted):
        return {}
    listed = list(sites)
    whole = Span(min(span.first for span in spans), max(span.until for span in spans))
    stated = _stated(listed, whole)
    factors = _factors(listed) if wanted is None or wanted & {"grid_g_per_kwh", "fuel_g_per_kwh"} else {}
    weather = _weather(listed, whole) if wanted is None or "heating_kd" in wanted else {}
    found: dict[Span, dict[int, dict[str, Known]]] = {}
    for span in spans:
        in_span = {site.pk: [fact for fact in stated[site.pk] if _holds(fact, span)] for site in listed}
        found[span] = {pk: _of_site(facts, span) if facts else {} for pk, facts in in_span.items()}
        if factors:
            _add_factors(listed, factors, in_span, span, found[span])
        if weather:
            _add_weather(listed, weather, in_span, span, found[span])
    return found


def _stated(sites: list[Place], span: Span) -> Mapping[int, list[SiteFact]]:
    rows: Any = SiteFact.objects.filter(site__in=[site.pk for site in sites], valid_from__lt=span.until)
    by_site: dict[int, list[SiteFact]] = defaultdict(list)
    for fact in rows.exclude(valid_until__lte=span.first).order_by("valid_from"):
        by_site[fact.site_id].append(fact)
    return by_site


def _holds(fact: SiteFact, span: Span) -> bool:
    return fact.valid_from < span.until and (fact.valid_until is None or fact.valid_until > span.first)


def state(facts: Iterable[SiteFact], kind: str, span: Span) -> SiteFact | None:
    """The fact of a kind that held in the middle of the span, else the latest in it."""
    rows = [fact for fact in facts if fact.kind == kind]
    for fact in rows:
        if fact.valid_from <= span.middle and (fact.valid_until is None or fact.valid_until > span.middle):
            return fact
    return rows[-1] if rows else None


def amount(facts: Iterable[SiteFact], kinds: Iterable[str], span: Span) -> Known | None:
    """What amounts add up to in the span, each cut by days to it; None where none was entered."""
    chosen = set(kinds)
    rows = [fact for fact in facts if fact.kind in chosen and fact.value is not None and fact.valid_until]
    if not rows:
        return None
    total, is_cut = 0.0, False
    for fact in rows:
        until = fact.valid_until or span.until
        days = (min(until, span.until) - max(fact.valid_from, span.first)).days
        share = days / (until - fact.valid_from).days
        is_cut = is_cut or share < 1
        total += share * (fact.value or 0.0)
    source = ", ".join(dict.fromkeys(fact.source for fact in rows))
    return Known(total, _("%(source)s (cut by days)") % {"source": source} if is_cut else source)


def _of_site(facts: list[SiteFact], span: Span) -> dict[str, Known]:
    found = {}
    for kind in (Kind.BOILER, Kind.HEAT_PRICE):
        fact = state(facts, kind, span)
        if fact is not None and fact.value is not None:
            found[kind.value] = Known(fact.value, fact.source)
    renewable, water = amount(facts, RENEWABLES, span), amount(facts, [Kind.WATER], span)
    if renewable:
        found["renewable_kwh"] = renewable
    if water:
        found["water_m3"] = water
    backup = state(facts, Kind.BACKUP, span)
    if backup is not None and backup.value == 0:
        # With no backup heater, the boundaries H3 and H4 are those of the heat pump and its pumps.
        for name in ("backup_kwh", "backup_heat_kwh"):
            found[name] = Known(0.0, backup.source)
    total = amount(facts, [Kind.TOTAL], span)
    if total:
        found["total_kwh"] = total
    return found


def _factors(sites: Iterable[Place]) -> dict[tuple[str, str], list[EmissionFactor]]:
    by_place: dict[tuple[str, str], list[EmissionFactor]] = defaultdict(list)
    for factor in EmissionFactor.objects.filter(country__in={UNION, *(site.country for site in sites)}):
        by_place[factor.country, factor.carrier].append(factor)
    return by_place


def _add_factors(
    sites: list[Place],
    by_place: Mapping[tuple[str, str], list[EmissionFactor]],
    stated: Mapping[int, list[SiteFact]],
    span: Span,
    found: dict[int, dict[str, Known]],
) -> None:
    known_of = functools.cache(lambda country, carrier: _factor(by_place.get((country, carrier), []), span))
    for site in sites:
        fuel = state(stated[site.pk], Kind.FUEL, span)
        carriers = {"grid_g_per_kwh": EmissionFactor.Carrier.GRID.value}
        if fuel is not None:
            carriers["fuel_g_per_kwh"] = fuel.words
        for name, carrier in carriers.items():
            known = known_of(site.country, carrier) or known_of(UNION, carrier)
            if known:
                found[site.pk][name] = known


def _factor(rows: list[EmissionFactor], span: Span) -> Known | None:
    by_factor = {avoided.Factor(row.emission_g_per_kwh, row.valid_from, row.valid_until): row for row in rows}
    chosen = avoided.factor_of(by_factor, span.first, span.until)
    if chosen is None:
        # The latest year that was published stands in for one that is not, and says so.
        older = [factor for factor in by_factor if factor.valid_from < span.until]
        if not older:
            return None
        row = by_factor[max(older, key=lambda factor: factor.valid_from)]
        words = _("%(source)s, of %(year)s: none is entered for the period")
        return Known(
            row.emission_g_per_kwh, words % {"source": row.source, "year": row.valid_from.year}, is_verified=False
        )
    row = by_factor[chosen]
    return Known(row.emission_g_per_kwh, row.source, row.is_verified)


def _weather(sites: Iterable[Place], span: Span) -> dict[int, list[WeatherDay]]:
    days: dict[int, list[WeatherDay]] = defaultdict(list)
    rows = WeatherDay.objects.filter(
        site__in=[site.pk for site in sites], day_on__gte=span.first, day_on__lt=span.until
    )
    for day in rows:
        days[day.site_id].append(day)
    return days


def _add_weather(
    sites: list[Place],
    days: Mapping[int, list[WeatherDay]],
    stated: Mapping[int, list[SiteFact]],
    span: Span,
    found: dict[int, dict[str, Known]],
) -> None:
    """Heating degree days of whole spans: as imported, or from mean temperatures and the base of the site."""
    for site in sites:
        known = [day for day in days.get(site.pk, []) if span.first <= day.day_on < span.until]
        if not known:
            continue
        stated_base = state(stated[site.pk], Kind.BASE_LOAD, span)
        base_c = stated_base.value if stated_base and stated_base.value is not None else heating_base_c()
        total = sum(
            disclosure.degree_days(day.mean_c or 0.0, base_c) if day.heating_kd is None else day.heating_kd
            for day in known
        )
        expected = (span.until - span.first).days
        source = ", ".join(dict.fromkeys(day.source for day in known if day.source))
        words = _("%(source)s, %(known)s of %(expected)s days") % {
            "source": source or _("imported"),
            "known": len(known),
            "expected": expected,
        }
        found[site.pk]["heating_kd"] = Known(total, words, len(known) >= expected)


def heating_days_by_day(*, site: Site, span: Span, base_c: float) -> dict[dt.date, float]:
    """The heating degree days of each day of the span whose weather is known, in K·d: as imported, or by the base."""
    rows: Any = WeatherDay.objects.filter(site=site, day_on__gte=span.first, day_on__lt=span.until)
    return {
        day_on: disclosure.degree_days(mean_c or 0.0, base_c) if kd is None else kd
        for day_on, mean_c, kd in rows.values_list("day_on", "mean_c", "heating_kd")
    }


def heating_days_kd(*, site: Site, span: Span, base_c: float) -> float | None:
    """The heating degree days of the span in K·d; None where the weather of one of its days is not known."""
    known = heating_days_by_day(site=site, span=span, base_c=base_c)
    return sum(known.values()) if len(known) == (span.until - span.first).days else None


def base_of_site_c(*, site: Site, span: Span) -> float:
    """The base of the site's heating degree days in °C: as stated for the span, else that of the settings."""
    facts = SiteFact.objects.filter(site=site, kind=Kind.BASE_LOAD, valid_from__lt=span.until)
    stated = state(facts.exclude(valid_until__lte=span.first).order_by("valid_from"), Kind.BASE_LOAD, span)
    return heating_base_c() if stated is None or stated.value is None else stated.value


def dependence_of(*, point: DeliveryPoint, on: dt.date) -> WeatherDependence | None:
    """What is stated about the weather and the demand of a delivery point on a day; None where it follows none."""
    rows: Any = WeatherDependence.objects.filter(delivery_point=point, valid_from__lte=on)
    found: WeatherDependence | None = rows.exclude(valid_until__lte=on).first()
    return found


def heating_base_c() -> float:
    """The outdoor temperature below which heating is counted, where a site states none."""
    return float(getattr(settings, "THERMAL_HEATING_BASE_C", 15.0))


@dataclass(frozen=True, slots=True)
class CoolingDays:
    """Cooling degree days in K·d, and the count of days whose mean temperature is known."""

    total_kd: float
    known_count: int


def cooling_days(*, site: Site, span: Span, base_c: float = COOLING_BASE_C) -> CoolingDays:
    """The cooling degree days of the span above the base of the regulation, and of how many days they are."""
    rows: Any = WeatherDay.objects.filter(
        site=site, day_on__gte=span.first, day_on__lt=span.until, mean_c__isnull=False
    )
    means = list(rows.values_list("mean_c", flat=True))
    return CoolingDays(sum(disclosure.degree_days(mean_c, base_c, is_cooling=True) for mean_c in means), len(means))
