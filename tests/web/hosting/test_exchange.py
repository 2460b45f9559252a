"""Files go out, come in, are tried before they are stored, and stay with whoever brought them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Job, User
from hosting import exchange, tasks
from hosting.models import ImportBatch, Measurement, Site
from hosting.services import imports
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as make

HEADER = "code,name,time_zone,country,installed_it_kw"
SOUND = f"{HEADER}\npool,Pool,Europe/Berlin,DE,20\n"
MIXED = f"{SOUND}glass,Glass,Europe/Berlin,D1,20\n"

# They hang on no site: whoever may view the kind sees all of it.
CATALOGS = {"equipment-models", "device-profiles", "profile-points"}

pytestmark = pytest.mark.django_db


def upload(client: Client, text: str, table: str = "sites") -> ImportBatch:
    file = SimpleUploadedFile("sites.csv", text.encode())
    response = client.post(f"/inventory/exchange/{table}/import/", {"file": file})
    assert response.status_code == 302, response.content
    return ImportBatch.objects.latest("asked_at")


def work_on(batch: ImportBatch) -> None:
    """What the worker does, in this transaction."""
    imports.run(batch_id=batch.pk, progress=lambda _done: None, now=people.NOW)


def test_a_file_is_tried_read_and_then_stored() -> None:
    engineer = client_of(people.engineer())
    batch = upload(engineer, SOUND)
    work_on(batch)
    assert not Site.objects.exists()
    page = engineer.get(f"/inventory/imports/{batch.pk}/").content.decode()
    assert "checked, not stored" in page
    assert engineer.post(f"/inventory/imports/{batch.pk}/", {}).status_code == 302
    work_on(batch)
    assert Site.objects.get().code == "pool"
    batch.refresh_from_db()
    assert (batch.state, batch.job.state) == (ImportBatch.State.STORED, Job.State.DONE)


def test_refused_lines_are_shown_and_left_out_only_if_wanted() -> None:
    engineer = client_of(people.engineer())
    batch = upload(engineer, MIXED)
    work_on(batch)
    page = engineer.get(f"/inventory/imports/{batch.pk}/").content.decode()
    assert "glass" in page
    assert "site country two letters" in page
    refused = engineer.post(f"/inventory/imports/{batch.pk}/", {})
    assert "Some lines were refused" in refused.content.decode()
    engineer.post(f"/inventory/imports/{batch.pk}/", {"sound_rows_only": "on"})
    work_on(batch)
    assert [site.code for site in Site.objects.all()] == ["pool"]


def test_a_file_that_is_no_such_table_is_refused_in_words() -> None:
    engineer = client_of(people.engineer())
    batch = upload(engineer, "colour\nred\n")
    work_on(batch)
    assert "code" in engineer.get(f"/inventory/imports/{batch.pk}/").content.decode()
    batch.refresh_from_db()
    assert batch.state == ImportBatch.State.REFUSED


def test_a_task_that_comes_twice_does_its_work_once() -> None:
    engineer = client_of(people.engineer())
    batch = upload(engineer, SOUND)
    work_on(batch)
    work_on(batch)
    batch.refresh_from_db()
    assert batch.state == ImportBatch.State.CHECKED


@pytest.mark.django_db(transaction=True)
def test_the_progress_is_told_while_the_file_is_stored() -> None:
    engineer = client_of(people.engineer())
    lines = "".join(f"s{number},S,Europe/Berlin,DE,1\n" for number in range(1200))
    batch = upload(engineer, f"{HEADER}\n{lines}")
    tasks.run_import(batch.pk)
    batch.refresh_from_db()
    assert (batch.job.done_count, batch.report["created"]) == (1200, 1200)


def test_only_those_who_may_change_the_table_may_import() -> None:
    cast = people.cast(granted=(make.make_site(),))
    for user in (cast.operator, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
        assert client_of(user).get("/inventory/exchange/sites/import/").status_code == 403
    assert client_of(cast.engineer).get("/inventory/exchange/nothing/import/").status_code == 404


def test_an_import_belongs_to_whoever_brought_it() -> None:
    cast = people.cast()
    batch = upload(client_of(cast.engineer), SOUND)
    for user in (cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
        assert client_of(user).get(f"/inventory/imports/{batch.pk}/").status_code == 404


@pytest.mark.parametrize("table", list(exchange.TABLES))
def test_an_export_holds_what_its_reader_may_see(table: str) -> None:
    site, other = make.make_site(), make.make_site()
    for place in (site, other):
        sink = make.make_equipment(place)
        place_pipe = make.make_connection(make.make_equipment(place), sink)
        placement = make.make_placement(delivery_point=make.make_delivery_point(place))
        device = make.make_device(make.make_controller(place), meter=placement.meter)
        make.make_measurement(device, Measurement.Role.FLOW, connection=place_pipe)
        make.make_outage(place)
    cast = people.cast(granted=(site,))
    url = f"/inventory/exchange/{table}/export.csv"

    def lines(user: User) -> int:
        return b"".join(client_of(user).get(url).streaming_content).count(b"\r\n") - 1  # type: ignore[attr-defined]

    everything = lines(cast.operator)
    assert everything >= 2
    if table not in CATALOGS:
        assert lines(cast.auditor) == everything // 2
        assert lines(cast.neighbor) == 0
    assert lines(cast.stranger) == 0
    assert Client().get(url).status_code == 302
