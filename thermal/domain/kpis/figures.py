"""The catalog of key figures: what each is made of, in which unit, within which boundary and after which source.

A figure is computed from *inputs*, sums that add up over months and sites (see ``sums``), and from *facts*, dated
statements about the site such as a boiler's efficiency. Neither is ever guessed: a figure whose input or fact is
missing is None, and `missing` names what it waits for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from thermal.domain.kpis import avoided, export, heat_pump, reuse, water_side
from thermal.domain.kpis.heat_pump import Boundary, HeatPumpWork
from thermal.domain.kpis.ratios import ratio

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure. `unit` "1" is a share that screens show as percent; "" is a number without unit.

    `better` says where the good end is: 1 high, -1 low, 0 neither.
    """

    key: str
    unit: str
    inputs: tuple[str, ...]
    compute: Callable[[Values], float | None]
    formula: str
    boundary: str
    source: str
    facts: tuple[str, ...] = ()
    better: int = 0

    def value(self, values: Values) -> float | None:
        """The figure of these inputs and facts, or None where one is missing."""
        return None if self.missing(values) else self.compute(values)

    def missing(self, values: Values) -> list[str]:
        """The names of inputs and facts that are not known."""
        return [name for name in (*self.inputs, *self.facts) if values.get(name) is None]


def _of(function: Callable[..., float | None], *names: str) -> Callable[[Values], float | None]:
    return lambda values: function(*(values[name] for name in names))


def _amount(name: str, factor: float = 1.0) -> Callable[[Values], float | None]:
    def scaled(values: Values) -> float | None:
        value = values[name]
        return None if value is None else value * factor

    return scaled


def _cop(boundary: Boundary, heat: str = "heat_pump_heat_kwh") -> Callable[[Values], float | None]:
    def computed(values: Values) -> float | None:
        work = HeatPumpWork(
            heat_kwh=values[heat],
            heat_pump_kwh=values["heat_pump_kwh"],
            source_pump_kwh=values.get("source_pump_kwh"),
            sink_pump_kwh=values.get("sink_pump_kwh"),
            backup_heat_kwh=values.get("backup_heat_kwh"),
            backup_kwh=values.get("backup_kwh"),
        )
        return heat_pump.cop(work, boundary)

    return computed


def _weighted(name: str) -> Callable[[Values], float | None]:
    def computed(values: Values) -> float | None:
        mean = water_side.volume_weighted(values["volume_m3"], values["supply_m3c"], values["return_m3c"])
        return None if mean is None else float(getattr(mean, name))

    return computed


def _avoided_kg(values: Values) -> float | None:
    fuel_kwh = avoided.avoided_fuel_kwh(values["delivered_kwh"], values["boiler_ratio"])
    spent_kwh = (values["heat_pump_kwh"] or 0.0) + (values.get("sink_pump_kwh") or 0.0)
    return avoided.avoided_kg_co2e(fuel_kwh, values["fuel_g_per_kwh"], spent_kwh, values["grid_g_per_kwh"])


SITE: Final = "site"
HANDOVER: Final = "handover"
HEAT_PUMP: Final = "heat_pump"
POINTS: Final = "points"
EXCHANGER: Final = "exchanger"
BUFFER: Final = "buffer"
_WEIGHTED_INPUTS: Final = ("volume_m3", "supply_m3c", "return_m3c")

