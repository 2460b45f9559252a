"""Rules in words: what each threshold and each value of a finding is called, its unit, and which numbers are fixed.

A threshold is named with its rule, because the same name means another thing elsewhere; a value of a finding means the
same in every rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.dateparse import parse_date
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from thermal.domain import differences
from thermal.domain.validation import checked_thresholds, device, flows, limits, places
from thermal.domain.validation.vocabulary import SENSOR_CODES_C, UNKNOWN_DIFFERENCE_K
from thermal.queries.rule_book import settlement_power_ratio

Label = tuple[Any, Any]
"""What a number is called, and its unit or what it is a multiple of."""
Shown = tuple[str, str, str]
"""A label, a value and a unit, in the reader's language."""

_INTERVALS: Final = gettext_lazy("× usual interval")
_STEPS: Final = gettext_lazy("× step of the register")
_QP: Final = gettext_lazy("× permanent flow qp")
_OF_ALL: Final = gettext_lazy("share of all quarter hours")
_OF_SOURCE: Final = gettext_lazy("share of the source's heat")

THRESHOLDS: Final[dict[tuple[str, str], Label]] = {
    ("V01", "gap_factor"): (gettext_lazy("pause that is a gap, from"), _INTERVALS),
    ("V01", "long_gap_h"): (gettext_lazy("missing time that is grave, from"), "h"),
    ("V02", "warn_s"): (gettext_lazy("clock wrong, from"), "s"),
    ("V02", "reject_s"): (gettext_lazy("clock gravely wrong, from"), "s"),
    ("V04", "power_ratio"): (gettext_lazy("most that a register can rise"), gettext_lazy("× greatest power × time")),
    ("V04", "flow_ratio"): (gettext_lazy("most that can flow"), _QP),
    ("V05", "excess_ratio"): (
        gettext_lazy("rise above the third highest of the day, from"), gettext_lazy("× third highest"),
    ),
    ("V05", "step_count"): (gettext_lazy("smallest rise that is looked at"), _STEPS),
    ("V06", "interval_count"): (gettext_lazy("intervals without a step, from"), gettext_lazy("intervals")),
    ("V06", "flow_ratio"): (gettext_lazy("flow that must bring heat, from"), _QP),
    ("V06", "step_count"): (gettext_lazy("heat that is missing, from"), _STEPS),
    ("V07", "margin_ratio"): (gettext_lazy("error allowed beyond the class"), gettext_lazy("share of the heat")),
    ("V07", "block_ratio"): (gettext_lazy("error that is grave, from"), gettext_lazy("share of the heat")),
    ("V07", "step_count"): (gettext_lazy("smallest error that is looked at"), _STEPS),
    ("V07", "energy_step_m3c"): (gettext_lazy("step of the registers E8 and E9"), "m³·°C"),
    ("V08", "better_ratio"): (gettext_lazy("other side fits better by more than"), gettext_lazy("share of the heat")),
    ("V08", "step_count"): (gettext_lazy("heat that must have passed"), _STEPS),
    ("V09", "difference_k"): (gettext_lazy("return warmer than supply by more than"), "K"),
    ("V09", "flow_ratio"): (gettext_lazy("flow that counts, from"), _QP),
    ("V09", "minutes"): (gettext_lazy("for at least"), "min"),
    ("V09", "energy_step_m3c"): (gettext_lazy("step of the registers E8 and E9"), "m³·°C"),
    ("V10", "info_mask"): (gettext_lazy("information bits that forbid billing"), ""),
    ("V11", "difference_k"): (gettext_lazy("contradiction that is tolerated"), "K"),
    ("V12", "error_h"): (gettext_lazy("error hours that are tolerated"), "h"),
    ("V13", "share_ratio"): (gettext_lazy("operating hours, at least"), gettext_lazy("share of the time")),
    ("V13", "counter_step_h"): (gettext_lazy("step of the counter of hours"), "h"),
    ("V14", "least_loss_ratio"): (gettext_lazy("smallest loss that is possible"), _OF_SOURCE),
    ("V14", "most_loss_ratio"): (gettext_lazy("largest loss that is usual"), _OF_SOURCE),
    ("V14", "known_ratio"): (gettext_lazy("known, at least"), _OF_ALL),
    ("V15", "tolerated_ratio"): (gettext_lazy("most heat that IT can give"), gettext_lazy("× IT energy")),
    ("V16", "zero_h"): (gettext_lazy("without heat although called for, from"), "h"),
    ("V17", "least_ratio"): (gettext_lazy("least, against the year before"), gettext_lazy("× expected heat")),
    ("V17", "most_ratio"): (gettext_lazy("most, against the year before"), gettext_lazy("× expected heat")),
    ("V17", "known_ratio"): (gettext_lazy("known of either month, at least"), _OF_ALL),
    ("V17", "least_kd"): (gettext_lazy("degree days of either month to adjust by, at least"), "K·d"),
    ("V19", "volume_ratio"): (
        gettext_lazy("water below the smallest difference, more than"), gettext_lazy("share of the volume"),
    ),
}  # fmt: skip

