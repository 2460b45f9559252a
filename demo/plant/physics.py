"""One instant of the plant: which heat flows where.

The liquid loop carries the captured share of the IT heat to a plate exchanger. Behind it stands
the buffer tank; from there the heat goes to the offtaker, through a heat pump where one is
built. What the exchanger cannot pass on leaves by the dry cooler. Nothing here ever lowers the
IT load: compute comes first.
"""

import math
from typing import Final

from demo.plant.drivers import Drivers
from demo.plant.faults import Fault
from demo.plant.spec import HeatPump, PlantSpec
from demo.plant.state import Cause, Flows, Mode, PlantState
from demo.plant.water import heat_coefficient_kwh_m3_k

FOULED_RATIO: Final = 0.12
# Without its fans a cooler still has the natural draught.
FAN_FAULT_RATIO: Final = 0.08
LOW_SUPPLY_K: Final = 9.0
ROOM_C: Final = 21.0
PLANT_ROOM_KW_PER_KW: Final = 0.012
# Of the electricity of the plant room, what the pumps on both sides of a heat pump take.
SOURCE_PUMP_RATIO: Final = 0.3
SINK_PUMP_RATIO: Final = 0.4
POWER_LOSS_RATIO: Final = 0.045
AIR_COOLING_EER: Final = 4.0
FAN_KW_PER_KW: Final = 0.02
EMERGENCY_RISE_K: Final = 14.0
PRIMARY_KWH_M3_K: Final = 1.14

_KELVIN: Final = 273.15
_IDLE_RATIO: Final = 0.02
_CURTAILED_RATIO: Final = 0.1
_STOPPING: Final = frozenset({Fault.PUMP_FAILURE, Fault.MAINTENANCE})


def lorenz_cop(*, sink_c: tuple[float, float], source_c: tuple[float, float]) -> float:
    """The best possible coefficient of performance between two gliding temperatures.

    Parameters
    ----------
    sink_c, source_c
        Coldest and hottest temperature [degC] of the heated and of the cooled water.

    References
    ----------
    Lorenz cycle: Tm = (T1 - T2) / ln(T1 / T2); COP = Tm_sink / (Tm_sink - Tm_source).

    Examples
    --------
    >>> round(lorenz_cop(sink_c=(40.0, 70.0), source_c=(25.0, 35.0)), 3)
    13.223
    """
    sink_k, source_k = _log_mean_k(*sink_c), _log_mean_k(*source_c)
    return sink_k / (sink_k - source_k)


def _log_mean_k(cold_c: float, hot_c: float) -> float:
    cold_k, hot_k = cold_c + _KELVIN, hot_c + _KELVIN
    if hot_k - cold_k < 1e-6:
        return cold_k
    return (hot_k - cold_k) / math.log(hot_k / cold_k)


def flows_at(spec: PlantSpec, state: PlantState, drivers: Drivers, faults: frozenset[Fault]) -> Flows:
    """Every power, flow and temperature of the plant in this state."""
    captured_kw = spec.capture_ratio * drivers.it_kw
    stopped = bool(faults & _STOPPING)
    demand_kw = 0.0 if Fault.OFFTAKER_STOP in faults else drivers.demand_kw
    transferred_kw = 0.0 if stopped else _transferred_kw(spec, state, captured_kw, faults)
    supply_c = _supply_c(spec, state, faults)
    return_c = _return_c(spec, drivers.ambient_c)
    delivered_kw = 0.0
    if not stopped and supply_c > return_c + 2.0:
        delivered_kw = min(demand_kw, spec.contract_kw) * _throttle_ratio(spec, state)
    if delivered_kw < _IDLE_RATIO * spec.contract_kw:
        delivered_kw = 0.0
    heat_pump_kw = _heat_pump_kw(spec, state, delivered_kw, supply_c, return_c)
    pumps_kw = PLANT_ROOM_KW_PER_KW * spec.it_kw if delivered_kw else 0.0
    rejected_kw = captured_kw - transferred_kw
    cooler_kw = _cooler_kw(spec, drivers.ambient_c, faults)
    short_kw = max(0.0, rejected_kw - cooler_kw)
    hot_c = spec.hot_c + (EMERGENCY_RISE_K * short_kw / rejected_kw if short_kw else 0.0)
    approach_k = _approach_k(spec, state, hot_c, transferred_kw, faults)
    secondary_k = transferred_kw / spec.primary_flow_m3h / PRIMARY_KWH_M3_K
    coefficient = heat_coefficient_kwh_m3_k(supply_c, return_c) if delivered_kw else 0.0
    mode, cause = _mode(
        spec=spec,
        faults=faults,
        captured_kw=captured_kw,
        transferred_kw=transferred_kw,
        delivered_kw=delivered_kw,
        demand_kw=demand_kw,
        short_kw=short_kw,
    )
    return Flows(
        it_kw=drivers.it_kw,
        ambient_c=drivers.ambient_c,
        demand_kw=demand_kw,
        captured_kw=captured_kw,
        transferred_kw=transferred_kw,
        delivered_kw=delivered_kw,
        rejected_kw=rejected_kw,
        heat_pump_kw=heat_pump_kw,
        total_kw=_total_kw(spec, drivers.it_kw, captured_kw, rejected_kw) + heat_pump_kw,
        supply_c=supply_c,
        return_c=return_c,
        delivered_m3h=delivered_kw / coefficient / (supply_c - return_c) if delivered_kw else 0.0,
        heat_coefficient_kwh_m3_k=coefficient,
        primary_supply_c=hot_c,
        primary_return_c=hot_c - captured_kw / spec.primary_flow_m3h / PRIMARY_KWH_M3_K,
        secondary_supply_c=hot_c - approach_k,
        secondary_return_c=hot_c - approach_k - secondary_k,
        source_return_c=state.buffer_c - (spec.heat_pump.source_glide_k if spec.heat_pump and delivered_kw else 0.0),
        source_pump_kw=SOURCE_PUMP_RATIO * pumps_kw,
        sink_pump_kw=SINK_PUMP_RATIO * pumps_kw,
        approach_k=approach_k,
        cooler_kw=cooler_kw,
        fan_ratio=min(1.0, rejected_kw / cooler_kw) if cooler_kw > 0.0 else 1.0,
        mode=mode,
        cause=cause,
        demand=demand_kw > _IDLE_RATIO * spec.contract_kw,
        curtailed=rejected_kw > _CURTAILED_RATIO * spec.capture_kw and mode is not Mode.EXPORT,
        sensor_open=Fault.SENSOR_OPEN in faults,
    )


