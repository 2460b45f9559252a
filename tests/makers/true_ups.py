"""A contract of two short months with real readings, settled and billed, so that its true-ups can be looked at."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models import User
from contracts.models import Contract, Invoice, TrueUp
from contracts.queries import bills
from contracts.services import billing, settling, true_ups
from hosting.models import MeterPlacement
from kernel.periods import Period, local_midnight
from tests.makers import accounts, thermal
from tests.makers import contracts as make
from thermal.domain.estimation import Method
from thermal.models import Correction, MeterReading
from thermal.services import corrections, recording, settlement

OCTOBER = dt.date(2026, 10, 1)
NOVEMBER = dt.date(2026, 11, 1)
FIRST_DAY = dt.date(2026, 10, 29)
LAST_DAY = dt.date(2026, 11, 4)
NOW = dt.datetime(2026, 11, 5, 9, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=3)
HOUR = dt.timedelta(hours=1)
KWH_PER_HOUR = Decimal(5)
# The meter stood still in these hours of the second day.
STILL = range(30, 42)


@dataclass
class World:
    """A billed contract and who works on its bills."""

    contract: Contract
    placement: MeterPlacement
    clerk: User
    approver: User
    engineer: User

    @property
    def start(self) -> dt.datetime:
        """When the contract begins."""
        return local_midnight(FIRST_DAY, self.contract.zone)

    def at(self, hour: float) -> dt.datetime:
        """So many hours after the beginning."""
        return self.start + hour * HOUR

    def tell(self, registers: Mapping[float, Decimal | str], now: dt.datetime = LATER) -> None:
        """Registers in kWh by hour after the beginning, arriving now; the ledger follows."""
        recording.record_readings(
            readings=[
                recording.NewReading(
                    meter_id=self.placement.meter_id, at=self.at(hour), energy_kwh=Decimal(kwh),
                    source=MeterReading.Source.IMPORT,
                )
                for hour, kwh in registers.items()
            ],
            now=now,
        )  # fmt: skip
        settlement.settle_marked(now=now)

    def correct(self, registers: Mapping[float, Decimal | str], now: dt.datetime = LATER) -> Correction:
        """The registers set right by the engineer and agreed to by the approver; the ledger follows."""
        correction = corrections.edit_registers(
            meter=self.placement.meter,
            edits=[corrections.Edit(self.at(hour), Decimal(kwh)) for hour, kwh in registers.items()],
            reason="Read wrongly.", by=self.engineer, now=now, finding=None,
        )  # fmt: skip
        if correction.state == Correction.State.PROPOSED:
            correction = corrections.approve(correction=correction, by=self.approver, now=now)
        settlement.settle_marked(now=now)
        return correction

    def estimate(self, hours: Iterable[int] = STILL, now: dt.datetime = NOW) -> Correction:
        """Heat added for the hours; the ledger follows."""
        first, *_rest, last = hours
        correction = corrections.add_estimate(
            point=self.contract.delivery_point, period=Period(self.at(first), self.at(last + 1)), reason="Stood still.",
            by=self.engineer, now=now, finding=None, method=Method.AVERAGE,
        )  # fmt: skip
        if correction.state == Correction.State.PROPOSED:
            correction = corrections.approve(correction=correction, by=self.approver, now=now)
        settlement.settle_marked(now=now)
        return correction

    def withdraw(self, correction: Correction, now: dt.datetime = LATER) -> None:
        """The estimate taken back; the ledger follows."""
        corrections.withdraw(correction=correction, by=self.approver, note="The memory was read.", now=now)
        settlement.settle_marked(now=now)

    def bill(self, *months: dt.date, now: dt.datetime = NOW) -> None:
        """Issue the invoices of the months."""
        for month_on in months or (OCTOBER, NOVEMBER):
            summary = billing.run_month(
                month_on=month_on, by=self.clerk, now=now, contracts=[self.contract], issue=True
            )
            assert summary.issued_count == 1, summary

    def look(self, now: dt.datetime = LATER) -> list[TrueUp]:
        """What stands open after looking at every marked month."""
        true_ups.examine_marked(now=now)
        rows = TrueUp.objects.filter(invoice__contract=self.contract, state__in=TrueUp.LIVE)
        return list(rows.order_by("invoice__month_on"))

    def settle(self, true_up: TrueUp, now: dt.datetime = LATER) -> TrueUp:
        """Credited and billed anew by two people."""
        proposed = settling.propose(true_up=true_up, reason="The meter was read.", by=self.clerk, now=now)
        return settling.approve(true_up=proposed, by=self.approver, now=now)

    def settle_all(self, now: dt.datetime = LATER) -> int:
        """The count of true-ups settled until nothing stands open."""
        count = 0
        while found := self.look(now):
            self.settle(found[0], now)
            count += 1
        return count

    def standing(self, month_on: dt.date = OCTOBER) -> Invoice:
        """The invoice of the month that stands."""
        invoice = bills.standing_invoice(self.contract, month_on)
        assert invoice is not None
        return invoice


def hourly(still: Iterable[int] = STILL, until: int = 144) -> dict[float, Decimal]:
    """A register for every hour: 5 kWh more each, but none in the hours in which the meter stood still."""
    registers: dict[float, Decimal] = {}
    register = Decimal(1000)
    for hour in range(until + 1):
        registers[hour] = register
        register += Decimal(0) if hour in still else KWH_PER_HOUR
    return registers


def make_world(*, registers: Mapping[float, Decimal] | None = None, with_sla: bool = False, **fields: Any) -> World:
    """A contract from 29 October to 3 November whose meter was read every hour and stood still for twelve of them."""
    thermal.make_partitions(dt.datetime(2026, 10, 1, tzinfo=dt.UTC), months=3)
    contract = make.make_contract(with_terms=False, starts_on=FIRST_DAY, ends_on=LAST_DAY, **fields)
    make.make_price_terms(contract)
    if with_sla:
        make.make_sla_terms(contract)
    placement = make.place_meter(contract.delivery_point)
    world = World(contract, placement, accounts.billing_clerk(), accounts.approver(), accounts.engineer())
    world.tell(registers if registers is not None else hourly(), now=NOW)
    return world