FIGURES: Final = (
    Figure("heat_delivered", "kWh", ("delivered_kwh",), _amount("delivered_kwh"), "Σ Q_del", HANDOVER, "EN 1434-1",
           better=1),
    Figure("it_energy", "kWh", ("it_kwh",), _amount("it_kwh"), "Σ E_IT", SITE, "EN 50600-4-2"),
    Figure("pue", "", ("total_kwh", "it_kwh"), _of(reuse.power_usage_effectiveness, "total_kwh", "it_kwh"),
           "E_DC ÷ E_IT", SITE, "ISO/IEC 30134-2, EN 50600-4-2", better=-1),
    Figure("erf", "", ("delivered_kwh", "total_kwh"), _of(reuse.energy_reuse_factor, "delivered_kwh", "total_kwh"),
           "E_reuse ÷ E_DC", HANDOVER, "ISO/IEC 30134-6, EN 50600-4-6", better=1),
    Figure("ere", "", ("total_kwh", "delivered_kwh", "it_kwh"),
           _of(reuse.energy_reuse_effectiveness, "total_kwh", "delivered_kwh", "it_kwh"),
           "(E_DC − E_reuse) ÷ E_IT", HANDOVER, "The Green Grid, WP 29", better=-1),
    Figure("cue", "kg/kWh", ("total_kwh", "it_kwh"),
           _of(reuse.carbon_usage_effectiveness, "total_kwh", "grid_g_per_kwh", "it_kwh"),
           "E_DC · EF_grid ÷ E_IT", SITE, "ISO/IEC 30134-8", facts=("grid_g_per_kwh",), better=-1),
    Figure("wue", "l/kWh", ("water_m3", "it_kwh"), _of(reuse.water_usage_effectiveness, "water_m3", "it_kwh"),
           "W_in ÷ E_IT", SITE, "ISO/IEC 30134-9, EN 50600-4-9", better=-1),
    Figure("ref", "1", ("total_kwh",), _of(reuse.renewable_energy_factor, "renewable_kwh", "total_kwh"),
           "E_ren ÷ E_DC", SITE, "ISO/IEC 30134-3, EN 50600-4-3", facts=("renewable_kwh",), better=1),
    Figure("capture_ratio", "1", ("captured_kwh", "it_kwh"), _of(reuse.capture_ratio, "captured_kwh", "it_kwh"),
           "Q_cap ÷ E_IT", SITE, "", better=1),
    Figure("usable_ratio", "1", ("delivered_kwh", "it_kwh"), _of(reuse.usable_ratio, "delivered_kwh", "it_kwh"),
           "Q_del ÷ E_IT", HANDOVER, "", better=1),
    Figure("cop", "", ("delivered_kwh", "heat_pump_kwh"), _cop(Boundary.H1, "delivered_kwh"),
           "Q_del ÷ W_hp", HEAT_PUMP, "SEPEMO H1", better=1),
    Figure("cop_h1", "", ("heat_pump_heat_kwh", "heat_pump_kwh"), _cop(Boundary.H1),
           "Q_hp ÷ W_hp", HEAT_PUMP, "SEPEMO H1", better=1),
    Figure("cop_h2", "", ("heat_pump_heat_kwh", "heat_pump_kwh", "source_pump_kwh"), _cop(Boundary.H2),
           "Q_hp ÷ (W_hp + W_source)", HEAT_PUMP, "SEPEMO H2", better=1),
    Figure("cop_h3", "", ("heat_pump_heat_kwh", "heat_pump_kwh", "source_pump_kwh", "backup_heat_kwh", "backup_kwh"),
           _cop(Boundary.H3), "(Q_hp + Q_bu) ÷ (W_hp + W_source + W_bu)", HEAT_PUMP, "SEPEMO H3", better=1),
    Figure("cop_h4", "", ("heat_pump_heat_kwh", "heat_pump_kwh", "source_pump_kwh", "backup_heat_kwh", "backup_kwh",
                          "sink_pump_kwh"),
           _cop(Boundary.H4), "(Q_hp + Q_bu) ÷ (W_hp + W_source + W_bu + W_sink)", HEAT_PUMP, "SEPEMO H4", better=1),
    Figure("second_law", "1", ("lorenz_kwh", "judged_kwh"), _of(ratio, "lorenz_kwh", "judged_kwh"),
           "Σ W_Lorenz ÷ Σ W_hp", HEAT_PUMP, "Lorenz process of the log-mean temperatures", better=1),
    Figure("cop_impossible", "h", ("impossible_count",), _amount("impossible_count", 1 / 4),
           "Σ t where COP ≥ T_h ÷ (T_h − T_c)", HEAT_PUMP, "Carnot process", better=-1),
    Figure("approach", "K", ("approach_k", "approach_count"), _of(ratio, "approach_k", "approach_count"),
           "Σ (t_hot,in − t_cold,out) ÷ n, under load", EXCHANGER, "HNTAS, approach temperature", better=-1),
    Figure("buffer_charge", "1", ("charge_ratio", "charge_count"), _of(ratio, "charge_ratio", "charge_count"),
           "Σ (t − t_empty) ÷ (t_full − t_empty) ÷ n", BUFFER, ""),
    Figure("supply_vw", "°C", _WEIGHTED_INPUTS, _weighted("supply_c"), "Σ V·t_s ÷ Σ V", POINTS, "EN 1434-1; VWAFT"),
    Figure("return_vw", "°C", _WEIGHTED_INPUTS, _weighted("return_c"), "Σ V·t_r ÷ Σ V", POINTS, "EN 1434-1; VWART",
           better=-1),
    Figure("difference_vw", "K", _WEIGHTED_INPUTS, _weighted("difference_k"), "t_s − t_r", POINTS, "VWATD", better=1),
    Figure("balance_error", "kWh", ("closing_error_kwh",), _amount("closing_error_kwh"),
           "Q_IT + W_hp − Q_del − Q_rej − ΔQ_buf", SITE, ""),
    Figure("balance_error_share", "1", ("closing_error_kwh", "balance_in_kwh"),
           lambda values: export.balance_error_ratio(values["closing_error_kwh"], values["balance_in_kwh"], None),
           "error ÷ (Q_IT + W_hp)", SITE, ""),
    Figure("curtailment", "h", ("curtailed_s",), _amount("curtailed_s", 1 / 3600), "Σ t_blocked", HANDOVER, "",
           better=-1),
    Figure("curtailed_heat", "kWh", ("curtailed_kwh",), _amount("curtailed_kwh"), "Q_cap − Q_del − ΔQ_buf", HANDOVER,
           "", better=-1),
    Figure("coincidence", "1", ("coincident_kwh", "available_kwh"),
           _of(export.thermal_coincidence_ratio, "coincident_kwh", "available_kwh"),
           "Σ min(supply, demand) ÷ Σ supply", HANDOVER, "", better=1),
    Figure("utilisation", "1", ("utilisation_ratio", "utilisation_count"),
           lambda values: export.compute_utilisation_ratio(values["utilisation_ratio"],
                                                           values["utilisation_count"] or 0.0),
           "Σ u ÷ n", SITE, "", better=1),
    Figure("avoided_fuel", "kWh", ("delivered_kwh",),
           _of(avoided.avoided_fuel_kwh, "delivered_kwh", "boiler_ratio"), "Q_del ÷ η", HANDOVER, "",
           facts=("boiler_ratio",), better=1),
    Figure("avoided_co2", "kg", ("delivered_kwh", "heat_pump_kwh"), _avoided_kg,
           "Q_del ÷ η · EF_fuel − (W_hp + W_sink) · EF_grid", HANDOVER, "GHG Protocol, avoided burden",
           facts=("boiler_ratio", "fuel_g_per_kwh", "grid_g_per_kwh"), better=1),
    Figure("heat_value", "1/kWh", ("delivered_kwh", "total_kwh"),
           _of(reuse.heat_value_per_kwh, "delivered_kwh", "heat_price_per_kwh", "total_kwh"),
           "Q_del · p_heat ÷ E_DC", HANDOVER, "", facts=("heat_price_per_kwh",), better=1),
    Figure("heat_per_degree_day", "kWh/(K·d)", ("delivered_kwh",),
           lambda values: ratio(values["delivered_kwh"], values["heating_kd"]), "Q_del ÷ HDD", HANDOVER,
           "ISO 15927-6", facts=("heating_kd",)),
)  # fmt: skip
BY_KEY: Final = {figure.key: figure for figure in FIGURES}
