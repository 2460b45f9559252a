"""The words of key figures: names, inputs, facts and boundaries."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

FIGURES: Final[dict[str, Any]] = {
    "heat_delivered": _("Heat delivered"),
    "it_energy": _("IT energy"),
    "pue": _("Power usage effectiveness (PUE)"),
    "erf": _("Energy reuse factor (ERF)"),
    "ere": _("Energy reuse effectiveness (ERE)"),
    "cue": _("Carbon usage effectiveness (CUE)"),
    "wue": _("Water usage effectiveness (WUE)"),
    "ref": _("Renewable energy factor (REF)"),
    "capture_ratio": _("Capture ratio"),
    "usable_ratio": _("Usable ratio"),
    "cop": _("Heat pump COP, all heat delivered"),
    "cop_h1": _("Heat pump COP, boundary H1"),
    "cop_h2": _("Heat pump COP, boundary H2"),
    "cop_h3": _("Heat pump COP or SCOP, boundary H3"),
    "cop_h4": _("Heat pump COP or SCOP, boundary H4"),
    "second_law": _("Second-law efficiency of heat pumps"),
    "cop_impossible": _("Time with an impossible COP"),
    "approach": _("Approach of exchangers under load"),
    "buffer_charge": _("State of charge of buffers"),
    "supply_vw": _("Supply, volume-weighted"),
    "return_vw": _("Return, volume-weighted"),
    "difference_vw": _("Difference, volume-weighted"),
    "balance_error": _("Closing error of the balance"),
    "balance_error_share": _("Closing error, share"),
    "curtailment": _("Curtailment"),
    "curtailed_heat": _("Heat curtailed"),
    "coincidence": _("Thermal coincidence"),
    "utilisation": _("Compute utilization"),
    "avoided_fuel": _("Fuel avoided"),
    "avoided_co2": _("Emissions avoided"),
    "heat_value": _("Heat value per kWh consumed"),
    "heat_per_degree_day": _("Heat per degree day"),
}
INPUTS: Final[dict[str, Any]] = {
    "it_kwh": _("IT energy"),
    "total_kwh": _("energy of the whole site"),
    "heat_pump_kwh": _("electricity of heat pumps"),
    "heat_pump_heat_kwh": _("heat made by heat pumps"),
    "source_pump_kwh": _("electricity of pumps before the heat pump"),
    "sink_pump_kwh": _("electricity of pumps behind the heat pump"),
    "backup_kwh": _("electricity of a backup heater"),
    "backup_heat_kwh": _("heat made by a backup heater"),
    "captured_kwh": _("heat captured"),
    "delivered_kwh": _("heat delivered"),
    "rejected_kwh": _("heat rejected"),
    "buffer_change_kwh": _("change of the buffer"),
    "closing_error_kwh": _("closing error"),
    "balance_in_kwh": _("heat that came in"),
    "water_m3": _("water taken in"),
    "utilisation_ratio": _("sum of the use of compute"),
    "utilisation_count": _("quarter hours in which it is known"),
    "available_kwh": _("heat that could go out"),
    "coincident_kwh": _("of it, called for at the same time"),
    "curtailed_s": _("seconds curtailed"),
    "curtailed_kwh": _("heat curtailed"),
    "volume_m3": _("water passed"),
    "supply_m3c": _("water passed × supply temperature"),
    "return_m3c": _("water passed × return temperature"),
    "lorenz_kwh": _("least work by Lorenz"),
    "judged_kwh": _("electricity in the same quarter hours"),
    "impossible_count": _("quarter hours with a COP at or above Carnot"),
    "approach_k": _("sum of the approaches under load"),
    "approach_count": _("quarter hours under load"),
    "charge_ratio": _("sum of the states of charge"),
    "charge_count": _("quarter hours in which it is known"),
}
FACTS: Final[dict[str, Any]] = {
    "grid_g_per_kwh": _("emission factor of the grid"),
    "fuel_g_per_kwh": _("emission factor of the fuel replaced"),
    "boiler_ratio": _("efficiency of the boiler replaced"),
    "heat_price_per_kwh": _("value of the heat"),
    "renewable_kwh": _("renewable energy"),
    "heating_kd": _("heating degree days"),
}
BOUNDARIES: Final[dict[str, Any]] = {
    "site": _("the data centre with its cooling"),
    "handover": _("what is handed over at the delivery points, outside the data centre"),
    "heat_pump": _("the heat pump system, with what the name of the boundary includes"),
    "points": _("the heat meters at the delivery points"),
    "exchanger": _("the exchanger, between the liquid that comes and the water that leaves"),
    "buffer": _("the buffer between its empty and its full temperature"),
}
NOTES: Final[dict[str, Any]] = {
    "cop": _("Holds where all heat delivered comes through the heat pump; boundary H1, pumps left out."),
    "cop_h3": _(
        "Over a heating season this is the SCOP: heat by work, no mean of COPs. For economics and service levels."
    ),
    "cop_h4": _("Over a heating season this is the SCOP: heat by work, no mean of COPs. For reporting."),
    "second_law": _("The COP as a share of the best that these temperatures allow; typical are 35 to 65 %."),
    "cop_impossible": _(
        "No heat pump reaches the limit of Carnot: a meter or a sensor is wrong. Left out of the efficiency."
    ),
    "approach": _("It rises as an exchanger fouls; compare it with its commissioning."),
    "buffer_charge": _("As the controller tells it, else from the temperatures of the empty and the full buffer."),
    "avoided_co2": _("Avoided burden: the electricity of the IT is not charged to the heat. No offset or credit."),
    "heat_per_degree_day": _("Comparable only where the demand follows the weather."),
    "curtailment": _("Heat above a tenth of design was there and its export was blocked."),
    "balance_error": _("IT heat is the heat captured where that is metered, else the IT energy."),
    "ref": _("Guarantees of origin, power purchase agreements and own generation, as entered."),
}
UNITS: Final[dict[str, str]] = {
    "kwh": "kWh",
    "m3": "m³",
    "m3c": "m³·°C",
    "s": "s",
    "g_per_kwh": "g/kWh",
    "per_kwh": "1/kWh",
    "kd": "K·d",
    "k": "K",
}


def unit_of(name: str) -> str:
    """The unit that ends the name of an input or fact; empty where it is a share or a count."""
    longest_first = sorted(UNITS, key=len, reverse=True)
    return next((UNITS[end] for end in longest_first if name.endswith(f"_{end}")), "")