def _transferred_kw(spec: PlantSpec, state: PlantState, captured_kw: float, faults: frozenset[Fault]) -> float:
    """Heat through the plate exchanger, in kW: all of it, or what the temperatures allow."""
    fouled = FOULED_RATIO if Fault.EXCHANGER_FOULING in faults else 1.0
    possible_kw = spec.exchanger_kw_k * fouled * max(0.0, spec.hot_c - state.buffer_c)
    return min(captured_kw, possible_kw)


def _approach_k(
    spec: PlantSpec, state: PlantState, hot_c: float, transferred_kw: float, faults: frozenset[Fault]
) -> float:
    """By how many kelvin the water behind the exchanger stays below the liquid of the racks.

    The pumped water behind it takes the heat at both ends alike, so that the difference follows heat and conductance.
    """
    if not transferred_kw:
        return max(0.0, hot_c - state.buffer_c)
    fouled = FOULED_RATIO if Fault.EXCHANGER_FOULING in faults else 1.0
    return transferred_kw / (spec.exchanger_kw_k * fouled)


def _supply_c(spec: PlantSpec, state: PlantState, faults: frozenset[Fault]) -> float:
    """Temperature the mixing valve or the heat pump makes for the offtaker, in degC."""
    wanted_c = spec.supply_c - (LOW_SUPPLY_K if Fault.LOW_SUPPLY_TEMP in faults else 0.0)
    return wanted_c if spec.heat_pump else min(wanted_c, state.buffer_c - 0.5)


def _return_c(spec: PlantSpec, ambient_c: float) -> float:
    """Temperature the offtaker sends back, in degC: a little colder on cold days."""
    return spec.return_c + 0.1 * max(-15.0, min(10.0, ambient_c - 10.0))


def _throttle_ratio(spec: PlantSpec, state: PlantState) -> float:
    """Share of the demand that the controller lets out, so that the supply stays in its band."""
    pump = spec.heat_pump
    floor_c = pump.source_min_c if pump else spec.supply_c - 0.5
    return max(0.0, min(1.0, (state.buffer_c - floor_c) / 2.5))


def _heat_pump_kw(spec: PlantSpec, state: PlantState, delivered_kw: float, supply_c: float, return_c: float) -> float:
    """Electric power of the heat pump, in kW."""
    if spec.heat_pump is None or not delivered_kw:
        return 0.0
    pump: HeatPump = spec.heat_pump
    ideal = lorenz_cop(
        sink_c=(return_c, supply_c),
        source_c=(state.buffer_c - pump.source_glide_k, state.buffer_c),
    )
    # A machine built for a lift does not get better without end as the lift shrinks.
    return delivered_kw / max(2.0, min(7.0, pump.lorenz_efficiency_ratio * abs(ideal)))


