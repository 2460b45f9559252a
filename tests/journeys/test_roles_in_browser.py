"""A working day of each role in a real browser: log in, do what the role is there for, and find nothing in the way."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from allauth.mfa.totp.internal import auth as totp
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from compliance.models import AuditPack
from compliance.services import packs
from contracts.models import BillingRun, Contract, FaultReport, Invoice
from contracts.services import billing, judging, runs
from hosting.models import Connection, DeviceProfile, EquipmentModel, Measurement, Site
from tests.makers import accounts as people
from tests.makers import compliance, hosting, thermal
from tests.makers import contracts as make
from tests.makers.billing import OCTOBER, billable
from thermal.models import Alarm, SiteInterval

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# October can be billed and the month of the offtaker has begun.
NOW = dt.datetime(2026, 11, 3, 9, 0, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
LOOKS = {"desk": ({"width": 1440, "height": 900}, "light"), "phone": ({"width": 390, "height": 844}, "dark")}


@pytest.fixture(autouse=True)
def _on_a_day_in_november() -> Iterator[None]:
    cache.clear()
    with time_machine.travel(NOW, tick=True):
        yield


def log_in(page: Page, server: LiveServer, user: User) -> None:
    """Log in through the pages, with the second factor where the role has one."""
    page.goto(server.url + reverse("account_login"))
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password", exact=True).fill(people.PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    if user.is_staff_member:
        counters = list(totp.yield_hotp_counters_from_time())
        counter = counters[len(counters) // 2]
        page.locator("input[name=code]").fill(totp.format_hotp_value(totp.hotp_value(people.TOTP_SECRET, counter)))
        page.locator("form:has(input[name=code]) button[type=submit]").first.click()
    expect(page.locator("details.menu")).to_be_visible()


def assert_fit_for_everyone(page: Page, server: LiveServer, look: str, *addresses: str) -> None:
    """No page has an accessibility violation or is wider than the screen."""
    before, (size, theme) = page.viewport_size, LOOKS[look]
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    for address in addresses:
        page.goto(server.url + address)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        assert [(address, one["id"], one["nodes"][0]["html"]) for one in found] == []
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, address
    page.set_viewport_size(before)  # type: ignore[arg-type]


def watched_site() -> Site:
    """A site with a heat path, a settled day, and an alarm that nobody has acknowledged."""
    thermal.make_partitions(NOW, months=3)
    site = hosting.make_site(name="Lido")
    kinds = EquipmentModel.Kind
    rack, sink = (hosting.make_equipment(site, kind, tag=kind.value) for kind in (kinds.RACK, kinds.HEAT_SINK))
    hosting.make_connection(rack, sink)
    hosting.make_connection(sink, rack, leg=Connection.Leg.RETURN)
    point = hosting.make_delivery_point(site, equipment=sink)
    device = hosting.make_device(hosting.make_controller(site))
    hosting.make_measurement(device, Measurement.Role.IT_POWER, equipment=rack)
    SiteInterval.objects.bulk_create(
        SiteInterval(
            pk=(site.pk, NOW - QUARTER * number), it_kwh=10 + number % 7, delivered_kwh=6, rejected_kwh=1,
            rule_version=1, settled_at=NOW,
        )
        for number in range(1, 97)
    )  # fmt: skip
    make.make_intervals(point, NOW - dt.timedelta(days=1), NOW)
    thermal.make_alarm(thermal.make_rule(site), raised_at=NOW - dt.timedelta(minutes=20))
    return site


def test_operator_acknowledges_an_alarm_by_key_and_looks_at_the_heat(page: Page, live_server: LiveServer) -> None:
    site, user = watched_site(), people.operator()
    log_in(page, live_server, user)
    page.get_by_role("link", name="Alarms", exact=True).click()
    # A row is there before the script that listens to the key.
    page.wait_for_url("**/alarms/")
    row = page.locator("tr[data-alarm]")
    expect(row).to_contain_text("Supply temperature is 51.0 °C.")
    row.hover()
    page.keyboard.press("A")
    expect(row.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(row).to_contain_text(str(Alarm.State.ACKNOWLEDGED.label))
    assert Alarm.objects.get().acknowledged_by == user
    page.get_by_role("link", name="Heat", exact=True).click()
    page.get_by_role("link", name="Lido").click()
    chart = page.locator("figure.chart").first
    expect(chart.locator("canvas").first).to_be_visible()
    chart.locator(".chart-plot").focus()
    page.keyboard.press("Home")
    expect(chart.locator(".chart-reading")).to_contain_text("kW")
    page.get_by_role("link", name="Site", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lido")
    heat = reverse("thermal:site_heat", args=[site.pk])
    point = site.delivery_points.get()
    quarter = reverse("thermal:interval_detail", args=[point.pk, f"{NOW - QUARTER:%Y%m%dT%H%MZ}"])
    mine = ["/heat/", heat, f"{heat}?kind=year", "/alarms/", Alarm.objects.get().get_absolute_url(), quarter]
    assert_fit_for_everyone(page, live_server, "desk", *mine)
    assert_fit_for_everyone(page, live_server, "phone", "/", "/alarms/?shown=all", heat, "/alarms/rules/")


def test_engineer_enters_a_profile_point_by_point(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server, people.engineer())
    page.goto(live_server.url + reverse("hosting:deviceprofile_create"))
    page.get_by_label("Protocol").select_option("mbus_tcp")
    page.get_by_role("button", name="Next").click()
    for name, value in {"key": "meter", "name": "Meter", "points-0-key": "energy", "points-0-name": "Energy"}.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=points-0-quantity]").select_option("energy_kwh")
    rows = page.locator(".point-row")
    drawn = rows.count()
    page.get_by_role("button", name="Add a point").click()
    expect(rows).to_have_count(drawn + 1)
    expect(page.locator("[name=points-0-key]")).to_have_value("energy")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not verified against a device")).to_be_visible()
    record = DeviceProfile.objects.get()
    editor, library = reverse("hosting:deviceprofile_update", args=[record.pk]), reverse("hosting:profile_library")
    assert_fit_for_everyone(page, live_server, "desk", editor, library, record.get_absolute_url())
    assert_fit_for_everyone(page, live_server, "phone", editor, library)


def test_rows_of_the_alarm_console_stay_where_they_are_under_the_pointer(page: Page, live_server: LiveServer) -> None:
    site = watched_site()
    log_in(page, live_server, people.operator())
    page.clock.install()
    page.goto(live_server.url + "/alarms/")
    first = page.locator("tr[data-alarm]").first
    first.hover()
    place = first.bounding_box()
    thermal.make_alarm(thermal.make_rule(site, priority=1), raised_at=NOW, message="The pump stands still.")
    page.clock.run_for(11_000)
    expect(page.locator("[data-alarm-news]")).to_contain_text("One new alarm")
    expect(page.locator("tr[data-alarm]")).to_have_count(1)
    shown = first.bounding_box()
    assert place is not None
    assert shown is not None
    assert shown["height"] == place["height"]
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tr[data-alarm]").first).to_contain_text("The pump stands still.")


def test_billing_clerk_drafts_reviews_and_issues_a_bill(page: Page, live_server: LiveServer) -> None:
    contract, _placement = billable()
    log_in(page, live_server, people.billing_clerk())
    month = reverse("contracts:billing_month", args=[OCTOBER.year, OCTOBER.month])
    page.goto(live_server.url + month)
    page.get_by_role("button", name="Draft the bills").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Billing of 2026-10")
    # What a worker would do now.
    runs.carry_out(run_id=BillingRun.objects.get().pk, clock=lambda: NOW)
    page.goto(live_server.url + month)
    assert_fit_for_everyone(page, live_server, "phone", month)
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("button", name="Mark as reviewed").click()
    page.get_by_role("link", name="Issue", exact=True).click()
    expect(page.locator(".confirm-consequence")).to_contain_text("It can never be changed again")
    assert Invoice.objects.get().number is None
    page.get_by_role("button", name="Issue", exact=True).click()
    invoice = Invoice.objects.get()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Invoice {invoice.number}")
    expect(page.locator(".sheet-total .grand").last).to_contain_text("807.38")
    assert pdf_behind(page, live_server, "PDF") == bytes(invoice.document.pdf)
    mine = ["/contracts/", contract.get_absolute_url(), month, "/billing/invoices/", invoice.get_absolute_url()]
    assert_fit_for_everyone(page, live_server, "desk", *mine)


def pdf_behind(page: Page, server: LiveServer, name: str) -> bytes:
    """The file behind the link of this name, fetched as this person."""
    address = page.get_by_role("link", name=name).first.get_attribute("href")
    answer = page.request.get(f"{server.url}{address}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body().startswith(b"%PDF-")
    return answer.body()


def billed(**fields: object) -> tuple[Contract, Invoice]:
    """A contract with an issued bill for October and heat in November."""
    contract, _placement = billable(**fields)  # type: ignore[arg-type]
    drafted = billing.draft_invoice(contract=contract, month_on=OCTOBER, by=None, now=NOW).invoice
    assert drafted is not None
    reviewed = billing.review_invoice(invoice=drafted, by=None, now=NOW)
    make.make_intervals(contract.delivery_point, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), NOW, heat_kwh=Decimal(5))
    return contract, billing.issue_invoice(invoice=reviewed, by=None, now=NOW)


def test_offtaker_reads_the_month_on_a_phone_and_sees_nobody_elses(page: Page, live_server: LiveServer) -> None:
    (contract, invoice), (_other, foreign) = billed(), billed()
    judging.judge_pending(now=NOW)
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, live_server, people.offtaker_finance(contract))
    expect(page).to_have_url(live_server.url + reverse("contracts:my_heat"))
    expect(page.locator(".lead-sentence")).to_contain_text("kWh this month")
    page.get_by_role("link", name="Service level", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("of the time that counts")
    page.get_by_role("link", name="Invoices", exact=True).click()
    assert pdf_behind(page, live_server, "PDF") == bytes(invoice.document.pdf)
    page.get_by_role("link", name="Report a fault", exact=True).click()
    page.get_by_label("What is wrong?").fill("The showers are cold since seven.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("main")).to_contain_text("Thank you.")
    assert FaultReport.objects.get().contract == contract
    for address in (foreign.get_absolute_url(), reverse("contracts:invoice_pdf", args=[foreign.pk])):
        assert page.request.get(live_server.url + address).status == 404
    page.goto(live_server.url + foreign.get_absolute_url())
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    names = ("my_heat", "my_service", "my_invoices", "my_savings", "my_works", "my_fault")
    mine = [*(reverse(f"contracts:{name}") for name in names), invoice.get_absolute_url()]
    assert_fit_for_everyone(page, live_server, "phone", *mine)
    assert "COP" not in page.content()


def test_auditor_orders_a_pack_and_finds_it_unchanged(page: Page, live_server: LiveServer, tmp_path: Path) -> None:
    site, elsewhere = hosting.make_site(name="Lido"), hosting.make_site(name="Greenhouse")
    for make_record in compliance.BY_NOUN.values():
        make_record(site)
        make_record(elsewhere)
    log_in(page, live_server, people.auditor(site))
    page.get_by_role("link", name="Compliance", exact=True).click()
    expect(page.locator("table")).to_contain_text("Lido")
    expect(page.locator("table")).not_to_contain_text("Greenhouse")
    page.goto(live_server.url + reverse("compliance:pack_create"))
    page.get_by_label("Sites").select_option(label="Lido")
    page.get_by_role("button", name="See what it will contain").click()
    expect(page.get_by_role("heading", name="What it will contain")).to_be_visible()
    page.locator("button[name=build]").click()
    expect(page).to_have_url(live_server.url + AuditPack.objects.get().get_absolute_url())
    # What a worker would do now.
    packs.build_pack(pack_id=AuditPack.objects.get().pk, now=NOW)
    page.reload()
    with page.expect_download() as download:
        page.locator(f"a[href='{reverse('compliance:pack_file', args=[AuditPack.objects.get().pk])}']").first.click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    page.goto(live_server.url + reverse("compliance:pack_verify"))
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verdict")).to_contain_text("unchanged")
    expect(page.locator("#verdict")).to_contain_text("was built here with exactly these bytes")
    names = ("task_list", "circuit_list", "sample_list", "permit_list", "incident_list", "document_list", "limit_list")
    records = [reverse(f"compliance:{name}") for name in names]
    assert_fit_for_everyone(
        page, live_server, "desk", "/compliance/", *records, AuditPack.objects.get().get_absolute_url()
    )
    assert_fit_for_everyone(page, live_server, "phone", "/compliance/", records[0], "/packs/", "/packs/verify/")
