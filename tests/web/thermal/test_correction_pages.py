"""The pages of corrections: who reads, who proposes, who decides, and what a form makes of what was typed."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from hosting.models import Meter
from kernel.periods import Period
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from thermal.domain.estimation import Method
from thermal.models import CorrectedReading, Correction, DirtyMark, HeatInterval, MeterReading
from thermal.services import corrections, marking, settlement
from thermal.services.corrections import Edit

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
REASON = {"reason": "Read off the display."}


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode())


class Furnished:
    """Two weeks of hourly registers, an estimate that counts, and an edit that waits."""

    def __init__(self) -> None:
        thermal.make_partitions(START, months=4)
        self.placement = hosting.make_placement(valid_from=START - HOUR)
        self.meter, self.point = self.placement.meter, self.placement.delivery_point
        assert self.point is not None
        self.site = self.placement.site
        thermal.make_readings(self.meter, [(START + n * HOUR, 1000 + 8 * n) for n in range(337)])
        marking.mark_recorded(readings=[(self.meter.pk, START + n * HOUR) for n in range(337)], now=NOW)
        settlement.settle_marked(now=NOW)
        self.engineer = people.engineer()
        facts: dict[str, Any] = {"by": self.engineer, "now": NOW, "finding": None, **REASON}
        hour = Period(START + 200 * HOUR, START + 201 * HOUR)
        self.estimate = corrections.add_estimate(point=self.point, period=hour, method=Method.HISTORY, **facts)
        edits = [Edit(START + 336 * HOUR, Decimal(9000))]
        self.edit = corrections.edit_registers(meter=self.meter, edits=edits, **facts)

    def forms(self) -> dict[str, str]:
        names = ("correction_edit", "correction_divide", "correction_rescale", "correction_shift")
        found = {name: reverse(f"thermal:{name}", args=[self.meter.pk]) for name in names}
        assert self.point is not None
        return found | {"correction_estimate": reverse("thermal:correction_estimate", args=[self.point.pk])}

    def pages(self) -> list[str]:
        return [reverse("thermal:correction_list"), self.estimate.get_absolute_url(), self.edit.get_absolute_url()]

    def decide(self, name: str, correction: Correction) -> str:
        return reverse(f"thermal:correction_{name}", args=[correction.pk])


@pytest.fixture
def furnished() -> Furnished:
    return Furnished()


def test_staff_and_auditors_read_corrections(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user in (*cast.staff, cast.auditor):
        for url in furnished.pages():
            assert client_of(user).get(url).status_code == 200, (user.email, url)
    page = body(client_of(cast.auditor).get(furnished.pages()[0]))
    assert furnished.edit.get_absolute_url() in page


def test_offtakers_strangers_and_auditors_of_other_sites_see_none(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user in (cast.offtaker, cast.neighbor, cast.stranger, people.auditor(hosting.make_site())):
        client = client_of(user)
        for url in furnished.pages()[1:]:
            assert client.get(url).status_code == 404, (user.email, url)
        answer = client.get(furnished.pages()[0])
        assert answer.status_code == 403 or furnished.edit.get_absolute_url() not in body(answer)
        answer = client.get("/api/v1/corrections/")
        assert answer.status_code == 403 or answer.json()["results"] == []


def test_only_those_who_may_propose_get_the_forms(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for name, url in furnished.forms().items():
        assert client_of(cast.engineer).get(url).status_code == 200, name
        for user in (cast.operator, cast.approver, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
            for status in (client_of(user).get(url).status_code, client_of(user).post(url, REASON).status_code):
                assert status in {403, 404}, (user.email, name)


def test_only_approvers_decide(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for name in ("approve", "reject"):
        url = furnished.decide(name, furnished.edit)
        for user in (cast.operator, cast.engineer, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
            assert client_of(user).post(url, {"note": "Yes."}).status_code in {403, 404}, (user.email, name)
    for user in (cast.operator, cast.auditor, cast.offtaker, cast.stranger):
        url = furnished.decide("withdraw", furnished.estimate)
        assert client_of(user).post(url, {"note": "No."}).status_code in {403, 404}
    furnished.edit.refresh_from_db()
    furnished.estimate.refresh_from_db()
    assert (furnished.edit.state, furnished.estimate.state) == ("proposed", "applied")


def test_what_waits_for_the_reader_stands_first(furnished: Furnished) -> None:
    Correction.objects.filter(pk=furnished.estimate.pk).update(proposed_at=NOW + HOUR)
    url = furnished.pages()[0]
    for user, waits in ((people.approver(), True), (furnished.engineer, False)):
        page = body(client_of(user).get(url))
        first = page.index(furnished.edit.get_absolute_url()) < page.index(furnished.estimate.get_absolute_url())
        assert (first, "waits for you" in page) == (waits, waits)


def test_the_list_is_filtered_and_exported(furnished: Furnished) -> None:
    client, url = client_of(people.operator()), furnished.pages()[0]
    for query, seen in [
        ("state=proposed", True), ("state=applied", False), ("kind=edit", True), ("kind=add", False),
        (f"meter={furnished.meter.pk}", True), (f"site={furnished.site.pk}", True),
        (f"site={hosting.make_site().pk}", False),
    ]:  # fmt: skip
        assert (furnished.edit.get_absolute_url() in body(client.get(f"{url}?{query}"))) is seen, query
    assert furnished.meter.serial in body(client.get(f"{url}?export=csv"))


def test_the_list_asks_as_often_for_twenty_rows_as_for_two(furnished: Furnished) -> None:
    client, url, counts = client_of(people.approver()), furnished.pages()[0], []
    for number in (0, 18):
        for n in range(number):
            edits = [Edit(START + (100 + n) * HOUR, Decimal(1801 + 8 * n))]
            corrections.edit_registers(
                meter=furnished.meter, edits=edits, by=people.engineer(), now=NOW, finding=None, **REASON
            )
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 14


def test_a_correction_says_what_changes_how_it_was_found_and_who_decided(furnished: Furnished) -> None:
    client = client_of(people.operator())
    page = body(client.get(furnished.estimate.get_absolute_url()))
    for text in (
        "same hours of earlier weeks",
        "The mean of the same weekday",
        "needed nobody",
        "Read off the display.",
    ):
        assert text in page
    assert "a second person decides" in page
    facts: dict[str, Any] = {"by": furnished.engineer, "now": NOW, "finding": None, **REASON}
    long = Period(START + 210 * HOUR, START + 216 * HOUR)
    assert furnished.point is not None
    best = corrections.add_estimate(point=furnished.point, period=long, **facts)
    page = body(client.get(best.get_absolute_url()))
    assert "The gap is longer than two hours" in page
    page = body(client.get(furnished.edit.get_absolute_url()))
    assert "9,000.0000" in page
    assert "3,688.0000" in page
    assert "nobody yet" in page


def test_an_approver_puts_a_correction_in_force_and_another_rejects(furnished: Furnished) -> None:
    approver = client_of(people.approver())
    url = furnished.decide("approve", furnished.edit)
    assert url in body(approver.get(furnished.edit.get_absolute_url()))
    page = body(approver.get(url))
    assert "settled anew" in page
    assert "Months that change" in page
    furnished.edit.refresh_from_db()
    assert furnished.edit.state == "proposed"
    assert approver.post(url, {"note": "The photo says so."})["Location"] == furnished.edit.get_absolute_url()
    furnished.edit.refresh_from_db()
    assert (furnished.edit.state, furnished.edit.note) == ("applied", "The photo says so.")
    again = body(approver.post(furnished.decide("reject", furnished.edit), {"note": "No."}))
    assert "decided already" in again


def test_an_approver_is_told_what_stands_in_the_way(furnished: Furnished) -> None:
    at = furnished.edit.starts_at
    thermal.make_reading(furnished.meter, at, 3690, version=2)
    page = body(client_of(people.approver()).get(furnished.decide("approve", furnished.edit)))
    assert "was corrected meanwhile" in page
    assert "Months that change" not in page


def test_an_author_withdraws_the_own_proposal_with_a_reason(furnished: Furnished) -> None:
    client, url = client_of(furnished.engineer), furnished.decide("withdraw", furnished.edit)
    assert url in body(client.get(furnished.edit.get_absolute_url()))
    assert "This field is required" in body(client.post(url, {"note": ""}))
    client.post(url, {"note": "Misread."})
    furnished.edit.refresh_from_db()
    assert furnished.edit.state == "withdrawn"
    assert "Withdrawn by" in body(client.get(furnished.edit.get_absolute_url()))


def propose(client: Client, url: str, typed: dict[str, Any]) -> Any:
    """Looks at what would change, then proposes it; what is refused is the answer to the look."""
    look = client.post(url, typed)
    seen = re.search(r'name="seen" value="(\w+)"', body(look))
    return client.post(url, {**typed, "store": "yes", "seen": seen[1]}) if seen else look


# ---- the forms -------------------------------------------------------------------------------------------------------


def local(at: dt.datetime) -> str:
    """As typed by a person whose profile says UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S}"