def _cooler_kw(spec: PlantSpec, ambient_c: float, faults: frozenset[Fault]) -> float:
    """Heat the dry cooler can throw away at this outdoor temperature, in kW."""
    share = FAN_FAULT_RATIO if Fault.DRY_COOLER_FAN in faults else 1.0
    difference_k = max(0.0, spec.hot_c - ambient_c)
    cooler = spec.dry_cooler
    return share * cooler.nominal_kw * difference_k / cooler.nominal_difference_k


def _total_kw(spec: PlantSpec, it_kw: float, captured_kw: float, rejected_kw: float) -> float:
    """Electric power of the whole site without the heat pump, in kW."""
    losses_kw = POWER_LOSS_RATIO * it_kw
    air_kw = (it_kw - captured_kw) / AIR_COOLING_EER
    pumps_kw = PLANT_ROOM_KW_PER_KW * spec.it_kw
    return it_kw + losses_kw + air_kw + pumps_kw + FAN_KW_PER_KW * rejected_kw


def _mode(
    *,
    spec: PlantSpec,
    faults: frozenset[Fault],
    captured_kw: float,
    transferred_kw: float,
    delivered_kw: float,
    demand_kw: float,
    short_kw: float,
) -> tuple[Mode, Cause]:
    """Export mode and its cause."""
    if Fault.MAINTENANCE in faults:
        return Mode.MAINTENANCE, Cause.PLANNED
    if short_kw > 0.0:
        return Mode.EMERGENCY, Cause.SAFETY
    if Fault.PUMP_FAILURE in faults:
        return Mode.DUMP, Cause.PROVIDER
    idle_kw = _IDLE_RATIO * spec.contract_kw
    unmet = demand_kw > idle_kw and delivered_kw < 0.95 * min(demand_kw, spec.contract_kw)
    cause = _cause(faults, unmet=unmet)
    if delivered_kw <= 0.0:
        return (Mode.BUFFER if transferred_kw > 0.1 * captured_kw else Mode.DUMP), cause
    if unmet or captured_kw - transferred_kw > _CURTAILED_RATIO * spec.capture_kw:
        return Mode.PARTIAL, cause
    return Mode.EXPORT, Cause.NONE


def _cause(faults: frozenset[Fault], *, unmet: bool) -> Cause:
    if Fault.OFFTAKER_STOP in faults:
        return Cause.OFFTAKER
    if faults & {Fault.EXCHANGER_FOULING, Fault.LOW_SUPPLY_TEMP}:
        return Cause.PROVIDER
    return Cause.TEMPERATURE if unmet else Cause.OFFTAKER


def advance(spec: PlantSpec, state: PlantState, flows: Flows, seconds: float) -> None:
    """Moves the state on by some seconds during which the flows stay as they are."""
    hours = seconds / 3_600.0
    source_kw = flows.delivered_kw - flows.heat_pump_kw
    state.at_s += seconds
    state.buffer_c += (flows.transferred_kw - source_kw) * hours / spec.buffer_kwh_k
    state.it_kwh += flows.it_kw * hours
    state.total_kwh += flows.total_kw * hours
    state.heat_pump_kwh += flows.heat_pump_kw * hours
    state.captured_kwh += flows.captured_kw * hours
    primary_m3 = spec.primary_flow_m3h * hours
    state.captured_m3 += primary_m3
    state.captured_supply_m3c += primary_m3 * flows.primary_supply_c
    state.captured_return_m3c += primary_m3 * flows.primary_return_c
    state.delivered_kwh += flows.delivered_kw * hours
    state.rejected_kwh += flows.rejected_kw * hours
    state.curtailed_s += seconds if flows.curtailed else 0.0
    _advance_pipes(state, flows, seconds)
    _advance_meter(state, flows, seconds, hours)


def _advance_pipes(state: PlantState, flows: Flows, seconds: float) -> None:
    """Pipes follow the water within a minute and cool to the room within an hour or so."""
    if flows.delivered_kw > 0.0:
        share = 1.0 - math.exp(-seconds / 60.0)
        supply_c, return_c = flows.supply_c, flows.return_c
    else:
        share = 1.0 - math.exp(-seconds / 4_500.0)
        supply_c = return_c = ROOM_C
    state.pipe_supply_c += (supply_c - state.pipe_supply_c) * share
    state.pipe_return_c += (return_c - state.pipe_return_c) * share


def _advance_meter(state: PlantState, flows: Flows, seconds: float, hours: float) -> None:
    """A meter with a broken sensor adds no energy and counts the time it did not measure."""
    if flows.sensor_open:
        state.meter_error_s += seconds
        return
    volume_m3 = flows.delivered_m3h * hours
    state.meter_kwh += flows.delivered_kw * hours
    state.meter_m3 += volume_m3
    state.meter_supply_m3c += volume_m3 * flows.supply_c
    state.meter_return_m3c += volume_m3 * flows.return_c
