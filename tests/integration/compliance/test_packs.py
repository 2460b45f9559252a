"""Packs hold everything, the same bytes for the same facts, and tell when they were touched."""

import csv
import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from accounts.services import jobs
from compliance.models import AuditPack
from compliance.queries import contents
from compliance.services import duties, packs, response, verification
from contracts.models import Contract
from contracts.services import billing
from hosting.models import Site
from tests.makers import accounts, compliance, hosting, thermal
from tests.makers.billing import OCTOBER, billable
from tests.waiting import wait_for
from thermal.models import MeterReading
from thermal.models.alarms import Priority

pytestmark = pytest.mark.django_db
NOW = compliance.NOW
LATER = NOW + dt.timedelta(days=5)


def furnished(code: str = "pool") -> tuple[Site, Contract]:
    """A site with something of every kind in October."""
    site = hosting.make_site(code=code)
    contract, _placement = billable(delivery_point=hosting.make_delivery_point(site))
    draft = billing.draft_invoice(contract=contract, month_on=OCTOBER, by=None, now=NOW)
    assert draft.invoice is not None, draft.problems
    invoice = billing.review_invoice(invoice=draft.invoice, by=None, now=NOW)
    billing.issue_invoice(invoice=invoice, by=None, now=NOW)
    operator = accounts.operator()
    task = compliance.make_task(site, due_on=dt.date(2026, 10, 20))
    duties.complete_task(
        task=task,
        outcome="passed",
        done_on=dt.date(2026, 10, 19),
        by=operator,
        now=NOW,
        uploads=[compliance.make_upload()],
    )
    compliance.make_plan(site)
    compliance.make_sample(compliance.make_circuit(site), ph="11", taken_at=dt.datetime(2026, 10, 9, tzinfo=dt.UTC))
    compliance.make_condition(compliance.make_permit(site))
    compliance.make_incident(site, detected_at=dt.datetime(2026, 10, 5, tzinfo=dt.UTC))
    hosting.make_outage(
        site,
        starts_at=dt.datetime(2026, 10, 3, tzinfo=dt.UTC),
        ends_at=dt.datetime(2026, 10, 4, tzinfo=dt.UTC),
        announced_at=dt.datetime(2026, 9, 3, tzinfo=dt.UTC),
    )
    rule = thermal.make_rule(site)
    thermal.make_alarm(rule, site=site, raised_at=dt.datetime(2026, 10, 7, tzinfo=dt.UTC), priority=Priority.LOW)
    return site, contract


def built(*sites: Site, user: User | None = None, now: dt.datetime = NOW, **fields: object) -> io.BytesIO:
    target = io.BytesIO()
    packs.write_to(wanted=compliance.make_wanted(*sites, **fields), target=target, user=user, now=now)
    return target


