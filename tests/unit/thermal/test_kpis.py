"""Key figures against worked numbers."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import kpis
from thermal.domain.kpis import avoided, disclosure, export, figures, heat_pump, sums, water_side


def test_the_worked_site() -> None:
    it_kwh, delivered_kwh = 175_000.0, 127_181.25
    total_kwh = it_kwh * 1.10
    assert kpis.power_usage_effectiveness(total_kwh, it_kwh) == pytest.approx(1.10)
    assert kpis.energy_reuse_factor(delivered_kwh, total_kwh) == pytest.approx(0.6607, abs=5e-5)
    ere = kpis.energy_reuse_effectiveness(total_kwh, delivered_kwh, it_kwh)
    assert ere == pytest.approx(0.3733, abs=5e-5)
    assert ere == pytest.approx(1.10 * (1 - 0.660682), rel=1e-4)


def test_heat_pump_figures_of_the_brief() -> None:
    for cop, heat_kwh, work_kwh in [(3, 190_772, 63_591), (4, 169_575, 42_394), (5, 158_977, 31_795)]:
        assert kpis.coefficient_of_performance(heat_kwh, work_kwh) == pytest.approx(cop, rel=1e-4)


@pytest.mark.parametrize(("part", "whole"), [(None, 10.0), (10.0, None), (10.0, 0.0), (0.0, 0.0)])
def test_what_is_unknown_is_no_number(part: float | None, whole: float | None) -> None:
    assert kpis.capture_ratio(part, whole) is None
    assert kpis.usable_ratio(part, whole) is None


def test_the_balance_leaves_what_was_lost() -> None:
    assert kpis.balance_error_kwh(100, None, 60, 30, None) == 10
    assert kpis.balance_error_kwh(None, 20, 60, 30, 0) is None
    assert kpis.energy_reuse_effectiveness(None, 1.0, 1.0) is None


# Published and worked values: (sink glide, source glide, Carnot, Lorenz).
LIMITS = [
    ((70.0, 70.0), (30.0, 30.0), 8.579, 8.579),
    ((55.0, 55.0), (28.0, 28.0), 12.154, 12.154),
    ((35.0, 35.0), (10.0, 10.0), 12.33, 12.33),
]


@pytest.mark.parametrize(("sink", "source", "carnot", "lorenz"), LIMITS)
def test_limits_of_heat_pumps(
    sink: tuple[float, float], source: tuple[float, float], carnot: float, lorenz: float
) -> None:
    assert heat_pump.carnot_cop(max(sink), min(source)) == pytest.approx(carnot, abs=5e-3)
    assert heat_pump.lorenz_cop(sink, source) == pytest.approx(lorenz, abs=5e-3)


def test_gliding_temperatures_raise_the_limit() -> None:
    assert heat_pump.lorenz_cop((40, 70), (35, 25)) == pytest.approx(13.223, abs=5e-4)
    assert heat_pump.lorenz_cop((45, 55), (30, 25)) == pytest.approx(14.373, abs=5e-4)


def test_a_cop_at_the_limit_is_impossible_and_the_band_can_be_set() -> None:
    sink, source = (70.0, 70.0), (30.0, 30.0)
    limit = heat_pump.carnot_cop(70.0, 30.0)
    assert heat_pump.second_law(limit, sink, source).verdict == "impossible"
    assert heat_pump.second_law(4.0, sink, source).verdict == "usual"
    assert heat_pump.second_law(4.0, sink, source, band=(0.5, 0.8)).verdict == "low"
    assert heat_pump.second_law(6.5, sink, source).verdict == "high"


@pytest.mark.parametrize(("sink_c", "source_c"), [(30.0, 30.0), (20.0, 30.0)])
def test_no_limit_without_a_lift(sink_c: float, source_c: float) -> None:
    with pytest.raises(heat_pump.NoLift):
        heat_pump.carnot_cop(sink_c, source_c)


def test_impossible_temperatures_and_machines_are_refused() -> None:
    with pytest.raises(heat_pump.BelowAbsoluteZero):
        heat_pump.carnot_cop(20.0, -300.0)
    with pytest.raises(heat_pump.NotAHeatPump):
        heat_pump.work_kwh(100.0, 1.0)
    with pytest.raises(avoided.EfficiencyOutOfRange):
        avoided.avoided_fuel_kwh(1.0, 85.0)
    with pytest.raises(water_side.BufferUpsideDown):
        water_side.state_of_charge_ratio(50.0, 60.0, 40.0)


def test_boundaries_of_a_system_without_a_backup_heater() -> None:
    work = heat_pump.HeatPumpWork(400.0, 100.0, 5.0, 4.0, 0.0, 0.0)
    h2, h3 = (heat_pump.cop(work, boundary) for boundary in (heat_pump.Boundary.H2, heat_pump.Boundary.H3))
    assert h2 == h3 == pytest.approx(3.8095, abs=1e-4)
    assert heat_pump.cop(work, heat_pump.Boundary.H4) == pytest.approx(3.6697, abs=1e-4)
    assert heat_pump.cop(heat_pump.HeatPumpWork(400.0, 100.0, 5.0), heat_pump.Boundary.H4) is None


def test_avoided_emissions_of_a_pool() -> None:
    fuel = avoided.avoided_fuel_kwh(100_000.0, 0.85)
    assert avoided.avoided_kg_co2e(fuel, 182.96, 0.0, None) == pytest.approx(21_524.7, abs=0.05)
    assert avoided.avoided_kg_co2e(fuel, 182.96, 25_000.0, 195.53) == pytest.approx(16_636.5, abs=0.25)
    assert avoided.avoided_kg_co2e(fuel, 182.96, 25_000.0, None) is None


def test_a_factor_is_chosen_by_the_most_days() -> None:
    factors = [
        avoided.Factor(207.05, dt.date(2024, 1, 1), dt.date(2025, 1, 1)),
        avoided.Factor(177.0, dt.date(2025, 1, 1), dt.date(2026, 1, 1)),
    ]
    chosen = avoided.factor_of(factors, dt.date(2024, 7, 1), dt.date(2025, 4, 1))
    assert chosen is not None
    assert chosen.g_per_kwh == 207.05
    assert avoided.factor_of(factors, dt.date(2027, 1, 1), dt.date(2028, 1, 1)) is None


def test_figures_name_what_they_miss_and_never_say_zero() -> None:
    figure = figures.BY_KEY["cop_h4"]
    known = {"heat_pump_heat_kwh": 400.0, "heat_pump_kwh": 100.0}
    assert figure.value(known) is None
    assert figure.missing(known) == ["source_pump_kwh", "backup_heat_kwh", "backup_kwh", "sink_pump_kwh"]
    assert figures.BY_KEY["cop_h1"].value(known) == 4.0
    for figure in figures.FIGURES:
        assert figure.value({}) is None
        assert figure.missing({}) == [*figure.inputs, *figure.facts]
        assert set(figure.inputs) <= set(sums.INPUTS)


@pytest.mark.parametrize("figure", figures.FIGURES, ids=lambda figure: figure.key)
def test_every_figure_computes(figure: figures.Figure) -> None:
    values = {name: 0.9 if name.endswith("ratio") else 10.0 for name in (*figure.inputs, *figure.facts)}
    assert figure.value(values) is not None


parts = st.builds(
    sums.Sum,
    st.none() | st.integers(-10_000, 10_000).map(float),
    st.integers(0, 96),
    st.integers(0, 96),
)


@given(st.lists(parts, max_size=30), st.integers(0, 30))
def test_any_splitting_gives_the_same_sums(months: list[sums.Sum], cut: int) -> None:
    whole = sums.added({"it_kwh": one} for one in months)
    halves = [sums.added({"it_kwh": one} for one in half) for half in (months[:cut], months[cut:])]
    assert sums.added(halves) == whole


energies = st.floats(0, 50, allow_nan=False)


@given(st.none() | energies, st.none() | energies, st.none() | st.floats(-20, 20), st.sampled_from([None, True, False]))
def test_a_derived_mode_is_single_and_its_cause_fits(
    available: float | None, delivered: float | None, buffered: float | None, called: bool | None
) -> None:
    quarter = export.Quarter(available, delivered, 10.0, buffered, called)
    mode, cause = export.derived_mode(quarter)
    assert mode is None or (cause is export.Cause.NONE) >= (mode is export.Mode.EXPORT)
    if mode is export.Mode.DUMP:
        assert cause is not export.Cause.NONE
    curtailed = export.curtailed_kwh(available, delivered, buffered, mode)
    assert curtailed is None or 0 <= curtailed <= (available or 0)


def test_quotas_bind_by_size_age_and_year() -> None:
    old = disclosure.Quota(1.5, True, dt.date(2027, 7, 1), None, 300.0, began_before=dt.date(2026, 7, 1))
    began = dt.date(2020, 1, 1)
    judged = {
        year: disclosure.standing(old, 1.6, year=year, installed_it_kw=400.0, began_on=began) for year in (2026, 2028)
    }
    assert judged == {2026: "not_yet", 2028: "missed"}
    assert disclosure.standing(old, None, year=2028, installed_it_kw=400.0, began_on=began) == "unknown"
    assert disclosure.standing(old, 1.4, year=2028, installed_it_kw=400.0, began_on=None) == "unknown"
    young = dt.date(2026, 8, 1)
    assert disclosure.standing(old, 1.4, year=2028, installed_it_kw=400.0, began_on=young) == "not_bound"


def test_buffers_and_exchangers() -> None:
    change = water_side.buffer_change_kwh(1000.0, 45.0, 50.0)
    assert change == pytest.approx(1.0 * 1.147 * 5, rel=2e-3)
    assert water_side.buffer_change_kwh(1000.0, 50.0, 45.0) == pytest.approx(-change)
    assert water_side.fouling(2.0, 4.1).has_fouled
    assert water_side.volume_weighted(0.0, 0.0, 0.0) is None
