"""What each point of a demo device is called, what it measures and what it stands for at the site."""

from typing import Any, Final

from demo.devices.registers import RegisterPoint
from hosting.domain.profiles import PointSpec
from hosting.models import Measurement, ProfilePoint

Role = Measurement.Role
Quantity = ProfilePoint.Quantity

_QUANTITIES: Final[dict[str, tuple[str, Quantity, str]]] = {
    "export_mode": ("Export mode", Quantity.STATE, ""),
    "export_cause": ("Cause of the export mode", Quantity.STATE, ""),
    "demand": ("Call for heat", Quantity.FLAG, ""),
    "utilization_ratio": ("Compute utilization", Quantity.RATIO, ""),
    "fan_ratio": ("Dry cooler fans", Quantity.RATIO, ""),
    "primary_supply_c": ("Hot side of the exchanger", Quantity.TEMPERATURE_C, "°C"),
    "primary_return_c": ("Back to the racks", Quantity.TEMPERATURE_C, "°C"),
    "buffer_c": ("Buffer tank", Quantity.TEMPERATURE_C, "°C"),
    "supply_c": ("Supply to the offtaker", Quantity.SUPPLY_C, "°C"),
    "return_c": ("Return from the offtaker", Quantity.RETURN_C, "°C"),
    "ambient_c": ("Outdoors", Quantity.TEMPERATURE_C, "°C"),
    "approach_k": ("Approach of the exchanger", Quantity.DIFFERENCE_K, "K"),
    "it_kw": ("IT power", Quantity.POWER_KW, "kW"),
    "captured_kw": ("Heat captured", Quantity.POWER_KW, "kW"),
    "delivered_kw": ("Heat delivered", Quantity.POWER_KW, "kW"),
    "rejected_kw": ("Heat rejected", Quantity.POWER_KW, "kW"),
    "demand_kw": ("Heat asked for", Quantity.POWER_KW, "kW"),
    "total_kw": ("Power of the site", Quantity.POWER_KW, "kW"),
    "primary_flow_m3h": ("Flow of the liquid loop", Quantity.FLOW_M3H, "m³/h"),
    "flow_m3h": ("Flow to the offtaker", Quantity.FLOW_M3H, "m³/h"),
    "curtailed_s": ("Seconds curtailed", Quantity.STATE, ""),
    "cooler_kw": ("Rejection capacity ready", Quantity.POWER_KW, "kW"),
    "heat_pump_kw": ("Power of the heat pump", Quantity.POWER_KW, "kW"),
    "cop": ("Coefficient of performance", Quantity.RATIO, ""),
    "secondary_supply_c": ("Behind the exchanger", Quantity.TEMPERATURE_C, "°C"),
    "secondary_return_c": ("Back to the exchanger", Quantity.TEMPERATURE_C, "°C"),
    "source_return_c": ("Back from the heat pump", Quantity.TEMPERATURE_C, "°C"),
    "source_pump_kw": ("Pump before the heat pump", Quantity.POWER_KW, "kW"),
    "sink_pump_kw": ("Pump behind the heat pump", Quantity.POWER_KW, "kW"),
    "energy_kwh": ("Energy", Quantity.ENERGY_KWH, "kWh"),
    "power_kw": ("Power", Quantity.POWER_KW, "kW"),
}
CONTROLLER_ROLES: Final[dict[str, Role]] = {
    "export_mode": Role.EXPORT_MODE,
    "export_cause": Role.EXPORT_CAUSE,
    "demand": Role.DEMAND,
    "utilization_ratio": Role.UTILISATION,
    "buffer_c": Role.BUFFER_TEMPERATURE,
    "supply_c": Role.SUPPLY_TEMPERATURE,
    "return_c": Role.RETURN_TEMPERATURE,
    "ambient_c": Role.AMBIENT_TEMPERATURE,
    "it_kw": Role.IT_POWER,
    "captured_kw": Role.CAPTURED_POWER,
    "delivered_kw": Role.DELIVERED_POWER,
    "rejected_kw": Role.REJECTED_POWER,
    "total_kw": Role.TOTAL_POWER,
    "flow_m3h": Role.FLOW,
    "cooler_kw": Role.REJECTION_CAPACITY,
    "heat_pump_kw": Role.HEAT_PUMP_POWER,
    "cop": Role.COP,
    "source_pump_kw": Role.SOURCE_PUMP_POWER,
    "sink_pump_kw": Role.SINK_PUMP_POWER,
}
AT_DELIVERY: Final = frozenset(
    {Role.DEMAND, Role.SUPPLY_TEMPERATURE, Role.RETURN_TEMPERATURE, Role.DELIVERED_POWER, Role.FLOW}
)
EQUIPMENT_TAGS: Final[dict[Role, str]] = {
    Role.BUFFER_TEMPERATURE: "BT-1",
    Role.CAPTURED_POWER: "CDU-1",
    Role.REJECTED_POWER: "DC-1",
    Role.REJECTION_CAPACITY: "DC-1",
    Role.HEAT_PUMP_POWER: "HP-1",
    Role.COP: "HP-1",
}
# What a value tells of a piece of equipment besides: all heat that is delivered comes through the heat pump.
EQUIPMENT_ROLES: Final[dict[str, tuple[Role, str]]] = {"delivered_kw": (Role.HEAT_PUMP_HEAT_POWER, "HP-1")}
# Temperatures of pipes stand on the pipes, by source, target and leg; a site has those whose both ends it has.
PIPE_ROLES: Final[dict[str, tuple[Role, tuple[tuple[str, str, str], ...]]]] = {
    "primary_supply_c": (Role.SUPPLY_TEMPERATURE, (("R-01", "CDU-1", "supply"), ("CDU-1", "HX-1", "supply"))),
    "primary_return_c": (Role.RETURN_TEMPERATURE, (("HX-1", "CDU-1", "return"), ("CDU-1", "R-01", "return"))),
    "primary_flow_m3h": (Role.FLOW, (("CDU-1", "HX-1", "supply"), ("HX-1", "CDU-1", "return"))),
    "secondary_supply_c": (Role.SUPPLY_TEMPERATURE, (("HX-1", "BT-1", "supply"),)),
    "secondary_return_c": (Role.RETURN_TEMPERATURE, (("BT-1", "HX-1", "return"),)),
    "buffer_c": (Role.SUPPLY_TEMPERATURE, (("BT-1", "HP-1", "supply"),)),
    "source_return_c": (Role.RETURN_TEMPERATURE, (("HP-1", "BT-1", "return"),)),
    "supply_c": (Role.SUPPLY_TEMPERATURE, (("HP-1", "P-2", "supply"),)),
    "return_c": (Role.RETURN_TEMPERATURE, (("HS-1", "HP-1", "return"),)),
}
_HEAT_METER: Final[tuple[tuple[str, str, Quantity, str, dict[str, Any]], ...]] = (
    ("energy_kwh", "Energy", Quantity.ENERGY_KWH, "kWh", {"quantity": "Energy"}),
    ("volume_m3", "Volume", Quantity.VOLUME_M3, "m³", {"quantity": "Volume"}),
    (
        "supply_energy_m3c",
        "E8",
        Quantity.SUPPLY_ENERGY_M3C,
        "m³·°C",
        {"quantity": "Manufacturer specific", "qualifier": 7},
    ),
    (
        "return_energy_m3c",
        "E9",
        Quantity.RETURN_ENERGY_M3C,
        "m³·°C",
        {"quantity": "Manufacturer specific", "qualifier": 8},
    ),
    ("power_kw", "Power", Quantity.POWER_KW, "kW", {"quantity": "Power"}),
    ("flow_m3h", "Flow", Quantity.FLOW_M3H, "m³/h", {"quantity": "Volume flow"}),
    ("supply_c", "Supply temperature", Quantity.SUPPLY_C, "°C", {"quantity": "Flow temperature"}),
    ("return_c", "Return temperature", Quantity.RETURN_C, "°C", {"quantity": "Return temperature"}),
    ("difference_k", "Difference", Quantity.DIFFERENCE_K, "K", {"quantity": "Temperature difference"}),
    ("operating_h", "Operating hours", Quantity.OPERATING_H, "h", {"quantity": "On time"}),
    (
        "error_h",
        "Error hours",
        Quantity.ERROR_H,
        "h",
        {"quantity": "On time", "function": "error"},
    ),
    ("info_code", "Error flags", Quantity.INFO_CODE, "", {"quantity": "Error flags"}),
    ("device_time", "Clock", Quantity.DEVICE_TIME, "", {"quantity": "Time point (date & time)"}),
)


