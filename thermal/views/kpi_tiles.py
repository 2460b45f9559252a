"""Key figures as pages show them: value and unit, what they wait for, trend, and where they come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from hosting.models import Site
from kernel.periods import Period
from thermal.domain.kpis import figures
from thermal.queries import kpi_words
from thermal.queries.kpi_ledger import Shown

# Below this share a figure is too patchy to be set against another period.
COMPARABLE_RATIO: Final = 0.95
# From this share on, a figure counts as known throughout.
WHOLE_RATIO: Final = 0.9995
_FLAT: Final = 0.0005
# What rounds to nothing on the tile is no change.
_FLAT_K: Final = 0.05


def in_percent(figure: figures.Figure) -> bool:
    """Whether people read the figure as percent."""
    return figure.unit == "1"


def unit_on_screen(figure: figures.Figure) -> str:
    """The unit as people read it: shares as percent."""
    return "%" if in_percent(figure) else figure.unit


def scaled(figure: figures.Figure, value: float) -> float:
    """The value as people read it: shares as percent."""
    return value * 100 if in_percent(figure) else value


def on_screen(shown: Shown) -> dict[str, Any]:
    """A figure's value and unit as people read them."""
    value = None if shown.value is None else scaled(shown.figure, shown.value)
    return {"value": value, "unit": unit_on_screen(shown.figure)}


def waits_for(shown: Shown) -> list[str]:
    """The names of what a figure waits for, in words."""
    if shown.value is None and not shown.missing:
        return [_("something to divide by: the divisor is zero")]
    words = {**kpi_words.INPUTS, **kpi_words.FACTS}
    return [str(words.get(name, name)) for name in shown.missing]


def quality(shown: Shown) -> str:
    """How well a figure is known, in words."""
    share = number_format(100 * shown.known_ratio, decimal_pos=1, use_l10n=True)
    words = _("known for %(share)s %% of the quarter hours") % {"share": share}
    if shown.is_uneven:
        words += "; " + _("its parts are known for different times")
    if any(not fact.is_verified for fact in shown.facts.values()):
        words += "; " + _("a factor in it is an unverified default")
    return words


@dataclass(frozen=True, slots=True)
class Trend:
    """By how much a figure differs from that of an earlier period; `direction` is up, down or flat."""

    direction: str
    text: str
    is_good: bool | None
    versus: str


def trend(now: Shown, before: Shown, versus: str) -> Trend | None:
    """The change against an earlier period; None where one of the two is not known well enough to compare."""
    if now.value is None or before.value is None:
        return None
    if min(now.known_ratio, before.known_ratio) < COMPARABLE_RATIO:
        return None
    change, text = _change(now.figure, now.value, before.value)
    if change is None:
        return None
    if abs(change) < (_FLAT_K if now.figure.unit in {"°C", "K"} else _FLAT):
        return Trend("flat", "", None, versus)
    good = None if now.figure.better == 0 else (change > 0) == (now.figure.better > 0)
    return Trend("up" if change > 0 else "down", text, good, versus)


def _change(figure: figures.Figure, now: float, before: float) -> tuple[float | None, str]:
    """The change and its words: kelvin of temperatures, points of shares, else a share of the value before."""
    if figure.unit in {"°C", "K"}:
        return now - before, f"{_signed(now - before, 1)} K"
    if in_percent(figure):
        return now - before, _("%(points)s points") % {"points": _signed(100 * (now - before), 1)}
    if before == 0:
        return (0.0, "") if now == 0 else (None, "")
    share = (now - before) / abs(before)
    return share, f"{_signed(100 * share, 1)} %"


def _signed(value: float, digits: int) -> str:
    text = number_format(abs(value), decimal_pos=digits, use_l10n=True, force_grouping=True)
    return ("+" if value >= 0 else "\N{MINUS SIGN}") + text


def rows_of_period(site: Site, period: Period, **state: Any) -> str:
    """The address of the site's quarter hours of the period."""
    more = "".join(f"&{name}={value}" for name, value in state.items())
    window = f"?start={period.start:%Y-%m-%dT%H:%M}&end={period.end:%Y-%m-%dT%H:%M}{more}"
    return reverse("thermal:site_intervals", args=[site.pk]) + window


def tile(
    shown: Shown,
    *,
    site: Site,
    period: Period,
    period_words: str,
    versions: Iterable[Mapping[str, Any]] = (),
    notes: Iterable[str] = (),
    compared: Trend | None = None,
) -> dict[str, Any]:
    """A figure as tile, with where it comes from; `period_words` says of when."""
    figure, label = shown.figure, str(kpi_words.FIGURES[shown.figure.key])
    return {
        "key": figure.key,
        "label": label,
        **on_screen(shown),
        "formula": figure.formula,
        "notes": list(notes),
        "is_estimated": shown.is_estimated,
        "is_whole": shown.known_ratio >= WHOLE_RATIO,
        "known_ratio": shown.known_ratio,
        "waits_for": waits_for(shown),
        "trend": compared,
        "where_from": {
            "label": label,
            "formula": figure.formula,
            "inputs": [*_sums(shown, site, period), *_facts(shown, site, period)],
            "period": period_words,
            "quality": quality(shown),
            "versions": [*_boundary(figure), *versions, *_note(figure)],
        },
    }


def _sums(shown: Shown, site: Site, period: Period) -> list[dict[str, Any]]:
    """The sums with a link to their quarter hours."""
    rows = rows_of_period(site, period)
    return [
        {"label": str(kpi_words.INPUTS[name]), "value": one.value, "unit": kpi_words.unit_of(name), "url": rows}
        for name, one in shown.inputs.items()
    ]


def _facts(shown: Shown, site: Site, period: Period) -> list[dict[str, Any]]:
    """The facts with their sources, and a link to where they were entered."""
    year = period.start.astimezone(site.zone).year
    listed = reverse("thermal:regulation", args=[site.pk]) + f"?year={year}#facts"
    words = {**kpi_words.INPUTS, **kpi_words.FACTS}
    return [
        {
            "label": f"{words[name]} ({fact.source})",
            "value": fact.value,
            "unit": kpi_words.unit_of(name),
            "url": _where_stated(name, site, listed),
        }
        for name, fact in shown.facts.items()
    ]


def _where_stated(name: str, site: Site, facts_url: str) -> str:
    """The page on which people state a fact: factors and weather have their own."""
    if name in ("grid_g_per_kwh", "fuel_g_per_kwh"):
        return reverse("thermal:emissionfactor_list")
    return reverse("thermal:weather_site", args=[site.pk]) if name == "heating_kd" else facts_url


def _note(figure: figures.Figure) -> list[dict[str, Any]]:
    note = kpi_words.NOTES.get(figure.key)
    return [{"label": _("Note"), "value": note}] if note else []


def _boundary(figure: figures.Figure) -> list[dict[str, Any]]:
    found = [{"label": _("Boundary"), "value": kpi_words.BOUNDARIES[figure.boundary]}]
    if figure.source:
        found.append({"label": _("Source"), "value": figure.source})
    return found
