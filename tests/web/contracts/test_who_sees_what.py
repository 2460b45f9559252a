"""Every route of contracts with the whole cast: nothing of anyone else."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract, CreditNote, Invoice, Offtaker
from contracts.services import billing, crediting
from tests.clients import body
from tests.makers import accounts, contracts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable

pytestmark = pytest.mark.django_db


@dataclass
class World:
    cast: accounts.Cast
    contract: Contract
    invoice: Invoice
    credit: CreditNote
    neighbor_invoice: Invoice


@pytest.fixture
def world() -> World:
    mine, _ = billable(number="MINE-1", offtaker=contracts.make_offtaker(name="Lido of mine"))
    theirs, _ = billable(number="THEIRS-1", offtaker=contracts.make_offtaker(name="Lido of theirs"))
    cast = accounts.cast(granted=(mine,), neighbors=(theirs,))
    billing.run_month(month_on=OCTOBER, by=cast.billing_clerk, now=NOVEMBER_2, issue=True)
    invoice = Invoice.objects.get(contract=mine)
    credit = crediting.propose_credit(invoice=invoice, reason="Test", by=accounts.billing_clerk(), now=NOVEMBER_2)
    crediting.approve_credit(credit=credit, by=cast.approver, now=NOVEMBER_2)
    contracts.make_counterfactual(mine.offtaker)
    return World(cast, mine, invoice, CreditNote.objects.get(), Invoice.objects.get(contract=theirs))


def objects_of(world: World) -> list[str]:
    """The pages of things that belong to the offtaker."""
    contract, invoice, credit = world.contract.pk, world.invoice.pk, world.credit.pk
    return [
        reverse("contracts:contract_detail", args=[contract]),
        reverse("contracts:contract_detail", args=[contract]) + "?tab=service",
        reverse("contracts:contract_detail", args=[contract]) + "?tab=invoices",
        reverse("contracts:contract_detail", args=[contract]) + "?tab=reports",
        reverse("contracts:sla_month", args=[contract, 2026, 10]),
        reverse("contracts:sla_month", args=[contract, 2026, 10]) + "?export=csv",
        reverse("contracts:offtaker_detail", args=[world.contract.offtaker_id]),
        reverse("contracts:invoice_detail", args=[invoice]),
        reverse("contracts:invoice_pdf", args=[invoice]),
        reverse("contracts:creditnote_detail", args=[credit]),
        reverse("contracts:creditnote_pdf", args=[credit]),
        reverse("contracts:my_heat") + f"?contract={contract}",
        reverse("contracts:my_service") + f"?contract={contract}&month=2026-10",
        reverse("contracts:my_invoices") + f"?contract={contract}",
        reverse("contracts:my_savings") + f"?contract={contract}",
        reverse("contracts:my_works") + f"?contract={contract}",
        reverse("contracts:my_fault") + f"?contract={contract}",
        reverse("contracts:my_intervals") + f"?contract={contract}&month=2026-10",
        f"/api/v1/contracts/{contract}/",
        f"/api/v1/contracts/{contract}/service-days/?month=2026-10",
        f"/api/v1/offtakers/{world.contract.offtaker_id}/",
        f"/api/v1/invoices/{invoice}/",
        f"/api/v1/invoices/{invoice}/pdf/",
        f"/api/v1/credit-notes/{credit}/",
    ]


def lists() -> list[str]:
    return [
        reverse("contracts:contract_list"),
        reverse("contracts:contract_list") + "?export=csv",
        reverse("contracts:offtaker_list"),
        reverse("contracts:invoice_list"),
        reverse("contracts:invoice_list") + "?export=csv",
        reverse("contracts:creditnote_list"),
        reverse("contracts:billing_month", args=[2026, 10]),
        "/api/v1/contracts/",
        "/api/v1/offtakers/",
        "/api/v1/price-terms/",
        "/api/v1/sla-terms/",
        "/api/v1/sla-results/",
        "/api/v1/invoices/",
        "/api/v1/credit-notes/",
        "/api/v1/fault-reports/",
    ]


def open_as(client: Client, person: Any, url: str) -> Any:
    client.force_login(person)
    return client.get(url)


def test_offtaker_auditor_and_staff_open_what_is_theirs(client: Client, world: World) -> None:
    for person in (world.cast.operator, world.cast.billing_clerk, world.cast.auditor, world.cast.offtaker):
        for url in objects_of(world):
            assert open_as(client, person, url).status_code == 200, (person, url)


def test_neighbor_and_stranger_find_nothing(client: Client, world: World) -> None:
    for person in (world.cast.neighbor, world.cast.stranger):
        for url in objects_of(world):
            assert open_as(client, person, url).status_code in {403, 404}, (person, url)
            assert "MINE-1" not in body(open_as(client, person, url))


def test_lists_exports_and_the_api_show_the_neighbor_only_his_own(client: Client, world: World) -> None:
    for url in lists():
        text = body(open_as(client, world.cast.neighbor, url))
        for secret in ("MINE-1", "Lido of mine", str(world.invoice.number), str(world.credit.number)):
            assert secret not in text, (url, secret)
    assert "THEIRS-1" in body(open_as(client, world.cast.neighbor, "/api/v1/contracts/"))


def test_lists_show_a_stranger_nothing(client: Client, world: World) -> None:
    for url in lists():
        text = body(open_as(client, world.cast.stranger, url))
        assert "MINE-1" not in text
        assert "THEIRS-1" not in text


def test_nobody_comes_in_without_logging_in(client: Client, world: World) -> None:
    for url in [*objects_of(world), *lists()]:
        assert client.get(url).status_code in {302, 401, 403}, url


def test_an_offtaker_viewer_sees_heat_but_no_invoice(client: Client, world: World) -> None:
    viewer = accounts.offtaker_viewer(world.contract)
    assert open_as(client, viewer, reverse("contracts:my_heat")).status_code == 200
    for url in (
        reverse("contracts:invoice_detail", args=[world.invoice.pk]),
        reverse("contracts:invoice_pdf", args=[world.invoice.pk]),
        reverse("contracts:my_invoices"),
        reverse("contracts:invoice_list"),
        f"/api/v1/invoices/{world.invoice.pk}/",
    ):
        assert open_as(client, viewer, url).status_code in {403, 404}, url
    assert str(world.invoice.number) not in body(open_as(client, viewer, reverse("contracts:my_heat")))


@pytest.mark.parametrize(
    "name",
    ["contract_update", "contract_activate", "contract_end", "invoice_issue", "invoice_review", "credit_propose"],
)
def test_offtakers_and_auditors_change_nothing(client: Client, world: World, name: str) -> None:
    key = world.contract.pk if name.startswith("contract") else world.invoice.pk
    for person in (world.cast.offtaker, world.cast.auditor, world.cast.operator):
        client.force_login(person)
        assert client.post(reverse(f"contracts:{name}", args=[key])).status_code == 403


def test_who_edits_prices_does_not_issue_and_the_other_way_round(client: Client, world: World) -> None:
    client.force_login(world.cast.administrator)
    assert client.get(reverse("contracts:priceterms_create", args=[world.contract.pk])).status_code == 200
    assert client.get(reverse("contracts:invoice_issue", args=[world.invoice.pk])).status_code == 403
    client.force_login(world.cast.billing_clerk)
    assert client.get(reverse("contracts:priceterms_create", args=[world.contract.pk])).status_code == 403
    assert client.get(reverse("contracts:invoice_issue", args=[world.invoice.pk])).status_code == 200


def test_granting_the_offtaker_shows_all_its_contracts(client: Client, world: World) -> None:
    other = contracts.make_contract(offtaker=world.contract.offtaker, number="MINE-2")
    person = accounts.offtaker_finance(Offtaker.objects.get(pk=world.contract.offtaker_id))
    text = body(open_as(client, person, "/api/v1/contracts/"))
    assert "MINE-1" in text
    assert other.number in text
    assert "THEIRS" not in text


def test_my_pages_are_404_for_the_contract_of_another(client: Client, world: World) -> None:
    client.force_login(world.cast.offtaker)
    key = world.neighbor_invoice.contract_id
    for name in ("my_heat", "my_service", "my_invoices", "my_works", "my_fault", "my_intervals"):
        assert client.get(reverse(f"contracts:{name}") + f"?contract={key}").status_code == 404


def test_a_fault_is_reported_and_stays_with_its_contract(client: Client, world: World) -> None:
    client.force_login(world.cast.offtaker)
    answer = client.post(reverse("contracts:my_fault"), {"what": "The pool is cold", "phone": "1"})
    assert answer.status_code == 302
    report = world.contract.fault_reports.get()
    assert (report.what, report.reported_by) == ("The pool is cold", world.cast.offtaker)
    assert "pool is cold" not in body(open_as(client, world.cast.neighbor, "/api/v1/fault-reports/"))


@pytest.mark.parametrize("count", [2, 20])
def test_lists_need_as_many_queries_for_twenty_rows_as_for_two(
    client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(count):
        contract = contracts.make_contract()
        Invoice.objects.create(
            contract=contract, month_on=OCTOBER, starts_on=OCTOBER, ends_on=dt.date(2026, 11, 1),
            starts_at=NOVEMBER_2, ends_at=NOVEMBER_2, currency="EUR", heat_kwh=1, actual_ratio=1, net_amount=1,
            vat_amount=0, gross_amount=1, vat_summary=[], facts={"estimated_ratio": "0"}, drafted_at=NOVEMBER_2,
        )  # fmt: skip
    client.force_login(accounts.billing_clerk())
    for url in (
        reverse("contracts:contract_list"),
        reverse("contracts:invoice_list"),
        reverse("contracts:offtaker_list"),
        reverse("contracts:billing_month", args=[2026, 10]),
    ):
        with django_assert_max_num_queries(22):
            client.get(url)