def modbus_specs(points: tuple[RegisterPoint, ...]) -> list[PointSpec]:
    """The points of a Modbus device as a profile keeps them."""
    return [_modbus_spec(slot, point) for slot, point in enumerate(points)]


def _modbus_spec(slot: int, point: RegisterPoint) -> PointSpec:
    name, quantity, unit = _QUANTITIES[point.key]
    address: dict[str, Any] = {"table": "holding", "register": point.address, "type": point.encoding.value}
    if point.scale != 1.0:
        address["scale"] = repr(point.scale)
    return PointSpec(slot, point.key.replace("_", "-"), name, quantity, unit, address)


def heat_meter_specs() -> list[PointSpec]:
    """The points of an M-Bus heat meter."""
    return _mbus_specs(_HEAT_METER)


def mbus_power_specs() -> list[PointSpec]:
    """The points of an M-Bus electricity meter."""
    return _mbus_specs(tuple(row for row in _HEAT_METER if row[0] in {"energy_kwh", "power_kw"}))


def _mbus_specs(rows: tuple[tuple[str, str, Quantity, str, dict[str, Any]], ...]) -> list[PointSpec]:
    return [
        PointSpec(slot, key.replace("_", "-"), name, quantity, unit, dict(address))
        for slot, (key, name, quantity, unit, address) in enumerate(rows)
    ]
