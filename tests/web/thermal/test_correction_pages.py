"""The pages of corrections: who reads, who proposes, who decides, and what a form makes of what was typed."""

from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hosting.models import Meter
from kernel.periods import Period
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from tests.makers.corrections import HOUR, NOW, REASON, START, CorrectedMeter
from thermal.models import Correction
from thermal.services import corrections
from thermal.services.corrections import Edit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def furnished() -> CorrectedMeter:
    return CorrectedMeter()


def test_staff_and_auditors_read_corrections(furnished: CorrectedMeter) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user in (*cast.staff, cast.auditor):
        for url in furnished.pages():
            assert client_of(user).get(url).status_code == 200, (user.email, url)
    page = body(client_of(cast.auditor).get(furnished.pages()[0]))
    assert furnished.edit.get_absolute_url() in page


def test_offtakers_strangers_and_auditors_of_other_sites_see_none(furnished: CorrectedMeter) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user in (cast.offtaker, cast.neighbor, cast.stranger, people.auditor(hosting.make_site())):
        client = client_of(user)
        for url in furnished.pages()[1:]:
            assert client.get(url).status_code == 404, (user.email, url)
        answer = client.get(furnished.pages()[0])
        assert answer.status_code == 403 or furnished.edit.get_absolute_url() not in body(answer)
        answer = client.get("/api/v1/corrections/")
        assert answer.status_code == 403 or answer.json()["results"] == []


def test_only_those_who_may_propose_get_the_forms(furnished: CorrectedMeter) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for name, url in furnished.forms().items():
        assert client_of(cast.engineer).get(url).status_code == 200, name
        for user in (cast.operator, cast.approver, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
            for status in (client_of(user).get(url).status_code, client_of(user).post(url, REASON).status_code):
                assert status in {403, 404}, (user.email, name)


def test_only_approvers_decide(furnished: CorrectedMeter) -> None:
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


def test_what_waits_for_the_reader_stands_first(furnished: CorrectedMeter) -> None:
    Correction.objects.filter(pk=furnished.estimate.pk).update(proposed_at=NOW + HOUR)
    url = furnished.pages()[0]
    for user, waits in ((people.approver(), True), (furnished.engineer, False)):
        page = body(client_of(user).get(url))
        first = page.index(furnished.edit.get_absolute_url()) < page.index(furnished.estimate.get_absolute_url())
        assert (first, "waits for you" in page) == (waits, waits)


def test_the_list_is_filtered_and_exported(furnished: CorrectedMeter) -> None:
    client, url = client_of(people.operator()), furnished.pages()[0]
    for query, seen in [
        ("state=proposed", True), ("state=applied", False), ("kind=edit", True), ("kind=add", False),
        (f"meter={furnished.meter.pk}", True), (f"site={furnished.site.pk}", True),
        (f"site={hosting.make_site().pk}", False),
    ]:  # fmt: skip
        assert (furnished.edit.get_absolute_url() in body(client.get(f"{url}?{query}"))) is seen, query
    assert furnished.meter.serial in body(client.get(f"{url}?export=csv"))


def test_the_list_asks_as_often_for_twenty_rows_as_for_two(furnished: CorrectedMeter) -> None:
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


def test_a_correction_says_what_changes_how_it_was_found_and_who_decided(furnished: CorrectedMeter) -> None:
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


def test_an_approver_puts_a_correction_in_force_and_another_rejects(furnished: CorrectedMeter) -> None:
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


def test_an_approver_is_told_what_stands_in_the_way(furnished: CorrectedMeter) -> None:
    at = furnished.edit.starts_at
    thermal.make_reading(furnished.meter, at, 3690, version=2)
    page = body(client_of(people.approver()).get(furnished.decide("approve", furnished.edit)))
    assert "was corrected meanwhile" in page
    assert "Months that change" not in page


def test_an_author_withdraws_the_own_proposal_with_a_reason(furnished: CorrectedMeter) -> None:
    client, url = client_of(furnished.engineer), furnished.decide("withdraw", furnished.edit)
    assert url in body(client.get(furnished.edit.get_absolute_url()))
    assert "This field is required" in body(client.post(url, {"note": ""}))
    client.post(url, {"note": "Misread."})
    furnished.edit.refresh_from_db()
    assert furnished.edit.state == "withdrawn"
    assert "Withdrawn by" in body(client.get(furnished.edit.get_absolute_url()))


def test_corrections_are_proposed_and_decided_over_http(furnished: CorrectedMeter) -> None:
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


def test_nothing_is_proposed_for_a_meter_that_does_not_exist(furnished: CorrectedMeter) -> None:
    sent = {"meter": Meter.objects.order_by("-pk")[0].pk + 1, "edits": [{"at": START, "energy_kwh": None}], **REASON}
    url = "/api/v1/corrections/edit/"
    assert client_of(furnished.engineer).post(url, sent, content_type="application/json").status_code == 404
    other = {**sent, "meter": furnished.meter.pk, "finding": thermal.make_finding().pk}
    assert client_of(furnished.engineer).post(url, other, content_type="application/json").status_code == 400
