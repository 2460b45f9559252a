"""The words of figures of equipment: verdicts on drift, and what to do."""

from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from thermal.domain.kpis.drift import Standing
from thermal.domain.kpis.heat_pump import Verdict
from thermal.queries import kpi_words
from thermal.queries.equipment_figures import Judged

STANDINGS: Final[dict[Standing, Any]] = {
    Standing.UNKNOWN: gettext_lazy("not known"),
    Standing.NO_BASELINE: gettext_lazy("no baseline yet"),
    Standing.STEADY: gettext_lazy("as at commissioning"),
    Standing.DRIFTED: gettext_lazy("drifted"),
    Standing.IMPOSSIBLE: gettext_lazy("fault of metering"),
}
_SEASONAL: Final = {
    "cop_h1": gettext_lazy("SCOP of the season, boundary H1"),
    "cop_h2": gettext_lazy("SCOP of the season, boundary H2"),
    "cop_h3": gettext_lazy("SCOP of the season, boundary H3 (economics)"),
    "cop_h4": gettext_lazy("SCOP of the season, boundary H4 (reporting)"),
}
_OF_EQUIPMENT: Final = {
    "cop_h1": gettext_lazy("COP, boundary H1"),
    "cop_h2": gettext_lazy("COP, boundary H2"),
    "cop_h3": gettext_lazy("COP, boundary H3 (economics)"),
    "cop_h4": gettext_lazy("COP, boundary H4 (reporting)"),
    "second_law": gettext_lazy("Second-law efficiency"),
    "approach": gettext_lazy("Approach under load"),
    "buffer_charge": gettext_lazy("State of charge"),
}


def label(key: str, *, is_season: bool) -> str:
    """The name of a figure of one piece of equipment; over a season a COP is a SCOP."""
    if is_season and key in _SEASONAL:
        return str(_SEASONAL[key])
    return str(_OF_EQUIPMENT.get(key, kpi_words.FIGURES[key]))


def sentence(judged: Judged) -> str:
    """What is so, in one sentence."""
    standing, change = judged.judgement.standing, judged.judgement.change
    if standing is Standing.IMPOSSIBLE:
        words = ngettext(
            "In %(count)s quarter hour the COP was at or above the limit of Carnot: no heat pump does that.",
            "In %(count)s quarter hours the COP was at or above the limit of Carnot: no heat pump does that.",
            judged.impossible_count,
        )
        return words % {"count": judged.impossible_count}
    if standing is Standing.UNKNOWN and judged.figure.key == "approach":
        return _(
            "Nothing is known of this period: temperatures where the hot side enters and the cold side leaves are "
            "needed, under load."
        )
    if standing is Standing.UNKNOWN:
        return _("Nothing is known of this period: temperatures on all four pipes, heat and electricity are needed.")
    if change is None:
        return _("There is nothing to compare with: no record of the commissioning, and no full month yet.")
    if judged.figure.key == "approach":
        return _("The approach changed by %(by)+.1f K since the baseline; %(limit).1f K are tolerated.") % {
            "by": change,
            "limit": judged.limit.value,
        }
    return _("The efficiency changed by %(by)+.1f %% of the baseline; a drop of %(limit).0f %% is tolerated.") % {
        "by": -100 * change,
        "limit": 100 * judged.limit.value,
    }


_ACTIONS: Final = {
    (Standing.DRIFTED, "approach"): gettext_lazy(
        "Have the exchanger cleaned, and look at strainers and flows on both sides: at equal load a rise means dirt or "
        "scale."
    ),
    (Standing.DRIFTED, "second_law"): gettext_lazy(
        "Have the refrigerant charge, the exchangers and the strainers checked: at equal temperatures a drop means "
        "fouling or lost refrigerant."
    ),
    (Standing.IMPOSSIBLE, "second_law"): gettext_lazy(
        "Compare the heat and the electricity meter with each other, and check which pipe each temperature sensor sits "
        "on. These quarter hours are left out of the efficiency."
    ),
    (Standing.NO_BASELINE, "approach"): gettext_lazy("Enter the approach of the commissioning record."),
    (Standing.NO_BASELINE, "second_law"): gettext_lazy("Enter the efficiency of the commissioning record."),
}


def action(judged: Judged) -> str:
    """What to do; nothing where all is well."""
    return str(_ACTIONS.get((judged.judgement.standing, judged.figure.key), ""))


def band(judged: Judged) -> str:
    """Where an efficiency lies beside those found in the field; nothing for other figures."""
    if judged.band is None or judged.place is None:
        return ""
    low, high = judged.band
    facts = {"low": 100 * low.value, "high": 100 * high.value, "source": low.source}
    words = {
        Verdict.LOW: _("Below the usual %(low).0f to %(high).0f %% (%(source)s): look for sensors in the wrong place."),
        Verdict.HIGH: _("Above the usual %(low).0f to %(high).0f %% (%(source)s): doubt the meters first."),
        Verdict.USUAL: _("Within the usual %(low).0f to %(high).0f %% (%(source)s)."),
    }
    return words[judged.place] % facts
