"""The tables of docs/pricing.md compute."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.domain import pricing, registers, savings, sla

DOCUMENT = Path(__file__).parents[3] / "docs/pricing.md"
EUR = "EUR"


def table(name: str) -> list[dict[str, str]]:
    """The rows of the table that follows its marker, by column."""
    text = DOCUMENT.read_text()
    block = text.split(f"<!-- table: {name} -->\n", 1)[1].split("\n\n", 1)[0]
    header, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    assert rows
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_every_marked_table_is_computed_here() -> None:
    marked = set(re.findall(r"<!-- table: (\w+) -->", DOCUMENT.read_text()))
    assert marked == {"rollover", "energy", "standing", "vat", "classes", "availability", "credit", "savings"}


@pytest.mark.parametrize("row", table("rollover"))
def test_rollovers(row: dict[str, str]) -> None:
    counter = registers.Counter("M", int(row["digits"]), Decimal(row["step_kwh"]), Decimal(200))
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    before = registers.Reading(1, start, 1, Decimal(row["before_kwh"]))
    after = registers.Reading(1, start + dt.timedelta(hours=4), 1, Decimal(row["after_kwh"]))
    first = registers.Register(before.at, before.energy_kwh, registers.How.READ, (before,))
    last = registers.Register(after.at, after.energy_kwh, registers.How.READ, (after,))
    stay = registers.Stay(1, 1, counter, first, last, ((before, after),))
    if row["rollover"] == "yes":
        assert registers.heat_kwh(stay) == Decimal(row["heat_kwh"])
    else:
        with pytest.raises(registers.RegisterFell):
            registers.heat_kwh(stay)


@pytest.mark.parametrize("row", table("energy"))
def test_energy(row: dict[str, str]) -> None:
    net = pricing.energy_amount(Decimal(row["heat_kwh"]), Decimal(row["price_per_kwh"]), EUR)
    assert str(net) == row["net"]


@pytest.mark.parametrize("row", table("standing"))
def test_standing_charges(row: dict[str, str]) -> None:
    charge = Decimal(row["charge"])
    day = charge if row["basis"] == "day" else None
    month = charge if row["basis"] == "month" else None
    terms = pricing.Terms(1, dt.date(2020, 1, 1), None, Decimal(0), day, month, Decimal(0))
    first, until = dt.date.fromisoformat(row["first_day"]), dt.date.fromisoformat(row["day_after_last"])
    assert str(pricing.standing_amount(pricing.Stretch(first, until, terms), EUR)) == row["net"]


@pytest.mark.parametrize("row", table("vat"))
def test_vat(row: dict[str, str]) -> None:
    lines = [Decimal(part.replace(" ", "")) for part in re.findall(r"-? ?[\d.]+", row["net_lines"])]
    total = pricing.totals([(Decimal(row["vat_rate"]), net) for net in lines], EUR)
    assert (str(total.net_amount), str(total.vat_amount), str(total.gross_amount)) == (
        row["net"],
        row["vat"],
        row["total"],
    )


@pytest.mark.parametrize("row", table("classes"))
def test_classes(row: dict[str, str]) -> None:
    supply_c = Decimal(row["supply_c"]) if row["supply_c"] else None
    quarter = sla.Quarter(supply_c, {"yes": True, "no": False, "": None}[row["demand"]])
    band = sla.Band(Decimal(38), Decimal(43))
    assert sla.classify(quarter, band, is_planned=row["planned"] == "yes").name.lower() == row["class"]


@pytest.mark.parametrize("row", table("availability"))
def test_availability(row: dict[str, str]) -> None:
    promise = sla.Promise(Decimal("0.99"), Decimal("0.05"), Decimal("0.25"), Decimal(24))
    minutes = {kind: int(row.get(f"{kind.name.lower()}_h", 0)) * 60 for kind in sla.Class}
    assert str(sla.judge(minutes, promise).availability_ratio) == row["availability"]


@pytest.mark.parametrize("row", table("credit"))
def test_credit(row: dict[str, str]) -> None:
    percents = sla.started_percents_below(Decimal(row["availability"]), Decimal(row["target"]))
    ratio = min(percents * Decimal(row["per_percent"]), Decimal(row["cap"]))
    assert str(pricing.credit_amount(Decimal(row["standing_net"]), ratio, EUR)) == row["credit"]


@pytest.mark.parametrize("row", table("savings"))
def test_savings(row: dict[str, str]) -> None:
    boiler = savings.Boiler(Decimal(row["fuel_per_kwh"]), Decimal(row["efficiency"]), Decimal(row["fuel_g_per_kwh"]))
    saved = savings.savings(Decimal(row["heat_kwh"]), Decimal(row["bill_net"]), boiler, EUR)
    assert (str(saved.saved_amount), str(saved.avoided_kg_co2e)) == (row["saved"], row["avoided_kg"])