def rows(pack: io.BytesIO, path: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(pack) as archive:
        text = archive.read(f"data/{path}.csv").decode()
        found = list(csv.DictReader(io.StringIO(text, newline="")))
        assert len(found) == len(json.loads(archive.read(f"data/{path}.json")))
        return found


def names(pack: io.BytesIO) -> list[str]:
    with zipfile.ZipFile(pack) as archive:
        return archive.namelist()


def test_every_record_class_is_there() -> None:
    site, contract = furnished()
    pack = built(site)
    for table in contents.TABLES:
        assert {f"data/{table.path}.csv", f"data/{table.path}.json"} <= set(names(pack))
    assert [row["code"] for row in rows(pack, "sites/sites")] == ["pool"]
    assert [row["energy_kwh"] for row in rows(pack, "metering/readings")] == ["123456.0000", "134021.0000"]
    assert len(rows(pack, "ledger/heat_intervals")) == 745 * 4
    assert [row["number"] for row in rows(pack, "contracts/contracts")] == [contract.number]
    (gap_report,) = rows(pack, "billing/number_gaps")
    assert (gap_report["issued_count"], gap_report["missing_count"]) == ("1", "0")
    for path in (
        "contracts/price_terms",
        "contracts/sla_terms",
        "billing/invoices",
        "maintenance/plans",
        "water/samples",
        "water/results",
        "water/limits",
        "permits/permits",
        "permits/conditions",
        "incidents/incidents",
        "incidents/entries",
        "alarms/alarms",
        "sites/planned_outages",
    ):
        assert len(rows(pack, path)) == 1, path
    assert len([name for name in names(pack) if name.startswith(("invoices/", "documents/files/"))]) == 2
    with zipfile.ZipFile(pack) as archive:
        assert archive.read("cover.pdf").startswith(b"%PDF-")
        assert archive.testzip() is None


def test_the_same_facts_and_as_of_time_give_the_same_bytes() -> None:
    site, _contract = furnished()
    first = built(site).getvalue()
    # What comes in later changes nothing in a pack of then.
    reading = MeterReading.objects.order_by("at").first()
    assert reading is not None
    thermal.make_reading(reading.meter, reading.at + dt.timedelta(hours=7), "130000", received_at=LATER)
    compliance.make_task(site, due_on=dt.date(2026, 10, 30), created_at=LATER)
    compliance.make_document(site, now=LATER)
    compliance.make_incident(site, detected_at=NOW - dt.timedelta(days=10), created_at=LATER)
    compliance.make_sample(compliance.make_circuit(hosting.make_site()), now=LATER)
    assert built(site, now=LATER).getvalue() == first
    assert built(site, now=LATER, as_of=LATER).getvalue() != first


def test_what_was_closed_later_stands_open_in_a_pack_of_then() -> None:
    site = hosting.make_site()
    task = compliance.make_task(site, due_on=dt.date(2026, 10, 20))
    incident = compliance.make_incident(site, detected_at=dt.datetime(2026, 10, 5, tzinfo=dt.UTC))
    first = built(site)
    by = accounts.operator()
    duties.complete_task(task=task, outcome="passed", done_on=NOW.date(), by=by, now=LATER)
    response.close_incident(incident=incident, cause="Wear.", by=by, now=LATER)
    then, after = built(site, now=LATER), built(site, now=LATER, as_of=LATER)
    assert [row["state"] for row in rows(then, "maintenance/tasks")] == ["open"]
    assert [row["state"] for row in rows(then, "incidents/incidents")] == ["open"]
    assert [row["state"] for row in rows(after, "incidents/incidents")] == ["closed"]
    assert rows(then, "maintenance/tasks") == rows(first, "maintenance/tasks")


def test_a_pack_holds_only_what_its_requester_may_see() -> None:
    site, contract = furnished()
    other, _other_contract = furnished("elsewhere")
    narrow, wide = accounts.auditor(site), accounts.auditor(site, contract)
    pack = built(site, user=narrow)
    assert rows(pack, "contracts/contracts") == rows(pack, "billing/invoices") == []
    assert not [name for name in names(pack) if name.startswith("invoices/")]
    assert rows(pack, "maintenance/tasks")
    assert [row["number"] for row in rows(built(site, user=wide), "contracts/contracts")] == [contract.number]
    with pytest.raises(packs.SitesAreMissing):
        built(site, other, user=narrow)


def test_readings_of_a_meter_that_moved_stay_with_the_site_where_they_were_taken() -> None:
    here, there = hosting.make_site(), hosting.make_site()
    thermal.make_partitions(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    moved_at = dt.datetime(2026, 10, 15, tzinfo=dt.UTC)
    placement = hosting.make_placement(
        delivery_point=hosting.make_delivery_point(here), valid_until=moved_at, final_register=1
    )
    hosting.make_placement(
        meter=placement.meter,
        delivery_point=hosting.make_delivery_point(there),
        valid_from=moved_at + dt.timedelta(hours=1),
    )
    for day in (10, 20):
        at = dt.datetime(2026, 10, day, tzinfo=dt.UTC)
        thermal.make_reading(placement.meter, at, day, received_at=at)
    assert [row["at"][:10] for row in rows(built(here), "metering/readings")] == ["2026-10-10"]
    assert [row["at"][:10] for row in rows(built(there), "metering/readings")] == ["2026-10-20"]


def rewritten(pack: io.BytesIO, change: Callable[[dict[str, bytes]], None]) -> io.BytesIO:
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda files: files.update({"data/sites/sites.csv": b"code\r\nfake\r\n"}), "data/sites/sites.csv"),
        (lambda files: files.update({"cover.pdf": files["cover.pdf"] + b" "}), "cover.pdf"),
        (lambda files: files.pop("README.txt"), "README.txt"),
        (lambda files: files.update({"data/extra.csv": b""}), "data/extra.csv"),
        (lambda files: files.pop("manifest.json"), "manifest.json"),
        (lambda files: files.update({"manifest.json": b"[]"}), "manifest.json"),
    ],
)
def test_whatever_was_touched_is_named_first(
    change: Callable[[dict[str, bytes]], None], name: str, tmp_path: Path
) -> None:
    pack = built(hosting.make_site())
    assert verification.verify(pack).is_good
    wrong = rewritten(pack, change)
    assert verification.verify(wrong).faults[0].path == name
    path = tmp_path / "wrong.zip"
    path.write_bytes(wrong.getvalue())
    with pytest.raises(CommandError, match=name) as refused:
        call_command("verify_pack", str(path), stderr=io.StringIO())
    assert refused.value.returncode == 1


def test_damaged_bytes_and_files_that_are_no_pack_are_told_apart() -> None:
    content = bytearray(built(hosting.make_site()).getvalue())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo("data/sites/sites.csv")
    content[info.header_offset + 30 + len(info.filename) + 22] ^= 0xFF
    assert verification.verify(io.BytesIO(content)).faults[0].path == "data/sites/sites.csv"
    assert not verification.verify(io.BytesIO(b"no archive")).is_good
    assert not verification.verify(io.BytesIO(b"")).is_good