@pytest.fixture
def engineer(furnished: Furnished) -> Client:
    User.objects.filter(pk=furnished.engineer.pk).update(time_zone="UTC")
    return client_of(furnished.engineer)


def test_several_registers_are_set_and_one_reading_is_taken_away(furnished: Furnished, engineer: Client) -> None:
    url = furnished.forms()["correction_edit"]
    at = START + 10 * HOUR
    page = body(engineer.get(url, {"at": at.isoformat()}))
    assert 'value="1080.0000"' in page
    typed = {
        "row_count": "3", "at_0": local(at), "register_0": "1081", "at_1": local(at + HOUR), "gone_1": "on", **REASON,
    }  # fmt: skip
    response = propose(engineer, url, typed)
    made = Correction.objects.order_by("pk").last()
    assert made is not None
    assert response["Location"] == made.get_absolute_url()
    assert [(row.at, row.energy_kwh) for row in made.readings.order_by("at")] == [(at, 1081), (at + HOUR, None)]


def test_more_rows_keep_what_was_typed_and_what_is_wrong_is_said(furnished: Furnished, engineer: Client) -> None:
    url = furnished.forms()["correction_edit"]
    typed = {"row_count": "3", "at_0": local(START), "register_0": "5"}
    page = body(engineer.post(url, typed | {"more": "5"}))
    assert 'name="at_7"' in page
    assert 'value="5"' in page
    assert "This field is required" not in page
    for wrong, said in [
        ({"at_0": local(START), **REASON}, "or take the reading away"),
        ({"register_0": "5", **REASON}, "Say when"),
        ({"at_0": local(START), "register_0": "5", "at_1": local(START), "gone_1": "on", **REASON}, "another row"),
        (REASON, "Nothing is changed"),
    ]:
        assert said in body(engineer.post(url, {"row_count": "3", **wrong})), said


