"""Findings in words: what was found, what it means, and how to resolve it."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy

from thermal.models import ValidationFinding
from thermal.queries import rule_words


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one kind of finding; the sentence is filled in with its values."""

    sentence: Any
    meaning: Any
    remedy: Any


@dataclass(frozen=True, slots=True)
class Words:
    """A finding as a person reads it."""

    sentence: str
    meaning: str
    remedy: str


_CORRECT: Final = gettext_lazy("Correct the reading with a reason, or accept it if the meter was right.")
_WORDINGS: Final[dict[str, Wording]] = {
    "V01": Wording(
        gettext_lazy("For %(missing_h)s h no reading came; between the readings around it %(heat_kwh)s kWh passed."),
        gettext_lazy("The heat is known from the registers, its course over time is not."),
        gettext_lazy("Import the missing readings from the meter's own memory, or estimate how the heat was spread."),
    ),
    "V02": Wording(
        gettext_lazy("The meter's clock differed from ours by %(offset_s)s s in %(reading_count)s readings."),
        gettext_lazy("Heat may be counted in the wrong hour, and around midnight in the wrong month."),
        gettext_lazy("Set the meter's clock; until then readings count at the time at which they reached us."),
    ),
    "V02:clock_jump": Wording(
        gettext_lazy("The times of an imported file go back by %(offset_s)s s although its register went on."),
        gettext_lazy("The clock was put back here, so what stands before carries wrong times since it was put on."),
        gettext_lazy("Export the stretch again with the right clock, or correct the times of its readings."),
    ),
    "V03": Wording(
        gettext_lazy("The register fell from %(before_kwh)s to %(after_kwh)s kWh."),
        gettext_lazy("No rollover and no exchange explains it; nobody can say how much heat passed."),
        gettext_lazy("Record the exchange with both registers, or correct the reading."),
    ),
    "V03:reset": Wording(
        gettext_lazy("The register fell from %(before_kwh)s to %(after_kwh)s kWh and counts from zero again."),
        gettext_lazy("The meter was exchanged or set to zero, and nothing on record says so."),
        gettext_lazy("Record the exchange with both registers, serial number and reason."),
    ),
    "V03:unit_change": Wording(
        gettext_lazy("From %(before_kwh)s to %(after_kwh)s: on one side of it the register is told in %(unit)s."),
        gettext_lazy("Registers in another unit count a multiple or a fraction of the heat."),
        gettext_lazy("Set the unit in the device's profile or in the import, and correct the readings between."),
    ),
    "V04": Wording(
        gettext_lazy("From %(before_kwh)s to %(after_kwh)s kWh is more than the possible %(most_kwh)s kWh."),
        gettext_lazy("A reading is wrong, or the greatest power on record is too small."),
        _CORRECT,
    ),
    "V04:flow": Wording(
        gettext_lazy("The flow of %(flow_m3h)s m³/h is more than the %(most_m3h)s m³/h for which the meter is made."),
        gettext_lazy("Beyond its greatest flow a meter counts too little and wears out."),
        gettext_lazy("Throttle the flow or fit a larger meter; accept it if the meter's size on record is wrong."),
    ),
    "V05": Wording(
        gettext_lazy("%(most_kwh)s kWh in one interval; the third highest of the day is %(third_kwh)s kWh."),
        gettext_lazy("A short draw, or a reading that carries heat of another time."),
        gettext_lazy("Look at flow and temperatures; accept it if a draw explains it."),
    ),
    "V05:spike": Wording(
        gettext_lazy("One reading stands out: %(before_kwh)s, %(after_kwh)s, then %(next_kwh)s kWh."),
        gettext_lazy("The readings around it continue each other; the one between was read or carried wrongly."),
        gettext_lazy("Correct the one reading; the heat between its neighbors is known."),
    ),
    "V06": Wording(
        gettext_lazy(
            "The register stood at %(register_kwh)s kWh over %(interval_count)s readings while water passed that must "
            "have brought %(implied_kwh)s kWh."
        ),
        gettext_lazy("The calculator stopped adding, or its telegram was repeated."),
        gettext_lazy("Read the meter's display; estimate the heat from volume and temperatures if it stopped."),
    ),
    "V07": Wording(
        gettext_lazy(
            "The meter counted %(told_kwh)s kWh; %(volume_m3)s m³ at a mean difference of %(difference_k)s K make "
            "%(implied_kwh)s kWh. Its class allows %(allowed_ratio)s %%."
        ),
        gettext_lazy("A sensor, the flow sensor or the calculator is wrong, or the wrong side is configured."),
        gettext_lazy("Compare the sensors on site; have the meter examined if it lasts."),
    ),
    "V08": Wording(
        gettext_lazy(
            "%(told_kwh)s kWh fit a flow sensor in the %(fits)s by %(better_ratio)s %% better than in the declared one."
        ),
        gettext_lazy("Configuration alarm: volume is converted with the density of the wrong pipe."),
        gettext_lazy("Look at type code and installation; correct the side on the meter's page, or the meter."),
    ),
    "V09": Wording(
        gettext_lazy("For %(minutes)s min water passed with the return up to %(difference_k)s K from the supply."),
        gettext_lazy("Heat flowed backwards, or the sensors are exchanged. A heat meter does not count it."),
        gettext_lazy("Compare both sensors on site; accept it if the plant ran backwards."),
    ),
    "V10": Wording(
        gettext_lazy("%(reading_count)s readings carry a sensor code or information bits (%(info_bits)s)."),
        gettext_lazy("While a sensor is broken the meter does not count; the quarter hours are not measured."),
        gettext_lazy("Have the sensor exchanged and estimate the time without it."),
    ),
    "V11": Wording(
        gettext_lazy("Up to %(off_k)s K between the meter's own ΔT and its two temperatures, %(reading_count)s times."),
        gettext_lazy("Two values of one telegram contradict each other: a decoding or a sensor is wrong."),
        gettext_lazy("Check the points of the device's profile against the meter's display."),
    ),
    "V12": Wording(
        gettext_lazy("The meter counted %(error_h)s error hours within %(hours)s h."),
        gettext_lazy("In these hours no energy was added."),
        gettext_lazy("Estimate that share of the heat; it is named on the invoice."),
    ),
    "V13": Wording(
        gettext_lazy("The meter was on for %(operating_h)s of %(hours)s h."),
        gettext_lazy("Without power a meter neither counts nor tells that it does not."),
        gettext_lazy("Look for power cuts at the meter; estimate the missing time."),
    ),
    "V14": Wording(
        gettext_lazy("Source: %(source_kwh)s kWh; offtakers: %(delivered_kwh)s kWh; loss: %(loss_ratio)s %%."),
        gettext_lazy("More is counted than there was, or too much is lost on the way."),
        gettext_lazy("Compare the meters in a quiet hour; look for a bypass or a meter in the wrong place."),
    ),
    "V15": Wording(
        gettext_lazy("%(delivered_kwh)s kWh were delivered; IT and heat pumps can have made %(most_kwh)s kWh."),
        gettext_lazy("A heat meter counts too much, or a meter of electricity too little."),
        gettext_lazy("Compare the registers of both; correct the one that is wrong."),
    ),
    "V16": Wording(
        gettext_lazy("For %(hours)s h heat was called for and none was counted."),
        gettext_lazy("The meter stands still, or the signal that calls for heat does."),
        gettext_lazy("Ask the offtaker; look at the pump, the meter and the signal."),
    ),
    "V17": Wording(
        gettext_lazy("%(heat_kwh)s kWh against %(year_before_kwh)s kWh a year before: %(ratio)s %% (%(comparison)s)."),
        gettext_lazy("The use has changed, or a meter has."),
        gettext_lazy("Ask the offtaker what has changed; accept it with the answer."),
    ),
    "V17:degree_days": Wording(
        gettext_lazy(
            "%(heat_kwh)s kWh are %(ratio)s %% of the %(expected_kwh)s kWh to be expected: %(year_before_kwh)s kWh a "
            "year before, adjusted from %(year_before_kd)s to %(degree_days_kd)s K·d."
        ),
        gettext_lazy("The weather does not explain it: the use has changed, or a meter has."),
        gettext_lazy("Ask the offtaker what has changed; accept it with the answer."),
    ),
    "V18": Wording(
        gettext_lazy("The verification ended on %(verified_until_on)s."),
        gettext_lazy("Values of a meter whose verification has run out may not be billed."),
        gettext_lazy("Record the new verification, or exchange the meter."),
    ),
    "V19": Wording(
        gettext_lazy(
            "%(low_ratio)s %% of the volume passed at less than %(min_difference_k)s K, the meter's least difference."
        ),
        gettext_lazy("Below its smallest difference a meter may be wrong by more than its class says."),
        gettext_lazy("Lower the flow or raise the difference; accept it if the share of the heat is small."),
    ),
    "V20": Wording(
        gettext_lazy("%(row_count)s rows of a file tell other registers than those that are known for their time."),
        gettext_lazy("Two exports overlap and contradict each other; what was known first was kept."),
        gettext_lazy("Find out which export is right; correct the readings if it is the second."),
    ),
    "V21": Wording(
        gettext_lazy("The delivery point is filled with %(medium)s."),
        gettext_lazy(
            "Not legal for trade: heat meters are approved for water, and count several percent too much in glycol."
        ),
        gettext_lazy("Bill on the water side of a heat exchanger, or have the meter approved for the mixture."),
    ),
}  # fmt: skip


def words_of(finding: ValidationFinding) -> Words:
    """The finding in the reader's language."""
    wording = _wording(finding)
    told = _Told({name: rule_words.shown_value(name, value) for name, value in finding.values.items()})
    return Words(str(wording.sentence) % told, str(wording.meaning), str(wording.remedy))


def _wording(finding: ValidationFinding) -> Wording:
    key = f"{finding.rule}:{finding.kind}"
    if finding.rule == "V04" and "flow_m3h" in finding.values:
        key = "V04:flow"
    if finding.rule == "V17" and finding.values.get("comparison") == "degree_days":
        key = "V17:degree_days"
    if key == "V02:clock_jump" and not finding.values.get("in_file"):
        key = "V02"
    return _WORDINGS.get(key) or _WORDINGS[finding.rule]


class _Told(dict[str, str]):
    """Values of a sentence; what is not told is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"
