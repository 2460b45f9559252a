"""Key figures against worked numbers."""

import pytest

from thermal.domain import kpis


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