def test_the_commands_build_and_verify_a_file(tmp_path: Path) -> None:
    hosting.make_site(code="pool")
    path, said = tmp_path / "pack.zip", io.StringIO()
    command = ["build_pack", "--site=pool", "--from=2026-10-01", "--to=2026-10-31", f"--output={path}"]
    call_command(*command, "--as-of=2026-11-02T09:00:00Z", stdout=said)
    call_command("verify_pack", str(path), stdout=said)
    assert "OK" in said.getvalue()
    with pytest.raises(CommandError, match="no site nowhere"):
        call_command(*command, "--site=nowhere")
    with pytest.raises(CommandError, match="as-of time has not come"):
        call_command(*command, "--as-of=2999-01-01T00:00:00Z")
    with pytest.raises(CommandError, match="fingerprint"):
        call_command("verify_pack", str(path), "--sha256=00", stdout=said)


def test_a_lost_document_fails_the_pack_out_loud() -> None:
    site = hosting.make_site()
    document = compliance.make_document(site)
    default_storage.delete(document.storage_name)
    with pytest.raises(Exception, match="missing from the storage"):
        built(site)


def seen(user: User) -> set[AuditPack]:
    return set(AuditPack.objects.visible_to(user))


def test_packs_open_only_to_those_who_asked_or_were_handed_them_and_still_see_every_site() -> None:
    site, other = hosting.make_site(), hosting.make_site()
    auditor, colleague, elsewhere = accounts.auditor(site), accounts.auditor(site), accounts.auditor(other)
    own, wide = compliance.make_pack(site, by=auditor), compliance.make_pack(site, other)
    assert (seen(auditor), seen(colleague), seen(elsewhere)) == ({own}, set(), set())
    assert seen(accounts.operator()) == {own, wide}
    AuditPack.objects.filter(pk=own.pk).update(
        state="ready", sha256="0" * 64, size_bytes=1, storage_name="x", built_at=NOW
    )
    own.refresh_from_db()
    packs.release_pack(pack=own, reader=colleague, by=accounts.compliance_officer(), now=NOW)
    assert seen(colleague) == {own}
    with pytest.raises(packs.ReaderSeesLess):
        packs.release_pack(pack=own, reader=elsewhere, by=accounts.compliance_officer(), now=NOW)
    auditor.groups.clear()
    assert seen(User.objects.get(pk=auditor.pk)) == set()


# ---- workers -----------------------------------------------------------------------------------------


def database_url() -> str:
    """The address of the database of this test, for another process."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_costs_nothing_and_the_next_one_writes_the_same_bytes(tmp_path: Path) -> None:
    site, officer = hosting.make_site(), accounts.compliance_officer()
    document = compliance.make_document(site)
    expected = built(site, user=officer).getvalue()
    pack = compliance.make_pack(site, by=officer)
    # The worker hangs on a pipe that nobody writes to: it dies in the middle of the pack, not before or after.
    stored = Path(default_storage.path(document.storage_name))
    content = stored.read_bytes()
    stored.unlink()
    os.mkfifo(stored)
    code = (
        "import django; django.setup(); from django.utils import timezone; from compliance.services import packs;"
        f"packs.build_pack(pack_id={pack.pk}, now=timezone.now())"
    )
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment)
    try:
        wait_for(lambda: AuditPack.objects.filter(pk=pack.pk, state="building").exists(), seconds=60)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    stored.unlink()
    stored.write_bytes(content)
    pack.refresh_from_db()
    assert (pack.state, pack.sha256) == ("building", "")
    silent_at = dt.datetime.now(dt.UTC) + packs.SILENT_AFTER * 2
    assert packs.queue_again(now=silent_at) == 1
    wait_for(lambda: build_until_ready(pack), seconds=60)
    with default_storage.open(pack.storage_name) as file:
        assert file.read() == expected
    assert pack.job is not None
    assert pack.job.state == "done"


def build_until_ready(pack: AuditPack) -> bool:
    """Whether the pack is ready after another try; the lock of the killed worker may outlive it by a moment."""
    packs.build_pack(pack_id=pack.pk, now=dt.datetime.now(dt.UTC))
    pack.refresh_from_db()
    return pack.state == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_build_reports_finishes_and_is_repeated_with_the_same_fingerprint() -> None:
    site, officer = hosting.make_site(), accounts.compliance_officer()
    compliance.make_document(site)
    pack = compliance.make_pack(site, by=officer)
    assert build_until_ready(pack)
    first = pack.sha256
    packs.build_pack(pack_id=pack.pk, now=LATER)
    packs.order_again(pack=pack, by=officer, now=LATER)
    with pytest.raises(packs.PackIsBeingBuilt):
        packs.order_again(pack=pack, by=officer, now=LATER)
    pack.refresh_from_db()
    assert build_until_ready(pack)
    assert pack.sha256 == first
    assert pack.manifest is not None
    assert pack.file_count == len(pack.manifest["files"]) + 1


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_build_stops_and_says_so() -> None:
    officer = accounts.compliance_officer()
    pack = compliance.make_pack(hosting.make_site(), by=officer)
    assert pack.job is not None
    jobs.cancel(job=pack.job, by=officer, now=NOW)
    packs.build_pack(pack_id=pack.pk, now=NOW)
    pack.refresh_from_db()
    assert pack.state != "ready"