VALUES: Final[dict[str, Label]] = {
    "after_kwh": (gettext_lazy("register after"), "kWh"),
    "allowed_ratio": (gettext_lazy("error that the class allows"), "%"),
    "base_kwh": (gettext_lazy("taken whatever the weather"), "kWh"),
    "before_kwh": (gettext_lazy("register before"), "kWh"),
    "better_ratio": (gettext_lazy("fits better by"), "%"),
    "by_degree_days": (gettext_lazy("adjusted to the weather"), ""),
    "comparison": (gettext_lazy("compared"), ""),
    "declared": (gettext_lazy("declared side of the flow sensor"), ""),
    "degree_days_kd": (gettext_lazy("degree days of the month"), "K·d"),
    "delivered_kwh": (gettext_lazy("heat delivered"), "kWh"),
    "difference_k": (gettext_lazy("temperature difference"), "K"),
    "doubt": (gettext_lazy("not counted because"), ""),
    "error_h": (gettext_lazy("error hours"), "h"),
    "error_ratio": (gettext_lazy("error"), "%"),
    "expected_kwh": (gettext_lazy("heat to be expected"), "kWh"),
    "fits": (gettext_lazy("side that fits"), ""),
    "flow_m3h": (gettext_lazy("flow"), "m³/h"),
    "heat_kwh": (gettext_lazy("heat"), "kWh"),
    "heat_pump_kwh": (gettext_lazy("electricity of heat pumps"), "kWh"),
    "hours": (gettext_lazy("lasted"), "h"),
    "implied_kwh": (gettext_lazy("heat by water and temperatures"), "kWh"),
    "in_file": (gettext_lazy("seen in a file"), ""),
    "info_bits": (gettext_lazy("information bits"), ""),
    "interval_count": (gettext_lazy("intervals"), ""),
    "interval_s": (gettext_lazy("usual interval"), "s"),
    "is_over": (gettext_lazy("told in kWh again"), ""),
    "it_kwh": (gettext_lazy("IT energy"), "kWh"),
    "loss_ratio": (gettext_lazy("loss"), "%"),
    "low_ratio": (gettext_lazy("share of the volume"), "%"),
    "low_volume_m3": (gettext_lazy("volume at small differences"), "m³"),
    "medium": (gettext_lazy("medium"), ""),
    "min_difference_k": (gettext_lazy("smallest difference of the meter"), "K"),
    "minutes": (gettext_lazy("lasted"), "min"),
    "missing_h": (gettext_lazy("missing"), "h"),
    "most_kwh": (gettext_lazy("greatest heat"), "kWh"),
    "most_m3h": (gettext_lazy("greatest flow of the meter"), "m³/h"),
    "next_kwh": (gettext_lazy("next register"), "kWh"),
    "off_k": (gettext_lazy("contradiction"), "K"),
    "offset_s": (gettext_lazy("clock ahead"), "s"),
    "operating_h": (gettext_lazy("operating hours"), "h"),
    "ratio": (gettext_lazy("of what was to be expected"), "%"),
    "reading_count": (gettext_lazy("readings"), ""),
    "register_kwh": (gettext_lazy("register that stands still"), "kWh"),
    "return_c": (gettext_lazy("return"), "°C"),
    "return_kwh": (gettext_lazy("heat with the sensor in the return"), "kWh"),
    "row_count": (gettext_lazy("rows of the file"), ""),
    "source_kwh": (gettext_lazy("heat of the source"), "kWh"),
    "supply_c": (gettext_lazy("supply"), "°C"),
    "supply_kwh": (gettext_lazy("heat with the sensor in the supply"), "kWh"),
    "third_kwh": (gettext_lazy("third highest of the day"), "kWh"),
    "told_kwh": (gettext_lazy("heat that the meter told"), "kWh"),
    "unit": (gettext_lazy("unit that was told"), ""),
    "verified_until_on": (gettext_lazy("verified until"), ""),
    "volume_m3": (gettext_lazy("volume"), "m³"),
    "year_before_kd": (gettext_lazy("degree days of the month a year before"), "K·d"),
    "year_before_kwh": (gettext_lazy("heat of the month a year before"), "kWh"),
}
PERCENT: Final = frozenset(name for name, (_label, unit) in VALUES.items() if unit == "%")
_WORDS: Final[dict[str, dict[str, Any]]] = {
    "medium": {"glycol": gettext_lazy("water and glycol")},
    "declared": {"supply": gettext_lazy("supply"), "return": gettext_lazy("return")},
    "fits": {"supply": gettext_lazy("supply"), "return": gettext_lazy("return")},
    "doubt": {
        "decreased": gettext_lazy("the register fell"),
        "implausible": gettext_lazy("more than the greatest power can bring"),
    },
    "comparison": {
        "degree_days": gettext_lazy("adjusted to the weather by degree days"),
        "no_dependence": gettext_lazy("as it is: the demand does not follow the weather"),
        "no_weather": gettext_lazy("as it is: the weather of a day of one of the months is not known"),
        "no_heating": gettext_lazy("as it is: too few degree days in one of the months"),
    },
}
_SETTLED: Final = gettext_lazy("× greatest power × time")