def test_an_instant_typed_to_the_second_finds_the_reading_within_it(furnished: Furnished, engineer: Client) -> None:
    exact = START + 10 * HOUR + dt.timedelta(minutes=1, microseconds=250_000)
    thermal.make_reading(furnished.meter, exact, 1090)
    typed = {"row_count": "1", "at_0": local(exact), "gone_0": "on", **REASON}
    propose(engineer, furnished.forms()["correction_edit"], typed)
    assert MeterReading.objects.get(meter=furnished.meter, at=exact, version=2).energy_kwh is None


def test_a_stretch_is_divided_multiplied_and_moved(furnished: Furnished, engineer: Client) -> None:
    forms = furnished.forms()
    start, end = START + 20 * HOUR, START + 21 * HOUR
    stretch = {"starts_at": local(start), "ends_at": local(end), **REASON}
    for name, more, kind, count in [
        ("correction_divide", {}, "distribute", 3),
        ("correction_rescale", {"unit": "1000"}, "edit", 4),
        ("correction_rescale", {"unit": "other", "factor": "1.5"}, "edit", 4),
        ("correction_shift", {"offset_h": "-0.5"}, "edit", 6),
    ]:
        response = propose(engineer, forms[name], stretch | more)
        assert response.status_code == 302, (name, body(response))
        made = Correction.objects.order_by("pk").last()
        assert made is not None
        assert (made.kind, made.readings.count()) == (kind, count), name
    assert "Enter the factor" in body(engineer.post(forms["correction_rescale"], stretch | {"unit": "other"}))
    backwards = stretch | {"ends_at": local(start - HOUR)}
    assert "after the start" in body(engineer.post(forms["correction_divide"], backwards))


