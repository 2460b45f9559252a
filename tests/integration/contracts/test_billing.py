"""Billing a month: what the bill says, what blocks it, and that it happens once."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from contracts.models import BillingBlock, Contract, Invoice, InvoiceDocument, InvoiceLine, NumberSeries
from contracts.services import billing
from tests.makers import accounts, contracts, hosting, thermal
from tests.makers.billing import MARCH, NOVEMBER_2, OCTOBER, billable, midnight
from thermal.models import DirtyMark, HeatInterval
from thermal.models.ledger import Quality

pytestmark = pytest.mark.django_db


def draft(contract: Contract, month_on: dt.date = OCTOBER, now: dt.datetime = NOVEMBER_2) -> billing.Outcome:
    return billing.draft_invoice(contract=contract, month_on=month_on, by=None, now=now)


def drafted(contract: Contract, month_on: dt.date = OCTOBER, now: dt.datetime = NOVEMBER_2) -> Invoice:
    outcome = draft(contract, month_on, now)
    assert outcome.invoice is not None, outcome.problems
    return Invoice.objects.get(pk=outcome.invoice.pk)


def issued(contract: Contract, month_on: dt.date = OCTOBER, now: dt.datetime = NOVEMBER_2) -> Invoice:
    invoice = billing.review_invoice(invoice=drafted(contract, month_on, now), by=None, now=now)
    return billing.issue_invoice(invoice=invoice, by=None, now=now)


def lines_of(invoice: Invoice) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.kind, line.quantity, line.net_amount) for line in invoice.lines.order_by("position")]


def problems_of(contract: Contract, now: dt.datetime = NOVEMBER_2) -> set[str]:
    codes = {problem.code for problem in draft(contract, now=now).problems}
    assert codes == set(BillingBlock.objects.filter(contract=contract).values_list("code", flat=True))
    return codes


def test_a_bill_is_the_register_difference_at_the_price_plus_the_standing_charge_plus_vat() -> None:
    contract, _placement = billable()
    invoice = drafted(contract)
    assert lines_of(invoice) == [
        ("energy", Decimal(10565), Decimal("646.47")),
        ("standing", Decimal(31), Decimal("26.35")),
    ]
    assert (invoice.net_amount, invoice.vat_amount, invoice.gross_amount) == (
        Decimal("672.82"),
        Decimal("134.56"),
        Decimal("807.38"),
    )
    assert invoice.number is None
    assert invoice.facts["hours"] == "745"


def test_october_bill_counts_the_extra_hour() -> None:
    contract, placement = billable()
    fall_back = dt.datetime(2026, 10, 25, 0, tzinfo=dt.UTC)
    contracts.make_readings(placement, {fall_back: "130000", fall_back + dt.timedelta(hours=2): "130020"})
    invoice = drafted(contract)
    assert invoice.ends_at - invoice.starts_at == dt.timedelta(hours=745)
    assert invoice.heat_kwh == Decimal(10565)
    assert invoice.sla_result is not None
    assert invoice.sla_result.total_minutes == 745 * 60


def test_march_bill_has_an_hour_less_and_as_many_days() -> None:
    contract, _placement = billable(MARCH)
    invoice = drafted(contract, MARCH)
    assert invoice.facts["hours"] == "743"
    assert lines_of(invoice)[1] == ("standing", Decimal(31), Decimal("26.35"))


def test_a_price_change_in_mid_month_splits_the_lines_at_local_midnight() -> None:
    contract, placement = billable()
    change = dt.date(2026, 10, 11)
    contract.price_terms.update(valid_until=change)
    contracts.make_price_terms(
        contract, valid_from=change, energy_per_kwh=Decimal("0.07"), standing_per_month=Decimal(31)
    )
    contracts.make_readings(placement, {midnight(contract, change): "126456"})
    assert lines_of(drafted(contract)) == [
        ("energy", Decimal(3000), Decimal("183.57")),
        ("energy", Decimal(7565), Decimal("529.55")),
        ("standing", Decimal(10), Decimal("8.50")),
        ("standing", Decimal("0.677419"), Decimal("21.00")),
    ]


def test_a_meter_swap_adds_both_meters() -> None:
    contract, old = billable()
    swap = dt.datetime(2026, 10, 15, 10, tzinfo=dt.UTC)
    contracts.withdraw_reading(old, midnight(contract, dt.date(2026, 11, 1)))
    old.valid_until, old.final_register = swap, Decimal(128000)
    old.save()
    new = contracts.place_meter(contract.delivery_point, valid_from=swap, first_register=Decimal(12))
    contracts.make_readings(new, {midnight(contract, dt.date(2026, 11, 1)): "5012"})
    DirtyMark.objects.all().delete()  # the ledger that the maker wrote stands for the one settled after the swap
    invoice = drafted(contract)
    assert invoice.heat_kwh == Decimal(4544 + 5000)
    stays = invoice.lines.get(kind="energy").evidence["stays"]
    assert [(stay["first"]["how"], stay["last"]["how"]) for stay in stays] == [("read", "removed"), ("fitted", "read")]


def test_a_register_that_rolled_over_is_counted_on() -> None:
    contract, placement = billable(first="9999870", last="245")
    placement.meter.register_digits, placement.meter.register_step, placement.meter.max_kw = 7, Decimal(1), 200.0
    placement.meter.save()
    assert drafted(contract).heat_kwh == Decimal(375)


def test_a_register_between_two_readings_is_interpolated_and_says_so() -> None:
    contract, placement = billable()
    end = midnight(contract, dt.date(2026, 11, 1))
    contracts.withdraw_reading(placement, end)
    contracts.make_readings(
        placement, {end - dt.timedelta(minutes=20): "134000", end + dt.timedelta(minutes=40): "134030"}
    )
    last = drafted(contract).lines.get(kind="energy").evidence["stays"][0]["last"]
    assert (last["energy_kwh"], last["how"], len(last["readings"])) == ("134010.0000", "interpolated", 2)


def test_consecutive_bills_share_their_register_even_if_a_late_reading_comes_between() -> None:
    contract, placement = billable(dt.date(2026, 9, 1), first="1000", last="2000")
    start = midnight(contract, OCTOBER)
    end = midnight(contract, dt.date(2026, 11, 1))
    contracts.withdraw_reading(placement, start)
    contracts.make_readings(placement, {
        start - dt.timedelta(minutes=30): "1990", start + dt.timedelta(minutes=30): "2010", end: "3000",
    })  # fmt: skip
    contracts.make_intervals(contract.delivery_point, start, end)
    september = issued(contract, dt.date(2026, 9, 1))
    contracts.make_readings(placement, {start: "2003"}, version=3)
    october = issued(contract)
    assert september.heat_kwh + october.heat_kwh == Decimal(2000)
    assert october.lines.get(kind="energy").evidence["stays"][0]["first"]["how"] == "as_billed"


def test_sla_credit_is_a_line_of_its_own() -> None:
    contract, _placement = billable()
    contract.price_terms.update(standing_per_day=None, standing_per_month=Decimal("65.10"))
    start = dt.datetime(2026, 10, 10, tzinfo=dt.UTC)
    rows = HeatInterval.objects.filter(start__gte=start, start__lt=start + dt.timedelta(hours=12))
    rows.update(supply_mean_c=30.0)
    invoice = drafted(contract)
    assert lines_of(invoice)[-1] == ("sla_credit", Decimal("0.05"), Decimal("-3.26"))
    assert invoice.net_amount == Decimal("646.47") + Decimal("65.10") - Decimal("3.26")


def test_an_open_month_is_not_billed() -> None:
    contract, _placement = billable()
    assert problems_of(contract, now=midnight(contract, dt.date(2026, 11, 1)) - dt.timedelta(seconds=1)) == {
        "month_still_open"
    }


def remove_last_reading(contract: Contract, placement: Any) -> None:
    contracts.withdraw_reading(placement, midnight(contract, dt.date(2026, 11, 1)))


def expire_verification(contract: Contract, placement: Any) -> None:
    placement.meter.verified_until_on = dt.date(2026, 10, 31)
    placement.meter.save()


def let_register_fall(contract: Contract, placement: Any) -> None:
    contracts.make_readings(placement, {dt.datetime(2026, 10, 5, tzinfo=dt.UTC): "12"})


def estimate_much(contract: Contract, placement: Any) -> None:
    HeatInterval.objects.filter(start__lt=dt.datetime(2026, 10, 2, tzinfo=dt.UTC)).update(quality=Quality.ESTIMATED)


def mark_dirty(contract: Contract, placement: Any) -> None:
    at = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)
    DirtyMark.objects.create(site=contract.delivery_point.site, start=at, marked_at=at)


def end_prices(contract: Contract, placement: Any) -> None:
    contract.price_terms.update(valid_until=dt.date(2026, 10, 20))


def report_faults(contract: Contract, placement: Any) -> None:
    placement.meter.manufacturer = "Kamstrup"
    placement.meter.save()
    contracts.make_readings(placement, {dt.datetime(2026, 10, 5, tzinfo=dt.UTC): "125000"}, info_code=8)


def remove_meter(contract: Contract, placement: Any) -> None:
    contract.delivery_point = hosting.make_delivery_point(contract.delivery_point.site)
    contract.save()
    contracts.make_intervals(
        contract.delivery_point, contract_start(contract), midnight(contract, dt.date(2026, 11, 1))
    )


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (remove_last_reading, "no_reading_at"),
        (expire_verification, "verification_expired"),
        (let_register_fall, "register_fell"),
        (estimate_much, "too_little_measured"),
        (mark_dirty, "not_settled"),
        (end_prices, "no_price_on_day"),
        (report_faults, "meter_fault"),
        (remove_meter, "no_meter"),
    ],
)
def test_what_a_bill_lacks_blocks_it_with_a_reason(spoil: Any, code: str) -> None:
    contract, placement = billable()
    spoil(contract, placement)
    assert problems_of(contract) == {code}
    assert not Invoice.objects.exists()


def test_the_block_goes_when_its_reason_is_gone() -> None:
    contract, placement = billable()
    expire_verification(contract, placement)
    assert problems_of(contract)
    placement.meter.verified_until_on = dt.date(2026, 11, 1)
    placement.meter.save()
    assert draft(contract).invoice
    assert not BillingBlock.objects.exists()


def test_drafting_again_rewrites_the_draft_and_nothing_else() -> None:
    contract, _placement = billable()
    first = drafted(contract)
    contract.price_terms.update(energy_per_kwh=Decimal("0.05"))
    second = drafted(contract)
    assert second.pk == first.pk
    assert lines_of(second)[0][2] == Decimal("528.25")


def test_issuing_needs_a_review() -> None:
    contract, _placement = billable()
    with pytest.raises(billing.NotYetReviewed):
        billing.issue_invoice(invoice=drafted(contract), by=None, now=NOVEMBER_2)


def test_issuing_is_refused_when_the_records_changed_since_the_review() -> None:
    contract, placement = billable()
    invoice = billing.review_invoice(invoice=drafted(contract), by=None, now=NOVEMBER_2)
    contract.price_terms.update(energy_per_kwh=Decimal("0.05"))
    with pytest.raises(billing.FiguresChanged):
        billing.issue_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    expire_verification(contract, placement)
    with pytest.raises(billing.FiguresChanged, match="verification"):
        billing.issue_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    assert not NumberSeries.objects.exists()


def test_an_issued_invoice_has_number_date_and_pdf() -> None:
    clerk = accounts.billing_clerk()
    contract, _placement = billable()
    invoice = billing.review_invoice(invoice=drafted(contract), by=clerk, now=NOVEMBER_2)
    invoice = billing.issue_invoice(invoice=invoice, by=clerk, now=NOVEMBER_2)
    assert invoice.number == f"{contract.legal_entity.code}-2026-00001"
    assert (invoice.issued_on, invoice.due_on) == (dt.date(2026, 11, 2), dt.date(2026, 11, 16))
    assert bytes(invoice.document.pdf).startswith(b"%PDF-")


def test_an_issued_month_is_not_billed_again() -> None:
    contract, _placement = billable()
    invoice = issued(contract)
    outcome = draft(contract)
    assert (outcome.invoice, outcome.is_new) == (invoice, False)
    with pytest.raises(billing.MonthAlreadyIssued):
        billing.issue_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    with pytest.raises(billing.AlreadyIssued):
        billing.review_invoice(invoice=invoice, by=None, now=NOVEMBER_2)


def test_numbers_of_a_seller_and_year_have_no_gap() -> None:
    seller = contracts.make_legal_entity(code="HL")
    made = [billable(legal_entity=seller)[0] for _ in range(3)]
    summary = billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True)
    assert summary.issued_count == 3
    numbers = set(Invoice.objects.values_list("number", flat=True))
    assert numbers == {"HL-2026-00001", "HL-2026-00002", "HL-2026-00003"}
    again = billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True)
    assert (again.issued_count, again.skipped_count) == (0, len(made))


def test_a_run_issues_only_what_was_reviewed_when_told_so() -> None:
    one, _ = billable()
    other, _ = billable()
    billing.review_invoice(invoice=drafted(one), by=None, now=NOVEMBER_2)
    summary = billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True, review=False)
    assert summary.issued_count == 1
    assert Invoice.objects.get(contract=other).state == Invoice.State.DRAFT


def test_a_run_names_the_reviewed_bill_whose_records_changed() -> None:
    contract, _placement = billable()
    billing.review_invoice(invoice=drafted(contract), by=None, now=NOVEMBER_2)
    contract.price_terms.update(energy_per_kwh=Decimal("0.05"))
    summary = billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True)
    assert [problem.code for outcome in summary.blocked for problem in outcome.problems] == ["figures_changed"]
    assert Invoice.objects.get().state == Invoice.State.REVIEWED


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contracts_invoice SET net_amount = 1, gross_amount = 1 + vat_amount",
        "UPDATE contracts_invoice SET state = 'draft', number = NULL",
        "DELETE FROM contracts_invoiceline",
        "UPDATE contracts_invoiceline SET net_amount = 0",
        (
            "INSERT INTO contracts_invoiceline (invoice_id, position, kind, starts_on, ends_on, quantity, unit,"
            " unit_price, net_amount, vat_ratio, evidence) SELECT invoice_id, 99, kind, starts_on, ends_on, quantity,"
            " unit, unit_price, net_amount, vat_ratio, evidence FROM contracts_invoiceline LIMIT 1"
        ),
        "UPDATE contracts_invoicedocument SET sha256 = repeat('0', 64)",
        "DELETE FROM contracts_invoicedocument",
        "UPDATE contracts_numberseries SET last_number = 7",
        "DELETE FROM contracts_numberseries",
    ],
)
def test_the_database_refuses_to_change_what_is_issued(statement: str) -> None:
    contract, _placement = billable()
    issued(contract)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert InvoiceDocument.objects.count() == 1
    assert InvoiceLine.objects.count() == 2


def test_the_database_refuses_to_delete_an_issued_invoice() -> None:
    contract, _placement = billable()
    issued(contract)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM contracts_invoice")


def test_the_same_facts_give_the_same_bytes() -> None:
    from contracts.documents import invoices

    contract, _placement = billable()
    invoice = issued(contract)
    lines = list(invoice.lines.order_by("position"))
    assert invoices.render(invoice, lines) == invoices.render(invoice, lines) == bytes(invoice.document.pdf)


def test_another_point_has_its_own_meter() -> None:
    contract, _placement = billable()
    thermal.make_partitions(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    other = hosting.make_placement()
    contracts.make_readings(other, {contract_start(contract): "1"})
    assert drafted(contract).heat_kwh == Decimal(10565)


def contract_start(contract: Contract) -> dt.datetime:
    return midnight(contract, OCTOBER)
