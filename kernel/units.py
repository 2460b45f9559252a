"""The unit table: the one place that says what a suffix means and how foreign units convert.

Inside Heatledger every number carries its unit in its name, and one quantity has one unit. What devices and
files say in other units is converted at the edge, exactly: factors are fractions, so a decimal goes through
unharmed wherever decimals can hold the result.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

from kernel.errors import Refusal


class UnknownUnit(Refusal):
    sentence = "%(symbol)s is not a unit we know."


class UnitsDoNotConvert(Refusal):
    sentence = "%(source)s measures something else than %(target)s."


@dataclass(frozen=True, slots=True)
class Suffix:
    """A unit as it ends the name of a field, a variable or a column."""

    suffix: str
    symbol: str
    quantity: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as devices and files write it: `value * factor + offset` is in the canonical unit."""

    symbol: str
    quantity: str
    canonical: str
    factor: Fraction
    offset: Fraction = Fraction(0)


SUFFIXES: Final[tuple[Suffix, ...]] = (
    Suffix("_kwh", "kWh", "energy", "heat or electricity; the name says which (`heat_kwh`, `it_kwh`)"),
    Suffix("_kw", "kW", "power", "thermal or electric; the name says which"),
    Suffix("_va", "VA", "apparent power", "as PDUs and UPSs report it"),
    Suffix("_m3", "m³", "volume", "at the temperature where the flow sensor sits"),
    Suffix("_m3h", "m³/h", "volume flow", ""),
    Suffix("_c", "°C", "temperature", "a reading on the scale, of the `supply` or the `return`"),
    Suffix("_k", "K", "temperature difference", "supply minus return unless the name says otherwise"),
    Suffix("_m3c", "m³·°C", "temperature-weighted volume", "registers E8 and E9 of heat meters"),
    Suffix("_bar", "bar", "pressure", "above atmosphere unless the name says absolute"),
    Suffix("_ratio", "", "share of one", "0.85, never 85; percent exists only on screen"),
    Suffix("_count", "", "count", "whole things"),
    Suffix("_v", "V", "voltage", ""),
    Suffix("_a", "A", "current", ""),
    Suffix("_hz", "Hz", "frequency", ""),
    Suffix("_h", "h", "hours of a counter", "operating and error hours as devices count them"),
    Suffix("_s", "s", "seconds", "measured or curtailed seconds of an interval, delays, clock offsets"),
    Suffix("_minutes", "min", "minutes of a statement", "minutes of a service-level class"),
    Suffix("_ms", "ms", "milliseconds", "timing of field devices"),
    Suffix("_days", "d", "days", "lead times and terms of payment"),
    Suffix("_months", "mo", "calendar months", "terms and intervals"),
    Suffix("_years", "a", "calendar years", "verification and contract terms"),
    Suffix("_l", "l", "volume of a sample or a dose", ""),
    Suffix("_kg", "kg", "mass", "refrigerant charge, chemicals"),
    Suffix("_t_co2e", "t CO₂e", "greenhouse gas", "by the 100-year potential of the source cited beside it"),
    Suffix("_kg_co2e", "kg CO₂e", "greenhouse gas", "by the 100-year potential of the source cited beside it"),
    Suffix("_kd", "K·d", "degree days", "heating or cooling, above or below a base"),
    Suffix("_g_per_kwh", "g/kWh", "emission factor", "CO₂ equivalent per energy"),
    Suffix("_kg_m3", "kg/m³", "density", ""),
    Suffix("_kj_kg", "kJ/kg", "specific enthalpy", ""),
    Suffix("_kj_kgk", "kJ/(kg·K)", "specific heat", ""),
    Suffix("_kwh_m3k", "kWh/(m³·K)", "heat coefficient", "k of EN 1434-1, per volume at the flow sensor"),
    Suffix("_kw_k", "kW/K", "conductance", "of exchangers and coolers"),
    Suffix("_kwh_k", "kWh/K", "heat capacity", "of a store"),
    Suffix("_per_kwh", "1/kWh", "price per energy", "in the currency of the contract"),
    Suffix("_per_mwh", "1/MWh", "price per energy", "in the currency of the contract or the market"),
    Suffix("_per_kw_year", "1/(kW·a)", "price per power and year", "in the currency of the contract"),
    Suffix("_per_day", "1/d", "price per calendar day", "in the currency of the contract"),
    Suffix("_per_month", "1/mo", "price per calendar month", "in the currency of the contract"),
    Suffix("_per_year", "1/a", "price per calendar year", "in the currency of the contract"),
    Suffix("_mg_l", "mg/l", "concentration", "water analysis"),
    Suffix("_us_cm", "µS/cm", "conductivity", "at 25 °C"),
    Suffix("_mmol_l", "mmol/l", "hardness", "alkaline earths"),
    Suffix("_dh", "°dH", "hardness", "as German laboratories print it"),
    Suffix("_ph", "pH", "acidity", ""),
    Suffix("_ntu", "NTU", "turbidity", ""),
    Suffix("_cfu_ml", "CFU/ml", "germ count", "total viable count"),
    Suffix("_cfu_l", "CFU/l", "germ count", "Legionella"),
    Suffix("_m", "m", "length", ""),
    Suffix("_mm", "mm", "length", "pipe diameters"),
    Suffix("_m2", "m²", "area", ""),
    Suffix("_deg", "°", "angle", "latitude and longitude, WGS 84"),
    Suffix("_db_a", "dB(A)", "sound level", "permits"),
    Suffix("_bytes", "B", "size", ""),
)

