"""What a plant remembers between two instants, and what flows in it at one."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum


class Mode(StrEnum):
    """Where the captured heat goes, in the order of the portal's numbers."""

    EXPORT = "export"
    PARTIAL = "partial"
    BUFFER = "buffer"
    DUMP = "dump"
    EMERGENCY = "emergency"
    MAINTENANCE = "maintenance"


class Cause(StrEnum):
    """Why captured heat is not exported, in the order of the portal's numbers."""

    NONE = "none"
    OFFTAKER = "offtaker"
    PROVIDER = "provider"
    SAFETY = "safety"
    TEMPERATURE = "temperature"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """Powers, temperatures and flows at one instant; positive in the direction of the name."""

    it_kw: float
    ambient_c: float
    demand_kw: float
    captured_kw: float
    transferred_kw: float
    delivered_kw: float
    rejected_kw: float
    heat_pump_kw: float
    total_kw: float
    supply_c: float
    return_c: float
    delivered_m3h: float
    heat_coefficient_kwh_m3_k: float
    primary_supply_c: float
    primary_return_c: float
    secondary_supply_c: float
    secondary_return_c: float
    source_return_c: float
    source_pump_kw: float
    sink_pump_kw: float
    approach_k: float
    cooler_kw: float
    fan_ratio: float
    mode: Mode
    cause: Cause
    demand: bool
    curtailed: bool
    sensor_open: bool

    @property
    def cop(self) -> float | None:
        """Coefficient of performance of the heat pump, or None while it stands."""
        return self.delivered_kw / self.heat_pump_kw if self.heat_pump_kw > 0.0 else None


@dataclass(slots=True, kw_only=True)
class PlantState:
    """Temperatures that take time and registers that only grow, at one instant."""

    at_s: float
    buffer_c: float
    pipe_supply_c: float
    pipe_return_c: float
    # What truly happened: the balance closes over these.
    it_kwh: float = 0.0
    total_kwh: float = 0.0
    heat_pump_kwh: float = 0.0
    captured_kwh: float = 0.0
    captured_m3: float = 0.0
    captured_supply_m3c: float = 0.0
    captured_return_m3c: float = 0.0
    delivered_kwh: float = 0.0
    rejected_kwh: float = 0.0
    curtailed_s: float = 0.0
    # What the offtaker's heat meter counted, which stands still while its sensor is broken.
    meter_kwh: float = 0.0
    meter_m3: float = 0.0
    meter_supply_m3c: float = 0.0
    meter_return_m3c: float = 0.0
    meter_error_s: float = 0.0

    def copy(self) -> "PlantState":
        """An independent copy."""
        return replace(self)

    def as_dict(self) -> dict[str, float]:
        """The fields as plain numbers, for a checkpoint."""
        return asdict(self)
