"""The review queue: by grant and role, with a constant count of queries, and what can be done there."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from hosting.models import MeterPlacement
from kernel.periods import Period
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from thermal.models import HeatInterval, ValidationFinding, ValidationRule
from thermal.models.validation import Rule
from thermal.queries import finding_texts
from thermal.services import settlement, validating

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 9, 7, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 10, 20, 12, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


def fallen() -> MeterPlacement:
    """A meter whose register fell, and paused for two hours."""
    meter = hosting.make_meter(max_kw=60.0, register_step=Decimal(1), register_digits=7)
    placement = hosting.make_placement(meter, valid_from=START, first_register=Decimal(1000))
    rows = [(START + n * QUARTER, 1000 + n if n < 20 else n) for n in range(60) if not 30 <= n < 38]
    thermal.make_readings(meter, rows)
    window = Period(START, START + 60 * QUARTER)
    validating.validate_meters(windows={meter.pk: window}, now=NOW)
    return placement


class Furnished:
    """A site with a meter that has two findings, and what is settled of it."""

    def __init__(self) -> None:
        thermal.make_partitions(START, months=4)
        self.placement = fallen()
        self.site = self.placement.site
        settlement.settle_period(site=self.site, period=Period(START, START + 60 * QUARTER), now=NOW)
        self.block = ValidationFinding.objects.get(rule="V03")
        self.gap = ValidationFinding.objects.get(rule="V01")
        self.rule = ValidationRule.objects.get(rule="V01")

    def records(self) -> dict[str, str]:
        return {
            "finding_detail": self.block.get_absolute_url(),
            "meter_quality": reverse("thermal:meter_quality", args=[self.placement.meter_id]),
        }

    def lists(self) -> dict[str, str]:
        return {
            "finding_list": reverse("thermal:finding_list"),
            "review_month": reverse("thermal:review_month") + "?month=2026-09",
        }

    def rules(self) -> dict[str, str]:
        return {
            "validationrule_list": reverse("thermal:validationrule_list"),
            "validationrule_detail": self.rule.get_absolute_url(),
        }


@pytest.fixture
def furnished() -> Furnished:
    return Furnished()


def test_those_who_work_the_queue_and_those_who_audit_it_read_it(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user in (cast.operator, cast.engineer, cast.billing_clerk, cast.approver, cast.auditor):
        client = client_of(user)
        for name, url in (furnished.records() | furnished.lists() | furnished.rules()).items():
            assert client.get(url).status_code == 200, (user.email, name)
        assert furnished.placement.meter.serial in body(client.get(furnished.lists()["finding_list"]))
        assert furnished.placement.meter.serial in body(client.get(furnished.lists()["review_month"]))


def test_offtakers_and_strangers_see_nothing_of_it(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user in (cast.offtaker, cast.neighbor, cast.stranger):
        client = client_of(user)
        for name, url in (furnished.records() | furnished.lists() | furnished.rules()).items():
            assert client.get(url).status_code in {403, 404}, (user.email, name)
        assert reverse("thermal:finding_list") not in body(client.get(reverse("thermal:heat_list")))
    assert client_of(cast.offtaker).get(furnished.records()["finding_detail"]).status_code == 404


def test_an_auditor_of_another_site_sees_none_of_its_findings(furnished: Furnished) -> None:
    client = client_of(people.auditor(hosting.make_site()))
    assert client.get(furnished.records()["finding_detail"]).status_code == 404
    for url in furnished.lists().values():
        assert furnished.placement.meter.serial not in body(client.get(url))


def test_an_auditor_accepts_nothing(furnished: Furnished) -> None:
    client = client_of(people.auditor(furnished.site))
    url = reverse("thermal:finding_accept", args=[furnished.gap.pk])
    assert client.get(url).status_code == 403
    assert url not in body(client.get(furnished.gap.get_absolute_url()))


def test_a_finding_shows_its_chart_its_readings_and_how_to_resolve_it(furnished: Furnished) -> None:
    page = body(client_of(people.engineer()).get(furnished.records()["finding_detail"]))
    words = finding_texts.words_of(furnished.block)
    assert words.sentence == "The register fell from 1,019 to 20 kWh."
    for text in (
        words.sentence,
        words.meaning,
        words.remedy,
        "unverified default",
        '"kind": "alarm"',
        "read from the device",
    ):
        assert text in page


def test_findings_of_a_site_and_a_delivery_point_have_charts_too(furnished: Furnished) -> None:
    facts = {"severity": 2, "site": furnished.site, "starts_at": START, "ends_at": START + 20 * QUARTER}
    seen = {"found_at": NOW, "seen_at": NOW}
    of_site = ValidationFinding.objects.create(rule="V15", values={"delivered_kwh": 5}, **facts, **seen)
    point = furnished.placement.delivery_point
    of_point = ValidationFinding.objects.create(rule="V16", values={"hours": 50}, delivery_point=point, **facts, **seen)
    client = client_of(people.operator())
    for finding in (of_site, of_point):
        assert '"kind": "alarm"' in body(client.get(finding.get_absolute_url()))


def test_every_rule_speaks_with_whatever_values_it_has(furnished: Furnished) -> None:
    for rule in Rule:
        for kind in ("", "reset", "unit_change", "spike", "clock_jump"):
            finding = ValidationFinding(rule=rule, kind=kind, values={"flow_m3h": 3.0} if kind else {})
            words = finding_texts.words_of(finding)
            assert words.sentence
            assert "%(" not in words.sentence
            assert "%%" not in words.sentence


def test_an_engineer_accepts_a_warning_and_the_list_no_longer_shows_it(furnished: Furnished) -> None:
    client = client_of(people.engineer())
    url = reverse("thermal:finding_accept", args=[furnished.gap.pk])
    assert "This field is required" in body(client.post(url, {"reason": "", "confirm": "yes"}))
    response = client.post(url, {"reason": "The gateway was moved.", "confirm": "yes"})
    assert response["Location"] == furnished.gap.get_absolute_url()
    page = body(client.get(furnished.lists()["finding_list"]))
    assert furnished.gap.get_absolute_url() not in page
    assert furnished.block.get_absolute_url() in page
    assert furnished.gap.get_absolute_url() in body(client.get(furnished.lists()["finding_list"], {"state": "all"}))
    assert "The gateway was moved." in body(client.get(furnished.gap.get_absolute_url()))


def test_what_blocks_is_accepted_by_an_approver(furnished: Furnished) -> None:
    url = reverse("thermal:finding_accept", args=[furnished.block.pk])
    engineer, approver = client_of(people.engineer()), client_of(people.approver())
    assert engineer.post(url, {"reason": "Fine.", "confirm": "yes"}).status_code == 403
    assert url not in body(engineer.get(furnished.block.get_absolute_url()))
    assert url in body(approver.get(furnished.block.get_absolute_url()))
    approver.post(url, {"reason": "The maker reset it.", "confirm": "yes"})
    furnished.block.refresh_from_db()
    assert furnished.block.state == "accepted"
    again = body(approver.post(url, {"reason": "Once more.", "confirm": "yes"}))
    assert "resolved already" in again


def test_the_queue_is_filtered_by_month_site_and_rule(furnished: Furnished) -> None:
    client, url = client_of(people.operator()), furnished.lists()["finding_list"]
    detail = furnished.block.get_absolute_url()
    for query, seen in [
        ("month=2026-09", True), ("month=2026-10", False), ("month=soon", False), ("rule=V03", True),
        ("rule=V01", False), (f"site={furnished.site.pk}", True), ("severity=3", True), ("severity=1", False),
        (f"meter={furnished.placement.meter_id}", True), ("state=closed", False),
    ]:  # fmt: skip
        assert (detail in body(client.get(f"{url}?{query}"))) is seen, query


def test_the_queue_exports_its_sentences(furnished: Furnished) -> None:
    lines = body(client_of(people.auditor(furnished.site)).get(furnished.lists()["finding_list"], {"export": "csv"}))
    assert "The register fell from" in lines
    assert furnished.placement.meter.serial in lines


def test_the_month_says_how_much_rests_on_registers(furnished: Furnished) -> None:
    page = body(client_of(people.operator()).get(furnished.lists()["review_month"]))
    assert "blocked" in page
    assert "%" in page
    empty = body(client_of(people.operator()).get(reverse("thermal:review_month"), {"month": "2019-01"}))
    assert "No meter at a delivery point" in empty


def test_the_page_of_a_meter_leads_to_its_quality(furnished: Furnished) -> None:
    meter = furnished.placement.meter
    url = furnished.records()["meter_quality"]
    assert url in body(client_of(people.operator()).get(meter.get_absolute_url()))
    assert url not in body(client_of(people.offtaker_viewer(furnished.site)).get(meter.get_absolute_url()))
    fragment = body(client_of(people.operator()).get(url))
    assert "Open findings: 2" in fragment
    assert "2026-09" in fragment


def test_the_list_of_heat_counts_what_waits(furnished: Furnished) -> None:
    page = body(client_of(people.operator()).get(reverse("thermal:heat_list")))
    assert f'href="{furnished.lists()["finding_list"]}"' in page
    assert '<span class="badge">2</span>' in page


@pytest.mark.parametrize("name", ["finding_list", "review_month", "validationrule_list"])
def test_lists_ask_as_often_for_twenty_rows_as_for_two(name: str) -> None:
    thermal.make_partitions(START, months=4)
    client = client_of(people.operator())
    url = reverse(f"thermal:{name}") + ("?month=2026-09" if name == "review_month" else "")
    site, counts = hosting.make_site(), []
    for rows in (2, 18):
        for _ in range(rows):
            placement = hosting.make_placement(site=site)
            ValidationFinding.objects.create(
                rule="V01", severity=1, site=placement.site, meter=placement.meter, starts_at=START,
                ends_at=START + QUARTER, found_at=NOW, seen_at=NOW, values={"missing_h": 1},
            )  # fmt: skip
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[1] <= 14


# ---- rules -----------------------------------------------------------------------------------------------------------


def thresholds(**fields: Any) -> dict[str, Any]:
    return {
        "valid_from": "2026-10-01", "severity": 1, "grave_severity": 3, "enabled": "on", "source": "Contract 7",
        "gap_factor": "1.5", "long_gap_h": "6",
    } | fields  # fmt: skip


def test_an_engineer_changes_a_rule_and_its_history_stays(furnished: Furnished) -> None:
    client = client_of(people.engineer())
    url = reverse("thermal:validationrule_change", args=[furnished.rule.pk])
    assert 'name="long_gap_h"' in body(client.get(url))
    response = client.post(url, thresholds())
    changed = ValidationRule.objects.get(rule="V01", valid_until=None)
    assert response["Location"] == changed.get_absolute_url()
    assert (changed.thresholds, changed.grave_severity) == ({"gap_factor": 1.5, "long_gap_h": 6}, 3)
    page = body(client.get(changed.get_absolute_url()))
    assert "Contract 7" in page
    assert "2000-01-01" in page
    assert "later change" in body(client.post(url, thresholds(valid_from="2001-01-01")))


def test_an_engineer_sets_a_rule_for_one_site(furnished: Furnished) -> None:
    client = client_of(people.engineer())
    ask = reverse("thermal:validationrule_create")
    assert "Choose one of country" in body(client.post(ask, {"rule": "V01"}))
    response = client.post(ask, {"rule": "V01", "site": furnished.site.pk})
    client.post(response["Location"], thresholds())
    assert ValidationRule.objects.get(site=furnished.site).thresholds["long_gap_h"] == 6
    nowhere = reverse("thermal:validationrule_set", args=["V01"])
    assert "Choose one of country" in body(client.post(nowhere, thresholds()))
    assert client.get(reverse("thermal:validationrule_set", args=["V99"])).status_code == 404


def test_an_operator_sets_no_rules(furnished: Furnished) -> None:
    client = client_of(people.operator())
    for url in (
        reverse("thermal:validationrule_change", args=[furnished.rule.pk]),
        reverse("thermal:validationrule_create"),
        reverse("thermal:validationrule_set", args=["V01"]),
    ):
        assert client.get(url).status_code == 403
        assert client.post(url, thresholds()).status_code == 403


def test_a_quarter_hour_names_the_error_that_the_meter_is_allowed(furnished: Furnished) -> None:
    interval = HeatInterval.objects.filter(delivery_point=furnished.placement.delivery_point, meter__isnull=False)[5]
    interval.supply_vw_c, interval.return_vw_c = 65.0, 35.0
    interval.save()
    url = reverse("thermal:interval_detail", args=[interval.delivery_point_id, f"{interval.start:%Y%m%dT%H%MZ}"])
    page = body(client_of(people.operator()).get(url))
    assert "± 3.4 % allowed by class 2" in page
    assert "not legal for trade" not in page
    interval.delivery_point.medium = "glycol"
    interval.delivery_point.save()
    assert "not legal for trade" in body(client_of(people.operator()).get(url))


def test_the_api_has_the_queue_for_those_who_may_read_it(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user, count in [(cast.operator, 2), (cast.auditor, 2), (cast.offtaker, 0), (cast.neighbor, 0)]:
        assert client_of(user).get("/api/v1/findings/").json()["count"] == count, user.email
    row = client_of(cast.operator).get("/api/v1/findings/?rule=V03").json()["results"][0]
    assert row["sentence"] == "The register fell from 1,019 to 20 kWh."
    assert client_of(cast.offtaker).get(f"/api/v1/findings/{furnished.gap.pk}/").status_code == 404


def test_the_api_accepts_for_those_who_may(furnished: Furnished) -> None:
    reason = {"reason": "Known."}

    def accept(user: User, finding: ValidationFinding) -> int:
        url = f"/api/v1/findings/{finding.pk}/accept/"
        return client_of(user).post(url, reason, content_type="application/json").status_code

    assert accept(people.auditor(furnished.site), furnished.gap) == 403
    assert accept(people.operator(), furnished.gap) == 403
    assert accept(people.engineer(), furnished.block) == 409
    assert accept(people.engineer(), furnished.gap) == 200
    assert accept(people.approver(), furnished.block) == 200
