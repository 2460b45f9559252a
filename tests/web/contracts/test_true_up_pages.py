"""The pages of true-ups with the whole cast: who sees, who proposes, who decides; and what the offtaker reads."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts.documents import credit_notes, invoices
from contracts.models import CreditNote, DocumentNotice, TrueUp
from contracts.services import notices
from tests.clients import body
from tests.makers import accounts
from tests.makers import contracts as make
from tests.makers.true_ups import LATER, NOW, World, hourly, make_world
from tests.papers import words_of

pytestmark = pytest.mark.django_db


@dataclass
class Scene:
    world: World
    cast: accounts.Cast
    true_up: TrueUp


@pytest.fixture(autouse=True)
def short_months(settings: Any) -> None:
    settings.BILLING_MIN_ACTUAL_RATIO = 0.5


@pytest.fixture
def scene() -> Scene:
    world = make_world(number="MINE-1")
    neighbor = make.make_contract(number="THEIRS-1")
    correction = world.estimate()
    world.bill()
    world.withdraw(correction)
    (found,) = world.look()
    return Scene(world, accounts.cast(granted=(world.contract,), neighbors=(neighbor,)), found)


def page(name: str, true_up: TrueUp) -> str:
    return reverse(f"contracts:trueup_{name}", args=[true_up.pk])


def pages(scene: Scene) -> list[str]:
    here = reverse("contracts:trueup_list")
    return [here, f"{here}?export=csv&todo=open", page("detail", scene.true_up)]


def open_as(client: Client, person: Any, url: str) -> Any:
    client.force_login(person)
    return client.get(url)


def test_staff_and_auditors_see_what_a_bill_is_off_by(client: Client, scene: Scene) -> None:
    cast = scene.cast
    for person in (cast.operator, cast.billing_clerk, cast.approver, cast.auditor):
        for url in pages(scene):
            answer = open_as(client, person, url)
            assert answer.status_code == 200, (person, url)
            assert "MINE-1" in body(answer) or str(scene.true_up.invoice.number) in body(answer)
        rows = open_as(client, person, "/api/v1/true-ups/?state=open").json()["results"]
        assert [row["id"] for row in rows] == [scene.true_up.pk]


def test_offtakers_neighbors_and_strangers_see_no_true_up(client: Client, scene: Scene) -> None:
    cast = scene.cast
    for person in (cast.offtaker, cast.neighbor, cast.stranger):
        for url in (*pages(scene), "/api/v1/true-ups/", f"/api/v1/true-ups/{scene.true_up.pk}/"):
            answer = open_as(client, person, url)
            assert answer.status_code in {403, 404}, (person, url)
            assert str(scene.true_up.invoice.number) not in body(answer)


def test_nobody_writes_true_ups_over_the_api(client: Client, scene: Scene) -> None:
    client.force_login(scene.cast.billing_clerk)
    for method in (client.post, client.put, client.patch, client.delete):
        assert method(f"/api/v1/true-ups/{scene.true_up.pk}/").status_code in {403, 405}


def test_others_settle_nothing(client: Client, scene: Scene) -> None:
    cast = scene.cast
    for person in (cast.operator, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger, cast.administrator):
        client.force_login(person)
        for name in ("propose", "waive", "approve", "send_back"):
            url = page(name, scene.true_up)
            for answer in (client.get(url), client.post(url, {"reason": "x"})):
                assert answer.status_code in {403, 404}, (person, name)
    scene.true_up.refresh_from_db()
    assert scene.true_up.state == TrueUp.State.OPEN


def test_one_proposes_another_decides_and_both_documents_name_each_other(client: Client, scene: Scene) -> None:
    world, true_up = scene.world, scene.true_up
    form = open_as(client, world.clerk, page("propose", true_up))
    assert "no longer counts" in form.context["form"].initial["reason"]
    assert client.post(page("propose", true_up), {"reason": ""}).status_code == 200
    assert client.post(page("propose", true_up), {"reason": "The meter was read."}).status_code == 302
    assert client.get(page("approve", true_up)).status_code == 403
    shown = open_as(client, world.approver, page("approve", true_up))
    assert "In one step" in shown.text
    assert "Both bills side by side" in shown.text
    assert client.post(page("approve", true_up)).status_code == 302
    true_up.refresh_from_db()
    old, credit, new = true_up.invoice, true_up.credit_note, true_up.replacement
    assert credit is not None
    assert new is not None
    detail = client.get(page("detail", true_up)).text
    assert str(credit.number) in detail
    assert str(new.number) in detail
    assert f"replaced by invoice {new.number}" in client.get(old.get_absolute_url()).text
    assert f"replaces invoice {old.number}" in client.get(new.get_absolute_url()).text
    assert str(new.number) in client.get(credit.get_absolute_url()).text


def test_a_proposal_is_sent_back_by_either_of_the_two(client: Client, scene: Scene) -> None:
    for person in (scene.world.clerk, scene.world.approver):
        client.force_login(scene.world.clerk)
        client.post(page("propose", scene.true_up), {"reason": "Read."})
        client.force_login(person)
        assert client.post(page("send_back", scene.true_up)).status_code == 302
        scene.true_up.refresh_from_db()
        assert scene.true_up.state == TrueUp.State.OPEN


def test_a_waiver_says_whether_it_needs_another(client: Client, scene: Scene) -> None:
    form = open_as(client, scene.world.clerk, page("waive", scene.true_up))
    assert "another person decides" in form.text
    assert client.post(page("waive", scene.true_up), {"reason": "Agreed."}).status_code == 302
    assert "proposes to waive" in client.get(page("detail", scene.true_up)).text
    client.force_login(scene.world.approver)
    assert client.post(page("approve", scene.true_up)).status_code == 302
    scene.true_up.refresh_from_db()
    assert scene.true_up.state == TrueUp.State.WAIVED


def test_the_billing_month_counts_what_stands_open(client: Client, scene: Scene) -> None:
    month = reverse("contracts:billing_month", args=[2026, 10])
    assert "True-ups (1)" in open_as(client, scene.cast.operator, month).text
    assert "Open the true-up" in open_as(client, scene.cast.operator, scene.true_up.invoice.get_absolute_url()).text
    assert "Open the true-up" not in open_as(client, scene.cast.offtaker, scene.true_up.invoice.get_absolute_url()).text


def test_the_offtaker_reads_what_took_the_place_of_the_estimate(client: Client, scene: Scene) -> None:
    settled = scene.world.settle(scene.true_up)
    new = settled.replacement
    assert new is not None
    old_page = open_as(client, scene.cast.offtaker, settled.invoice.get_absolute_url()).text
    assert "You need not pay it." in old_page
    assert "Reason: The meter was read." in old_page
    mine = client.get(reverse("contracts:my_invoices")).text
    assert f"replaced by {new.number}" in mine
    credit = CreditNote.objects.get()
    note = client.get(credit.get_absolute_url())
    assert str(new.number) in note.text
    assert scene.world.clerk.full_name not in note.text


def test_the_papers_name_each_other_and_give_the_reason(scene: Scene) -> None:
    settled = scene.world.settle(scene.true_up)
    new, credit = settled.replacement, CreditNote.objects.get()
    assert new is not None
    assert invoices.render(new, list(new.lines.order_by("position"))) == bytes(new.document.pdf)
    assert credit_notes.render(credit) == bytes(credit.pdf or b"")
    paper = f"{words_of(bytes(new.document.pdf))} {words_of(bytes(credit.pdf or b''))}"
    assert f"replaces invoice {settled.invoice.number}" in paper
    assert f"credit note {credit.number}" in paper
    assert paper.count("Reason: The meter was read.") == 2
    assert f"This cancels invoice {settled.invoice.number}" in paper


def test_the_corrections_ask_whether_an_outdated_estimate_is_withdrawn(client: Client) -> None:
    world = make_world()
    correction = world.estimate()
    url = reverse("thermal:correction_detail", args=[correction.pk])
    assert "arrived since" not in open_as(client, world.approver, url).text
    world.tell({36.5: hourly()[36]})
    assert "1 reading of this time arrived since." in client.get(url).text
    assert "readings arrived since; withdraw?" in client.get(reverse("thermal:correction_list")).text
    world.withdraw(correction)
    assert "arrived since" not in client.get(url).text


def test_the_list_needs_as_many_queries_for_twenty_rows_as_for_one(client: Client, scene: Scene) -> None:
    def count() -> list[int]:
        counts = []
        for url in (reverse("contracts:trueup_list"), reverse("contracts:trueup_list") + "?export=csv"):
            with CaptureQueriesContext(connection) as asked:
                body(client.get(url))
            counts.append(len(asked))
        return counts

    client.force_login(scene.cast.billing_clerk)
    count()
    one = count()
    for _number in range(19):
        other = TrueUp.objects.get(pk=scene.true_up.pk)
        other.pk, other.state = None, TrueUp.State.MINOR
        other.save()
    assert count() == one


def test_each_address_for_bills_gets_one_mail_about_an_invoice_and_none_twice(scene: Scene) -> None:
    offtaker = scene.world.contract.offtaker
    make.make_contact(offtaker, role="finance", email="Money@example.org")
    make.make_contact(offtaker, role="operations")
    settled = scene.world.settle(scene.true_up)
    DocumentNotice.objects.exclude(invoice=settled.replacement).delete()
    assert notices.send_waiting(clock=lambda: LATER) == 2
    assert notices.send_waiting(clock=lambda: LATER) == 0
    assert sorted(sent.to[0] for sent in mail.outbox) == sorted(["Money@example.org", offtaker.billing_email])
    sent = mail.outbox[0]
    assert settled.replacement is not None
    assert str(settled.replacement.number) in sent.subject
    assert f"replaces invoice {settled.invoice.number}" in sent.body
    assert sent.attachments[0][0] == f"{settled.replacement.number}.pdf"
    assert sent.extra_headers["Message-ID"].startswith("<notice-")


def test_a_notice_that_a_killed_worker_claimed_is_sent_after_a_while(scene: Scene) -> None:
    notice = DocumentNotice.objects.filter(invoice=scene.true_up.invoice).get()
    DocumentNotice.objects.filter(pk=notice.pk).update(claimed_until=LATER)
    assert notices.send_waiting(clock=lambda: NOW) == DocumentNotice.objects.count() - 1
    assert notices.send_waiting(clock=lambda: LATER + notices.CLAIMED_FOR) == 1


def test_a_mail_server_that_refuses_is_asked_again_and_says_why(scene: Scene, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert notices.send_waiting(clock=lambda: LATER) == 0
    notice = DocumentNotice.objects.filter(invoice=scene.true_up.invoice).get()
    assert notice.error
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notices.send_waiting(clock=lambda: LATER + 2 * notices.CLAIMED_FOR) == DocumentNotice.objects.count()
    notice.refresh_from_db()
    assert (notice.error, notice.attempt_count) == ("", 2)