_WH_PER_KWH = Fraction(1, 1000)
_J_PER_KWH = Fraction(1, 3_600_000)
_FAHRENHEIT_STEP = Fraction(5, 9)

UNITS: Final[tuple[Unit, ...]] = (
    Unit("Wh", "energy", "kWh", _WH_PER_KWH),
    Unit("kWh", "energy", "kWh", Fraction(1)),
    Unit("MWh", "energy", "kWh", Fraction(1000)),
    Unit("GWh", "energy", "kWh", Fraction(1_000_000)),
    Unit("J", "energy", "kWh", _J_PER_KWH),
    Unit("kJ", "energy", "kWh", _J_PER_KWH * 1000),
    Unit("MJ", "energy", "kWh", _J_PER_KWH * 1_000_000),
    Unit("GJ", "energy", "kWh", _J_PER_KWH * 1_000_000_000),
    Unit("mW", "power", "kW", Fraction(1, 1_000_000)),
    Unit("W", "power", "kW", Fraction(1, 1000)),
    Unit("kW", "power", "kW", Fraction(1)),
    Unit("MW", "power", "kW", Fraction(1000)),
    Unit("J/h", "power", "kW", _J_PER_KWH),
    Unit("kJ/h", "power", "kW", _J_PER_KWH * 1000),
    Unit("MJ/h", "power", "kW", _J_PER_KWH * 1_000_000),
    Unit("GJ/h", "power", "kW", _J_PER_KWH * 1_000_000_000),
    Unit("VA", "apparent power", "VA", Fraction(1)),
    Unit("kVA", "apparent power", "VA", Fraction(1000)),
    Unit("ml", "volume", "m³", Fraction(1, 1_000_000)),
    Unit("l", "volume", "m³", Fraction(1, 1000)),
    Unit("m³", "volume", "m³", Fraction(1)),
    Unit("l/h", "volume flow", "m³/h", Fraction(1, 1000)),
    Unit("l/min", "volume flow", "m³/h", Fraction(60, 1000)),
    Unit("l/s", "volume flow", "m³/h", Fraction(3600, 1000)),
    Unit("m³/h", "volume flow", "m³/h", Fraction(1)),
    Unit("m³/min", "volume flow", "m³/h", Fraction(60)),
    Unit("m³/s", "volume flow", "m³/h", Fraction(3600)),
    Unit("°C", "temperature", "°C", Fraction(1)),
    Unit("°F", "temperature", "°C", _FAHRENHEIT_STEP, -32 * _FAHRENHEIT_STEP),
    Unit("K abs", "temperature", "°C", Fraction(1), Fraction(-27315, 100)),
    Unit("K", "temperature difference", "K", Fraction(1)),
    Unit("mK", "temperature difference", "K", Fraction(1, 1000)),
    Unit("m³·°C", "temperature-weighted volume", "m³·°C", Fraction(1)),
    Unit("Pa", "pressure", "bar", Fraction(1, 100_000)),
    Unit("hPa", "pressure", "bar", Fraction(1, 1000)),
    Unit("kPa", "pressure", "bar", Fraction(1, 100)),
    Unit("MPa", "pressure", "bar", Fraction(10)),
    Unit("mbar", "pressure", "bar", Fraction(1, 1000)),
    Unit("bar", "pressure", "bar", Fraction(1)),
    Unit("%", "share of one", "1", Fraction(1, 100)),
    Unit("‰", "share of one", "1", Fraction(1, 1000)),
    Unit("1", "share of one", "1", Fraction(1)),
    Unit("mV", "voltage", "V", Fraction(1, 1000)),
    Unit("V", "voltage", "V", Fraction(1)),
    Unit("mA", "current", "A", Fraction(1, 1000)),
    Unit("A", "current", "A", Fraction(1)),
    Unit("Hz", "frequency", "Hz", Fraction(1)),
    Unit("s", "hours of a counter", "h", Fraction(1, 3600)),
    Unit("min", "hours of a counter", "h", Fraction(1, 60)),
    Unit("h", "hours of a counter", "h", Fraction(1)),
    Unit("d", "hours of a counter", "h", Fraction(24)),
)

