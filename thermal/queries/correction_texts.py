"""Corrections in words: how heat was estimated, and why no better method was taken."""

from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from thermal.models import Correction
from thermal.models.corrections import EstimationMethod

_HOW: Final = {
    EstimationMethod.CHECK_METER: _(
        "What the site's other heat meters leave for its only delivery point: captured, plus heat pump, less rejected "
        "and stored."
    ),
    EstimationMethod.REGISTERS: _(
        "The difference between the registers on both sides stays the total; it is divided like the same hours of "
        "earlier weeks, or evenly where those are not known."
    ),
    EstimationMethod.LINEAR: _("A straight line from the quarter hour before to the one after."),
    EstimationMethod.FROM_VOLUME: _(
        "The water that passed, times its heat coefficient, times the difference between supply and return."
    ),
    EstimationMethod.HISTORY: _("The mean of the same weekday and time in up to three of the last eight weeks."),
    EstimationMethod.AVERAGE: _(
        "The mean of the periods before and after, the same in each quarter hour (as § 21 AVBFernwärmeV has it)."
    ),
}
_WHY_NOT: Final = {
    EstimationMethod.CHECK_METER: _(
        "The site's other meters do not tell captured and rejected heat for every quarter hour, or it has several "
        "delivery points."
    ),
    EstimationMethod.REGISTERS: _("The registers at both ends are not known, or do not contain this heat."),
    EstimationMethod.LINEAR: _("The gap is longer than two hours, or the heat just before or after is not known."),
    EstimationMethod.FROM_VOLUME: _("Volume and both temperatures are not known for every quarter hour."),
    EstimationMethod.HISTORY: _("For some quarter hour none of the last eight weeks is known."),
    EstimationMethod.AVERAGE: _("Neither the period before nor the one after is known well enough."),
}


def how(method: str, weather_ratio: float | None = None) -> str:
    """How the method finds heat, and whether that was adjusted to the weather, in the reader's language."""
    if not method:
        return ""
    words = str(_HOW[EstimationMethod(method)])
    if EstimationMethod(method) is not EstimationMethod.HISTORY:
        return words
    if weather_ratio is None:
        return f"{words} {gettext('Not adjusted to the weather.')}"
    factor = number_format(weather_ratio, decimal_pos=3, use_l10n=True)
    return f"{words} {gettext('Adjusted to the weather: %(factor)s times the degree days.') % {'factor': factor}}"


def passed_over(methods: list[str]) -> list[tuple[str, str]]:
    """Each better method with the reason why it was not taken."""
    known = [EstimationMethod(name) for name in methods if name in EstimationMethod.values]
    return [(str(one.label), str(_WHY_NOT[one])) for one in known]


def what_changes(correction: Correction) -> str:
    """What the correction does, in one sentence."""
    return str(_CHANGES[Correction.Kind(correction.kind)])


_CHANGES: Final = {
    Correction.Kind.EDIT: _("Registers are set right: what stood there before stays on record and no longer counts."),
    Correction.Kind.DISTRIBUTE: _("The heat between two registers is divided over its quarter hours; the total stays."),
    Correction.Kind.ADD: _("Heat that no register told is added, and shown as estimated up to the invoice."),
}
