"""The constants of one plant: what was built, where it stands and who takes its heat."""

from dataclasses import dataclass
from enum import StrEnum


class OfftakerKind(StrEnum):
    """Who takes the heat, which decides when it is wanted."""

    POOL = "pool"
    GREENHOUSE = "greenhouse"
    NETWORK = "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """The outdoor temperature of a place as a yearly and a daily wave."""

    mean_c: float
    yearly_swing_k: float
    daily_swing_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPump:
    """A heat pump between the buffer tank and the offtaker."""

    heat_kw: float
    lorenz_efficiency_ratio: float
    source_glide_k: float
    source_min_c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DryCooler:
    """The way out for all heat that nobody takes."""

    nominal_kw: float
    nominal_difference_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """One plant. The seed decides its load, weather and demand for all time."""

    code: str
    seed: str
    timezone: str
    it_kw: float
    capture_ratio: float
    hot_c: float
    primary_flow_m3h: float
    exchanger_kw_k: float
    buffer_m3: float
    supply_c: float
    return_c: float
    contract_kw: float
    kind: OfftakerKind
    climate: Climate
    dry_cooler: DryCooler
    heat_pump: HeatPump | None = None

    @property
    def buffer_kwh_k(self) -> float:
        """Heat that warms the buffer tank by one kelvin, in kWh/K."""
        return self.buffer_m3 * 1.15

    @property
    def capture_kw(self) -> float:
        """Heat the liquid loop carries at full IT load, in kW."""
        return self.it_kw * self.capture_ratio