@dataclass(frozen=True, slots=True)
class FixedNumber:
    """A number of a rule that no row changes, because settlement counts by it or because it defines the rule."""

    label: Any
    value: float
    unit: Any = ""

    def shown(self) -> Shown:
        """The label, the value and the unit, in the reader's language."""
        return str(self.label), number(self.value), str(self.unit)


def fixed_numbers(rule: str) -> list[FixedNumber]:
    """The numbers by which a rule judges beside its thresholds."""
    return [FixedNumber(label, float(value), unit) for label, value, unit in _fixed().get(rule, ())]


def _fixed() -> dict[str, tuple[tuple[Any, Any, Any], ...]]:
    least_volume = (gettext_lazy("smallest volume by which E8 and E9 are divided"), flows.LEAST_VOLUME_M3, "m³")
    unknown_k = (gettext_lazy("smallest difference of a meter that states none"), UNKNOWN_DIFFERENCE_K, "K")
    unknown_qp = (gettext_lazy("permanent flow of a meter that states none"), limits.UNKNOWN_QP_M3H, "m³/h")
    display = (gettext_lazy("grace for the display"), differences.STEPS_OF_DISPLAY, _STEPS)
    settled = (gettext_lazy("settlement counts up to"), settlement_power_ratio(), _SETTLED)
    modulus = gettext_lazy("× end of the counter")
    sensor = gettext_lazy("temperature that stands for a broken sensor")
    by_kelvin = gettext_lazy("tolerated where temperatures are told by the kelvin")
    one_hour = device.STEP_OF_HOURS.total_seconds() / 3600
    return {
        "V03": (
            (gettext_lazy("a register that rolls over stands above"), differences.NEAR_END_RATIO, modulus),
            (gettext_lazy("and then below"), differences.NEAR_START_RATIO, modulus),
            (gettext_lazy("another unit fits within"), differences.UNIT_TOLERANCE_RATIO, _("× register")),
            (gettext_lazy("smallest register at which that is looked for"), differences.FEWEST_STEPS_FOR_UNIT, _STEPS),
            settled, display,
        ),
        "V04": (settled, display),
        "V05": (
            (gettext_lazy("a lone reading stands out, where no greatest power is known, above"),
             differences.OUTLIER_FACTOR, gettext_lazy("× rise around it")),
            settled, display,
        ),
        "V06": (unknown_k, unknown_qp, least_volume),
        "V07": (unknown_k, least_volume),
        "V08": (least_volume,),
        "V09": (unknown_qp, least_volume),
        "V10": tuple((sensor, code, "°C") for code in SENSOR_CODES_C),
        "V11": ((by_kelvin, device.KELVIN_RESOLUTION_K, "K"),),
        "V12": ((gettext_lazy("stretches nearer than this are one"), one_hour, "h"),),
        "V15": ((gettext_lazy("known, at least"), places.WHOLE_RATIO, _OF_ALL),),
        "V19": (unknown_k, least_volume),
    }  # fmt: skip


