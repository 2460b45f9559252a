"""What must hold for every bill and every month."""

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.domain import pricing, registers, sla, statement

ratios = st.decimals(0, 1, places=4)
prices = st.decimals(0, 2, places=6)
registers_kwh = st.decimals(0, 10**7, places=4)
START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)


def terms(day: dt.date, price: Decimal, vat: Decimal) -> pricing.Terms:
    return pricing.Terms(1, day, None, price, None, Decimal("65.10"), vat)


def stay(first: Decimal, rise: Decimal) -> registers.Stay:
    def at(hours: int, kwh: Decimal) -> registers.Register:
        when = START + dt.timedelta(hours=hours)
        return registers.Register(when, kwh, registers.How.READ, (registers.Reading(1, when, 1, kwh),))

    return registers.Stay(1, 1, registers.Counter("M1", 12, Decimal("0.0001")), at(0, first), at(24, first + rise))


@given(registers_kwh, registers_kwh, prices, ratios.filter(lambda ratio: ratio < 1), st.integers(1, 31))
def test_a_bill_is_the_sum_of_its_lines_and_comes_out_again_from_its_evidence(
    first: Decimal, rise: Decimal, price: Decimal, vat: Decimal, days: int
) -> None:
    starts_on = dt.date(2026, 10, 1)
    stretch = pricing.Stretch(starts_on, starts_on + dt.timedelta(days=days), terms(starts_on, price, vat))
    minutes = {sla.Class.MET: 9000, sla.Class.FAILED: 1000}
    service = statement.ServiceLevel(
        7, 1, minutes, sla.Promise(Decimal("0.99"), Decimal("0.05"), Decimal("0.25"), Decimal(24))
    )
    bill = statement.compose([statement.Part(stretch, (stay(first, rise),))], service, "EUR")
    assert sum(line.net_amount for line in bill.lines) == bill.totals.net_amount
    assert bill.totals.gross_amount == bill.totals.net_amount + bill.totals.vat_amount
    for line in bill.lines:
        again = statement.recomputed(line.kind, line.evidence, line.starts_on, line.ends_on, "EUR")
        assert (again.quantity, again.net_amount) == (line.quantity, line.net_amount)


@given(st.lists(st.text(alphabet=sla.LETTERS, min_size=1, max_size=100), max_size=31))
def test_every_minute_has_one_class(days: list[str]) -> None:
    assert sum(sla.minutes_per_class(days).values()) == 15 * sum(len(day) for day in days)


@given(st.integers(0, 44640), st.integers(0, 44640), st.integers(0, 44640), st.integers(0, 44640))
def test_failing_more_never_pays_less(met: int, failed: int, missing: int, planned: int) -> None:
    promise = sla.Promise(Decimal("0.99"), Decimal("0.05"), Decimal("0.25"), Decimal(24))
    minutes = {sla.Class.MET: met, sla.Class.FAILED: failed, sla.Class.NO_DATA: missing, sla.Class.PLANNED: planned}
    judged = sla.judge(minutes, promise)
    worse = sla.judge(minutes | {sla.Class.FAILED: failed + 15}, promise)
    assert 0 <= judged.credit_ratio <= promise.credit_cap_ratio
    assert worse.credit_ratio >= judged.credit_ratio
    if judged.availability_ratio is not None:
        assert 0 <= judged.availability_ratio <= 1


@given(st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 30)), st.integers(1, 300), st.integers(1, 300))
def test_stretches_cover_every_day_once(day: dt.date, until_change: int, after: int) -> None:
    change = day + dt.timedelta(days=until_change)
    end = change + dt.timedelta(days=after)
    old = pricing.Terms(1, day, change, Decimal(1), None, None, Decimal(0))
    new = pricing.Terms(2, change, None, Decimal(2), None, None, Decimal(0))
    parts = pricing.stretches(day, end, [old, new])
    assert [part.terms.id for part in parts] == [1, 2]
    assert sum(part.days_count for part in parts) == (end - day).days