def test_an_estimate_is_shown_before_it_is_proposed(furnished: Furnished, engineer: Client) -> None:
    url = furnished.forms()["correction_estimate"]
    start = START + 210 * HOUR
    typed = {"starts_at": local(start), "ends_at": local(start + 6 * HOUR), "method": "", "reason": ""}
    before = Correction.objects.count()
    page = body(engineer.post(url, typed))
    for text in ("What would change", "48", "comes on top", "The gap is longer than two hours"):
        assert text in page
    assert Correction.objects.count() == before
    refused = body(propose(engineer, url, typed))
    assert "This field is required" in refused
    assert 'id="id_reason_error"' in refused
    assert "What would change" in refused
    propose(engineer, url, typed | REASON)
    made = Correction.objects.order_by("pk").last()
    assert made is not None
    assert (made.kind, made.heat_kwh) == ("add", Decimal(48))
    assert "counts or waits already" in body(engineer.post(url, typed))
    assert "cannot be used here" in body(
        engineer.post(url, typed | {"starts_at": local(START), "ends_at": local(START + HOUR), "method": "check_meter"})
    )


def test_every_way_is_looked_at_before_anything_is_stored(furnished: Furnished, engineer: Client) -> None:
    stretch = {"starts_at": local(START + 20 * HOUR), "ends_at": local(START + 21 * HOUR)}
    later = {"starts_at": local(START + 210 * HOUR), "ends_at": local(START + 211 * HOUR)}
    ways: dict[str, dict[str, Any]] = {
        "correction_edit": {"row_count": "1", "at_0": local(START + 20 * HOUR), "register_0": "1163"},
        "correction_divide": stretch,
        "correction_rescale": stretch | {"unit": "1000"},
        "correction_shift": stretch | {"offset_h": "-0.5"},
        "correction_estimate": later | {"method": "history"},
    }

    def stored() -> list[Any]:
        counts = [model.objects.count() for model in (Correction, CorrectedReading, MeterReading, DirtyMark)]
        return [*counts, *HeatInterval.objects.order_by("pk").values()]

    before = stored()
    for name, typed in ways.items():
        page = body(engineer.post(furnished.forms()[name], typed))
        for text in ("What would change", "October 2026", 'class="state state-', '"estimated": ['):
            assert text in page, (name, text)
    assert stored() == before


def test_what_was_typed_after_the_look_is_looked_at_again(furnished: Furnished, engineer: Client) -> None:
    url, start = furnished.forms()["correction_divide"], START + 20 * HOUR
    typed = {"starts_at": local(start), "ends_at": local(start + HOUR), **REASON}
    seen = re.search(r'name="seen" value="(\w+)"', body(engineer.post(url, typed)))
    assert seen
    before = Correction.objects.count()
    changed = typed | {"ends_at": local(start + 2 * HOUR), "store": "yes", "seen": seen[1]}
    assert "Nothing is stored yet" in body(engineer.post(url, changed))
    assert "What would change" in body(engineer.post(url, typed | {"store": "yes"}))
    assert Correction.objects.count() == before


def test_a_refusal_stands_at_its_field(furnished: Furnished, engineer: Client) -> None:
    forms, far = furnished.forms(), START + 500 * HOUR
    nothing_there = {"starts_at": local(far), "ends_at": local(far + HOUR)}
    odd = {"starts_at": local(START), "ends_at": local(START + dt.timedelta(minutes=7))}
    for name, typed, field in [
        ("correction_rescale", nothing_there | {"unit": "1000"}, "starts_at"),
        ("correction_rescale", odd | {"unit": "other", "factor": "1"}, "factor"),
        ("correction_shift", odd | {"offset_h": "0"}, "offset_h"),
        ("correction_divide", nothing_there, "starts_at"),
        ("correction_estimate", odd, "ends_at"),
    ]:
        assert f'id="id_{field}_error"' in body(engineer.post(forms[name], typed)), (name, field)