def thresholds_of(rule: str, stored: Mapping[str, float]) -> list[tuple[str, str, str, str]]:
    """The thresholds by which a row judges: label, value, unit, and the proposed value where another one is set."""
    proposed = checked_thresholds(rule, {})
    rows = []
    for name, value in checked_thresholds(rule, stored).items():
        label, unit = label_of_threshold(rule, name)
        default = "" if value == proposed[name] else shown_threshold(name, proposed[name])
        rows.append((label, shown_threshold(name, value), unit, default))
    return rows


def label_of_threshold(rule: str, name: str) -> tuple[str, str]:
    """What a threshold is called and its unit, in the reader's language."""
    label, unit = THRESHOLDS[rule, name]
    return str(label), str(unit)


def shown_threshold(name: str, value: float) -> str:
    """A threshold as people read it."""
    return f"0x{int(value):X}" if name == "info_mask" else number(value)


def values_of(values: Mapping[str, Any]) -> list[Shown]:
    """The values of a finding with their labels and units; the thresholds that held are not among them."""
    return [
        (*_named(name, value), str(VALUES[name][1]) if name in VALUES else "")
        for name, value in values.items()
        if name != "limits"
    ]


def _named(name: str, value: Any) -> tuple[str, str]:
    # What an older version stored under another name is shown as it was stored.
    return str(VALUES[name][0]) if name in VALUES else name.replace("_", " "), shown_value(name, value)


def limits_of(rule: str, given: Mapping[str, float]) -> list[Shown]:
    """The thresholds that held when a finding was found."""
    known = checked_thresholds(rule, {})
    return [(*_limit(rule, name, value),) for name, value in given.items() if name in known]


def _limit(rule: str, name: str, value: float) -> Shown:
    label, unit = label_of_threshold(rule, name)
    return label, shown_threshold(name, value), unit


def shown_value(name: str, value: Any) -> str:
    """A value of a finding as people read it, without its unit."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in _WORDS:
        return str(_WORDS[name].get(value, value))
    if name == "verified_until_on" and (day := parse_date(value)):
        return date_format(day, "DATE_FORMAT")
    try:
        return _figure(name, float(value))
    except (TypeError, ValueError):
        return str(value)


def _figure(name: str, value: float) -> str:
    if name == "info_bits":
        return f"0x{int(value):X}"
    if name in PERCENT:
        return number_format(100 * value, decimal_pos=1, use_l10n=True)
    return number_format(value, decimal_pos=0 if value == int(value) else 2, use_l10n=True, force_grouping=True)


def number(value: float) -> str:
    """A number as people read it, with as many decimals as it has, up to five."""
    return number_format(f"{float(value):.5f}".rstrip("0").rstrip("."), use_l10n=True, force_grouping=True)
