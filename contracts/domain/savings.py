"""What an offtaker saved: money and carbon, against the boiler that would have made the heat."""

from dataclasses import dataclass
from decimal import Decimal

from kernel.money import round_half_up, round_money


@dataclass(frozen=True, slots=True)
class Boiler:
    """The boiler that would have made the heat: its fuel's price and carbon, and its efficiency."""

    fuel_per_kwh: Decimal
    boiler_ratio: Decimal
    fuel_g_per_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Savings:
    """The fuel in kWh that was not burned, what it would have cost beside the bill, and its carbon in kg."""

    fuel_kwh: Decimal
    fuel_amount: Decimal
    saved_amount: Decimal
    avoided_kg_co2e: Decimal


def savings(heat_kwh: Decimal, billed_net: Decimal, boiler: Boiler, currency: str) -> Savings:
    """What the heat saved against the boiler; negative where it cost more than the fuel.

    Notes
    -----
    fuel = heat / efficiency. The carbon is that of the fuel alone: the electricity of the IT would be used
    anyway (avoided burden), and no offset is claimed.

    Examples
    --------
    >>> gas = Boiler(Decimal("0.055"), Decimal("0.85"), Decimal("182.96"))
    >>> saved = savings(Decimal(100000), Decimal("5823.50"), gas, "EUR")
    >>> saved.avoided_kg_co2e, saved.fuel_amount, saved.saved_amount
    (Decimal('21524.7'), Decimal('6470.59'), Decimal('647.09'))
    """
    fuel_kwh = heat_kwh / boiler.boiler_ratio
    fuel_amount = round_money(fuel_kwh * boiler.fuel_per_kwh, currency)
    return Savings(
        round_half_up(fuel_kwh, 1),
        fuel_amount,
        fuel_amount - billed_net,
        round_half_up(fuel_kwh * boiler.fuel_g_per_kwh / 1000, 1),
    )
