"""Two years of a real heat meter, billed month by month."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.models import Contract, Invoice
from contracts.queries import reproduction
from contracts.services import billing
from kernel.periods import Period
from tests.makers import contracts, hosting, thermal
from thermal.services import settlement

FILE = Path(__file__).parents[4] / "shared/data/heat_meter/kamstrup_660_hourly_2018_2019.csv"
START = dt.datetime(2018, 1, 2, 23, tzinfo=dt.UTC)
END = dt.datetime(2019, 12, 31, 23, tzinfo=dt.UTC)
NOW = dt.datetime(2020, 1, 2, tzinfo=dt.UTC)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not FILE.exists(), reason="the real material is not beside the repository"),
]


def readings() -> dict[dt.datetime, Decimal]:
    with FILE.open(newline="") as file:
        return {
            dt.datetime.fromisoformat(row["time_rounded"]): round(Decimal(row["energy_heat_kwh"]), 4)
            for row in csv.DictReader(file)
        }


def settled_contract() -> Contract:
    thermal.make_partitions(dt.datetime(2018, 1, 1, tzinfo=dt.UTC), years=3)
    site = hosting.make_site(time_zone="Europe/Copenhagen", country="DK")
    contract = contracts.make_contract(
        delivery_point=hosting.make_delivery_point(site), time_zone="Europe/Copenhagen", currency="DKK",
        starts_on=dt.date(2018, 1, 3), ends_on=dt.date(2020, 1, 1), state=Contract.State.ENDED,
    )  # fmt: skip
    registers = readings()
    meter = hosting.make_meter(register_step=Decimal("0.0001"), register_digits=12)
    placement = contracts.place_meter(
        contract.delivery_point, meter=meter, valid_from=START, first_register=registers[START]
    )
    contracts.make_readings(placement, registers)
    settlement.settle_period(site=site, period=Period(START, END), now=NOW)
    return contract


def test_24_bills_add_up_to_the_register_difference() -> None:
    contract = settled_contract()
    for number in range(24):
        month_on = dt.date(2018 + number // 12, number % 12 + 1, 1)
        summary = billing.run_month(month_on=month_on, by=None, now=NOW, contracts=[contract], issue=True)
        assert not summary.blocked, (month_on, summary.blocked[0].problems)
    invoices = list(Invoice.objects.filter(state=Invoice.State.ISSUED).order_by("month_on"))
    assert len(invoices) == 24
    registers = readings()
    assert sum(invoice.heat_kwh for invoice in invoices) == registers[END] - registers[START]
    assert {invoice.sequence_number for invoice in invoices} == set(range(1, 25))
    hours = [Decimal(invoice.facts["hours"]) for invoice in invoices]
    assert (hours[2], hours[9]) == (Decimal(743), Decimal(745))
    assert sum(hours) == (END - START) // dt.timedelta(hours=1)
    for invoice in invoices:
        assert not reproduction.reproduce(invoice).differences