def test_a_finding_leads_to_its_ways_and_is_answered(furnished: Furnished, engineer: Client) -> None:
    finding = thermal.make_finding(
        meter=furnished.meter, rule="V01", kind="gap", severity=1, starts_at=START + 20 * HOUR,
        ends_at=START + 21 * HOUR,
    )  # fmt: skip
    page = body(engineer.get(finding.get_absolute_url()))
    url = furnished.forms()["correction_divide"] + f"?finding={finding.pk}"
    for way in (url, furnished.forms()["correction_edit"], furnished.forms()["correction_estimate"]):
        assert way in page
    assert url not in body(client_of(people.approver()).get(finding.get_absolute_url()))
    assert f'value="{local(finding.starts_at)}"' in body(engineer.get(url))
    typed = {"starts_at": local(finding.starts_at), "ends_at": local(finding.ends_at), **REASON}
    propose(engineer, url, typed)
    finding.refresh_from_db()
    assert finding.state == "estimated"
    made = finding.corrections.get()
    assert made.get_absolute_url() in body(engineer.get(finding.get_absolute_url()))
    # A finding of another meter is not this one's business.
    other = thermal.make_finding()
    propose(engineer, furnished.forms()["correction_divide"] + f"?finding={other.pk}", typed)
    other.refresh_from_db()
    assert other.state == "open"


# ---- over HTTP -------------------------------------------------------------------------------------------------------


def test_corrections_are_proposed_and_decided_over_http(furnished: Furnished) -> None:
    engineer, approver = client_of(furnished.engineer), client_of(people.approver())
    base = "/api/v1/corrections/"
    meter = {"meter": furnished.meter.pk, **REASON}
    hour = {"starts_at": START + 20 * HOUR, "ends_at": START + 21 * HOUR}
    assert furnished.point is not None
    bodies: dict[str, dict[str, Any]] = {
        "edit": {**meter, "edits": [{"at": START + 5 * HOUR, "energy_kwh": "1500"}]},
        "divide": {**meter, **hour},
        "rescale": {**meter, **hour, "factor": "1000"},
        "shift": {**meter, **hour, "offset_s": -1800},
        "estimate": {"delivery_point": furnished.point.pk, **hour, "method": "linear", **REASON},
    }
    for name, sent in bodies.items():
        made = engineer.post(f"{base}{name}/", sent, content_type="application/json")
        assert made.status_code == 201, (name, made.content)
        for user in (people.operator(), people.approver(), people.auditor(furnished.site)):
            refused = client_of(user).post(f"{base}{name}/", sent, content_type="application/json")
            assert refused.status_code == 403, (name, user.email)
    waiting = engineer.get(base, {"state": "proposed", "kind": "edit"}).json()["results"]
    url = f"{base}{furnished.edit.pk}/"
    assert furnished.edit.pk in {row["id"] for row in waiting}
    assert engineer.get(url).json()["readings"][0]["energy_kwh"] == "9000.0000"
    assert engineer.post(f"{url}approve/").status_code == 403
    assert approver.post(f"{url}reject/", {}, content_type="application/json").status_code == 400
    assert approver.post(f"{url}approve/").json()["state"] == "applied"
    assert approver.post(f"{url}approve/").json()["code"] == "already_decided"
    taken = engineer.post(f"{base}{furnished.estimate.pk}/withdraw/", {"note": "Memory read."})
    assert taken.json()["state"] == "withdrawn"


def test_nothing_is_proposed_for_a_meter_that_does_not_exist(furnished: Furnished) -> None:
    sent = {"meter": Meter.objects.order_by("-pk")[0].pk + 1, "edits": [{"at": START, "energy_kwh": None}], **REASON}
    url = "/api/v1/corrections/edit/"
    assert client_of(furnished.engineer).post(url, sent, content_type="application/json").status_code == 404
    other = {**sent, "meter": furnished.meter.pk, "finding": thermal.make_finding().pk}
    assert client_of(furnished.engineer).post(url, other, content_type="application/json").status_code == 400