ALIASES: Final[dict[str, str]] = {
    "m3": "m³",
    "m^3": "m³",
    "m3/h": "m³/h",
    "m^3/h": "m³/h",
    "m3/min": "m³/min",
    "m^3/min": "m³/min",
    "m3/s": "m³/s",
    "m^3/s": "m³/s",
    "L": "l",
    "L/h": "l/h",
    "L/min": "l/min",
    "L/s": "l/s",
    "C": "°C",
    "degC": "°C",
    "F": "°F",
    "degF": "°F",
    "m3*C": "m³·°C",
    "m3C": "m³·°C",
    "": "1",
}

_BY_SYMBOL: Final = {unit.symbol: unit for unit in UNITS}
# Enough for every register of every meter; only sevenths, ninths and the like are cut.
_DIGITS: Final = Context(prec=40)


def unit_of(symbol: str) -> Unit:
    """The unit that a symbol, or one of its usual spellings, stands for.

    >>> unit_of("m3/h").symbol, unit_of("degC").quantity
    ('m³/h', 'temperature')
    """
    name = symbol.strip()
    try:
        return _BY_SYMBOL[ALIASES.get(name, name)]
    except KeyError:
        raise UnknownUnit(symbol=symbol or "nothing") from None


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """The value in the target unit, exact wherever a decimal can hold it, else to 40 digits.

    Examples
    --------
    >>> round(convert(Decimal("32308"), "MJ", "kWh"), 6)
    Decimal('8974.444444')
    >>> convert(Decimal("36"), "GJ", "kWh")
    Decimal('10000')
    >>> convert(Decimal("561.08"), "m3", "l"), convert(Decimal("68"), "degF", "degC")
    (Decimal('561080'), Decimal('20'))
    """
    from_unit, to_unit = unit_of(source), unit_of(target)
    if from_unit.quantity != to_unit.quantity:
        raise UnitsDoNotConvert(source=source, target=target)
    if from_unit is to_unit:
        return value
    canonical = Fraction(value) * from_unit.factor + from_unit.offset
    return as_decimal((canonical - to_unit.offset) / to_unit.factor)


def to_canonical(value: Decimal, source: str) -> Decimal:
    """The value in the unit that Heatledger keeps for its quantity.

    >>> to_canonical(Decimal("37351"), "Wh")
    Decimal('37.351')
    """
    return convert(value, source, unit_of(source).canonical)


def convert_float(value: float, source: str, target: str) -> float:
    """The same for sensor values, which are floats: one multiplication, one addition.

    >>> convert_float(1013.25, "hPa", "bar")
    1.01325
    """
    from_unit, to_unit = unit_of(source), unit_of(target)
    if from_unit.quantity != to_unit.quantity:
        raise UnitsDoNotConvert(source=source, target=target)
    factor = from_unit.factor / to_unit.factor
    offset = (from_unit.offset - to_unit.offset) / to_unit.factor
    return value * factor.numerator / factor.denominator + float(offset)


def as_decimal(value: Fraction) -> Decimal:
    """The fraction as a decimal without an exponent or trailing zeros, exact or to 40 digits."""
    with localcontext(_DIGITS):
        quotient = (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
        return quotient.quantize(Decimal(1)) if quotient == quotient.to_integral_value() else quotient


def suffix_of(name: str) -> Suffix | None:
    """The suffix that ends a name, the longest that fits, or None for a name without a unit.

    >>> suffix_of("heat_price_per_kwh").symbol, suffix_of("heat_kwh").symbol
    ('1/kWh', 'kWh')
    """
    fitting = [suffix for suffix in SUFFIXES if name.endswith(suffix.suffix)]
    return max(fitting, key=lambda suffix: len(suffix.suffix), default=None)


def render_table() -> str:
    """The text of `docs/units.md`."""
    lines = [
        "# Units",
        "",
        "Written by `python -m kernel.units > docs/units.md`; a test compares the two.",
        "",
        "## Suffixes",
        "",
        "A number without a unit in its name is a defect. One quantity has one unit inside Heatledger.",
        "",
        "| Suffix | Unit | Quantity | Meaning |",
        "|---|---|---|---|",
        *(f"| `{s.suffix}` | {s.symbol or '1'} | {s.quantity} | {s.meaning} |" for s in SUFFIXES),
        "",
        "## Units that are read",
        "",
        "Converted at the edge, exactly: value × factor + offset is in the canonical unit.",
        "",
        "| Unit | Quantity | Canonical | Factor | Offset |",
        "|---|---|---|---|---|",
        *(f"| {u.symbol} | {u.quantity} | {u.canonical} | {u.factor} | {u.offset or ''} |" for u in UNITS),
        "",
        "Other spellings: " + ", ".join(f"`{a}` = {s}" for a, s in ALIASES.items() if a) + ".",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_table(), end="")  # noqa: T201 (the terminal is where it goes)
