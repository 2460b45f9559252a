"""The plant keeps its heat balance, repeats itself exactly and shows each fault."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.plant.faults import Fault, FaultPeriod
from demo.plant.spec import PlantSpec
from demo.plant.state import Cause, Mode, PlantState
from demo.plant.timeline import Snapshot, Timeline, first_state
from demo.plant.water import heat_coefficient_kwh_m3_k
from demo.sites import GREENHOUSE, NETWORK, PLANTS, POOL

EPOCH_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


def residual_kwh(spec: PlantSpec, start: PlantState, end: PlantState) -> float:
    """Heat in minus heat out minus heat kept."""
    heat_in = end.captured_kwh + end.heat_pump_kwh
    kept = spec.buffer_kwh_k * (end.buffer_c - start.buffer_c)
    return heat_in - end.delivered_kwh - end.rejected_kwh - kept


def after(spec: PlantSpec, hours: float, *faults: FaultPeriod) -> Snapshot:
    return Timeline(spec, first_state(spec, EPOCH_S), faults).at(EPOCH_S + hours * HOUR_S)


def from_noon(spec: PlantSpec, fault: Fault) -> FaultPeriod:
    return FaultPeriod(site=spec.code, fault=fault, from_s=EPOCH_S + 12 * HOUR_S)


@pytest.mark.parametrize("spec", PLANTS, ids=lambda spec: spec.code)
def test_heat_balance_closes_over_months(spec: PlantSpec) -> None:
    start = first_state(spec, EPOCH_S)
    end = Timeline(spec, start).at(EPOCH_S + 61 * DAY_S).state
    assert abs(residual_kwh(spec, start, end)) < 1e-6 * end.captured_kwh


FAULTS = st.lists(
    st.tuples(
        st.sampled_from(list(Fault)),
        st.floats(0.0, 30.0 * HOUR_S),
        st.floats(1.0, 20.0 * HOUR_S),
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(
    base=st.sampled_from(PLANTS),
    seed=st.text(min_size=1, max_size=4),
    it_kw=st.floats(5.0, 500.0),
    buffer_m3=st.floats(0.2, 20.0),
    faults=FAULTS,
)
def test_heat_balance_closes_for_any_plant_and_any_faults(
    base: PlantSpec,
    seed: str,
    it_kw: float,
    buffer_m3: float,
    faults: list[tuple[Fault, float, float]],
) -> None:
    spec = replace(base, seed=seed, it_kw=it_kw, buffer_m3=buffer_m3)
    periods = [
        FaultPeriod(site=spec.code, fault=fault, from_s=EPOCH_S + start, until_s=EPOCH_S + start + length)
        for fault, start, length in faults
    ]
    start = first_state(spec, EPOCH_S)
    end = Timeline(spec, start, periods).at(EPOCH_S + 1.5 * DAY_S).state
    assert abs(residual_kwh(spec, start, end)) < 1e-6 * end.captured_kwh


@pytest.mark.parametrize("spec", PLANTS, ids=lambda spec: spec.code)
def test_the_way_to_an_instant_does_not_change_the_instant(spec: PlantSpec) -> None:
    fault = FaultPeriod(
        site=spec.code,
        fault=Fault.PUMP_FAILURE,
        from_s=EPOCH_S + 7_205.5,
        until_s=EPOCH_S + 9_000.25,
    )
    end_s = EPOCH_S + 5 * HOUR_S + 17.0
    walked = Timeline(spec, first_state(spec, EPOCH_S), [fault])
    for snapshot in walked.samples(EPOCH_S, end_s, 7.0):
        assert snapshot.at_s < end_s
    direct = Timeline(spec, first_state(spec, EPOCH_S), [fault]).at(end_s)
    assert walked.at(end_s) == direct
    again = Timeline(spec, walked.checkpoint, [fault]).at(end_s)
    assert again == direct


def test_the_past_of_a_timeline_is_closed() -> None:
    timeline = Timeline(POOL, first_state(POOL, EPOCH_S))
    timeline.at(EPOCH_S + HOUR_S)
    with pytest.raises(ValueError, match="lies before"):
        timeline.at(EPOCH_S)


@pytest.mark.parametrize("spec", PLANTS, ids=lambda spec: spec.code)
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_no_fault_ever_touches_compute(spec: PlantSpec, fault: Fault) -> None:
    healthy, broken = after(spec, 20), after(spec, 20, from_noon(spec, fault))
    assert broken.flows.it_kw == healthy.flows.it_kw
    assert broken.state.it_kwh == healthy.state.it_kwh


def test_a_failed_pump_sends_all_heat_to_the_dry_cooler() -> None:
    flows = after(POOL, 13, from_noon(POOL, Fault.PUMP_FAILURE)).flows
    assert (flows.mode, flows.cause) == (Mode.DUMP, Cause.PROVIDER)
    assert flows.delivered_kw == flows.delivered_m3h == 0.0
    assert flows.rejected_kw == flows.captured_kw > 0.0
    assert flows.demand
    assert flows.curtailed


def test_the_supply_pipe_cools_while_the_pump_stands() -> None:
    healthy = after(POOL, 13).state.pipe_supply_c
    assert after(POOL, 15, from_noon(POOL, Fault.PUMP_FAILURE)).state.pipe_supply_c < healthy - 5


def test_a_fouled_exchanger_starves_the_offtaker() -> None:
    healthy, fouled = after(NETWORK, 36), after(NETWORK, 36, from_noon(NETWORK, Fault.EXCHANGER_FOULING))
    assert fouled.flows.transferred_kw < 0.6 * healthy.flows.delivered_kw
    assert fouled.flows.approach_k > healthy.flows.approach_k
    assert fouled.flows.cause is Cause.PROVIDER


def test_an_open_sensor_stops_the_meter_and_not_the_heat() -> None:
    at_noon = after(POOL, 12)
    later = after(POOL, 15, from_noon(POOL, Fault.SENSOR_OPEN))
    assert later.state.meter_kwh == pytest.approx(at_noon.state.meter_kwh)
    assert later.state.delivered_kwh > at_noon.state.delivered_kwh + 50
    assert later.state.meter_error_s == pytest.approx(3 * HOUR_S)


def test_a_stopped_offtaker_asks_for_nothing() -> None:
    flows = after(POOL, 20, from_noon(POOL, Fault.OFFTAKER_STOP)).flows
    assert not flows.demand
    assert flows.delivered_kw == 0.0
    assert flows.cause is Cause.OFFTAKER


def test_a_weak_dry_cooler_is_an_emergency_of_the_primary_loop() -> None:
    faults = (from_noon(NETWORK, Fault.DRY_COOLER_FAN), from_noon(NETWORK, Fault.PUMP_FAILURE))
    flows = after(NETWORK, 13, *faults).flows
    assert (flows.mode, flows.cause) == (Mode.EMERGENCY, Cause.SAFETY)
    assert flows.primary_supply_c > NETWORK.hot_c + 2.0


def test_low_supply_leaves_the_contracted_band() -> None:
    flows = after(POOL, 13, from_noon(POOL, Fault.LOW_SUPPLY_TEMP)).flows
    assert flows.supply_c <= POOL.supply_c - 8.0
    assert flows.delivered_kw > 0.0


def test_maintenance_says_that_it_was_planned() -> None:
    flows = after(POOL, 13, from_noon(POOL, Fault.MAINTENANCE)).flows
    assert (flows.mode, flows.cause) == (Mode.MAINTENANCE, Cause.PLANNED)


def test_the_heat_pump_stays_below_the_ideal() -> None:
    snapshots = list(
        Timeline(GREENHOUSE, first_state(GREENHOUSE, EPOCH_S)).samples(EPOCH_S, EPOCH_S + 5 * DAY_S, 900.0)
    )
    cops = [shot.flows.cop for shot in snapshots if shot.flows.cop is not None]
    assert len(cops) > 200
    assert 2.0 <= min(cops) <= max(cops) <= 7.0


def test_the_meter_agrees_with_the_water_tables() -> None:
    start, end = after(POOL, 24).state, after(POOL, 48).state
    volume_m3 = end.meter_m3 - start.meter_m3
    supply_c = (end.meter_supply_m3c - start.meter_supply_m3c) / volume_m3
    return_c = (end.meter_return_m3c - start.meter_return_m3c) / volume_m3
    computed_kwh = volume_m3 * (supply_c - return_c) * heat_coefficient_kwh_m3_k(supply_c, return_c)
    assert computed_kwh == pytest.approx(end.meter_kwh - start.meter_kwh, rel=1e-3)


@pytest.mark.parametrize(
    ("supply_c", "return_c", "published"),
    [(70, 40, 1.15237), (45, 35, 1.15356), (35, 28, 1.15633), (90, 50, 1.14969), (30, 20, 1.15920)],
)
def test_water_carries_the_published_heat(supply_c: float, return_c: float, published: float) -> None:
    assert heat_coefficient_kwh_m3_k(supply_c, return_c) == pytest.approx(published, rel=2e-4)
