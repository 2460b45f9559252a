"""Contracts with everything a bill needs: readings at midnight, settled ledger rows, terms."""

import datetime as dt
from typing import Any

from contracts.models import Contract
from contracts.queries import terms
from hosting.models import MeterPlacement
from kernel.periods import local_midnight
from tests.makers import contracts as make
from tests.makers import thermal

SEPTEMBER = dt.date(2026, 9, 1)
OCTOBER = dt.date(2026, 10, 1)
NOVEMBER_2 = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
MARCH = dt.date(2026, 3, 1)


def billable(
    month_on: dt.date = OCTOBER, *, first: str = "123456.0", last: str = "134021.0", **fields: Any
) -> tuple[Contract, MeterPlacement]:
    """A contract whose month can be billed: 10 565 kWh between its midnights, every quarter hour met."""
    thermal.make_partitions(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), years=1)
    contract = make.make_contract(**fields)
    placement = make.place_meter(contract.delivery_point)
    bill = terms.bill_period(contract, month_on)
    assert bill is not None
    make.make_readings(placement, {bill.period.start: first, bill.period.end: last})
    make.make_intervals(contract.delivery_point, bill.period.start, bill.period.end)
    return contract, placement


def midnight(contract: Contract, day: dt.date) -> dt.datetime:
    return local_midnight(day, contract.zone)
