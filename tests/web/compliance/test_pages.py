"""What people do on the compliance pages."""

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from compliance.models import AuditPack, Task, WaterSample
from compliance.services import packs
from tests.clients import client_of
from tests.makers import accounts, compliance, hosting

pytestmark = pytest.mark.django_db
MAKERS = compliance.BY_NOUN


@pytest.mark.parametrize("name", ["overview", *(f"{noun}_list" for noun in MAKERS)])
def test_a_list_takes_as_many_queries_for_twenty_rows_as_for_two(
    name: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(accounts.operator())
    url = reverse(f"compliance:{name}")
    maker = compliance.make_task if name == "overview" else MAKERS[name.removesuffix("_list")]
    counts = []
    for rows in (2, 18):
        for _ in range(rows):
            maker(hosting.make_site())
        client.get(url)  # warm caches
        with django_assert_max_num_queries(14) as captured:
            assert client.get(url).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_grid_counts_and_links_to_the_list_behind_the_number() -> None:
    today, site = timezone.localdate(), hosting.make_site()
    compliance.make_task(site, subject="water", due_on=today - dt.timedelta(1))
    compliance.make_task(site, subject="water", due_on=today + dt.timedelta(1))
    compliance.make_task(site, subject="water", due_on=today + dt.timedelta(100))
    client = client_of(accounts.operator())
    page = client.get(reverse("compliance:overview")).content.decode()
    assert "1 overdue" in page
    assert "1 due" in page
    for standing in ("overdue", "due"):
        url = f"{reverse('compliance:task_list')}?site={site.pk}&subject=water&standing={standing}"
        assert url.replace("&", "&amp;") in page
        assert client.get(url).context["row_count"] == 1


def test_a_task_is_completed_on_its_page_with_a_file() -> None:
    task = compliance.make_task(needs_document=True)
    client = client_of(accounts.operator())
    url = reverse("compliance:task_complete", args=[task.pk])
    entered = {"outcome": "passed", "done_on": timezone.localdate().isoformat(), "note": "Fine."}
    refused = client.post(url, entered)
    assert "done only with a document" in refused.content.decode()
    file = SimpleUploadedFile("report.pdf", compliance.PDF)
    assert client.post(url, {**entered, "uploads": [file]}).status_code == 302
    task.refresh_from_db()
    assert task.state == Task.State.DONE
    assert task.documents.get().title in client.get(task.get_absolute_url()).content.decode()


def test_a_sample_is_recorded_as_the_laboratory_prints_it() -> None:
    circuit = compliance.make_circuit()
    client = client_of(accounts.operator())
    url = reverse("compliance:sample_create", args=[circuit.pk])
    entered = {"taken_at": "2026-10-05T08:30", "value_acidity_ph": "10,4", "value_oxygen_mg_l": "< 0.05"}
    assert "Enter a number" in client.post(url, {**entered, "value_iron_mg_l": "some"}).content.decode()
    assert client.post(url, entered).status_code == 302
    sample = WaterSample.objects.get()
    assert sample.taken_at.astimezone(sample.zone).hour == 8
    assert sample.verdict == "out"
    page = client.get(sample.get_absolute_url()).content.decode()
    assert "out of limit" in page
    assert "&lt;0.05" in page


def test_a_download_is_never_guessed_at() -> None:
    document = compliance.make_document(upload=compliance.make_upload("notes.txt", b"<script>alert(1)</script>"))
    answer = client_of(accounts.operator()).get(reverse("compliance:document_file", args=[document.pk]))
    assert b"".join(answer) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_an_auditor_looks_first_then_builds_only_what_is_granted() -> None:
    site, other = hosting.make_site(), hosting.make_site()
    auditor = accounts.auditor(site)
    client, url = client_of(auditor), reverse("compliance:pack_create")
    entered = {"sites": [site.pk], "first_on": "2026-10-01", "last_on": "2026-10-31"}
    looked = client.post(url, entered)
    assert dict(looked.context["counts"])["sites"] == 1
    assert not AuditPack.objects.exists()
    assert client.post(url, {**entered, "sites": [other.pk], "build": "yes"}).status_code == 200
    assert not AuditPack.objects.exists()
    assert client.post(url, {**entered, "build": "yes"}).status_code == 302
    assert AuditPack.objects.get().asked_by == auditor


def test_an_uploaded_pack_is_verified_and_nothing_of_it_is_kept() -> None:
    site, target = hosting.make_site(), io.BytesIO()
    packs.write_to(wanted=compliance.make_wanted(site), target=target, user=None, now=compliance.NOW)
    client, url = client_of(accounts.auditor(site)), reverse("compliance:pack_verify")
    good = client.post(url, {"file": SimpleUploadedFile("pack.zip", target.getvalue())})
    assert good.context["verdict"].is_good
    bad = client.post(url, {"file": SimpleUploadedFile("pack.zip", target.getvalue()[:-100])})
    assert not bad.context["verdict"].is_good
    assert "not as it was built" in bad.content.decode()
