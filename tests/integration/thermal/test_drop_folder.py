"""Files dropped into a folder: read once, put away with a report, through no link, and whole after a kill."""

import datetime as dt
import os
import shutil
import subprocess
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from hosting.models import Controller, Device, Measurement
from tests import programs, waiting
from tests.makers import hosting as makers
from thermal import tasks
from thermal.models import DirtyMark, DropReceipt, MeterReading, TelemetryFrame
from thermal.services import drop_folder, dropping

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.UTC)
POINTS = [
    {"key": "energy-kwh", "quantity": "energy_kwh", "unit": "MWh", "address": {"column": "Energie MWh"}},
    {"key": "power-kw", "quantity": "power_kw", "unit": "kW", "address": {"column": "Leistung kW", "missing": [-1]}},
]
GERMAN = {
    "file": "zaehler-*.csv", "delimiter": "semicolon", "decimal_comma": True, "time_column": "Zeit",
    "time_form": "%d.%m.%Y %H:%M",
}  # fmt: skip
HEADER = "Zeit;Energie MWh;Leistung kW\n"


@pytest.fixture(autouse=True)
def _folder_of_the_test(tmp_path: Path, settings: LazySettings) -> None:
    settings.THERMAL_DROP_DIR = tmp_path / "drop"


def controller_of(**fields: Any) -> Controller:
    return makers.make_controller(**{"protocol": "csv_drop", "host": "", "port": None} | fields)


def device_of(controller: Controller, options: dict[str, Any] | None = None, **fields: Any) -> Device:
    profile = makers.make_profile(POINTS, protocol="csv_drop", options=GERMAN if options is None else options)
    return makers.make_device(controller, **{"profile": profile} | fields)


def drop(controller: Controller, name: str, text: str | bytes, *, age_s: float = 60) -> Path:
    folder = drop_folder.folder_of(controller)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    changed_at = NOW.timestamp() - age_s
    os.utime(path, (changed_at, changed_at))
    return path


def files_in(controller: Controller, name: str) -> list[str]:
    return sorted(path.name.split("-", 2)[-1] for path in (drop_folder.folder_of(controller) / name).iterdir())


def report_in(controller: Controller, name: str) -> str:
    (path,) = (drop_folder.folder_of(controller) / name).glob("*.report.txt")
    return path.read_text()


def test_a_file_is_read_as_the_profile_says_and_put_away_with_a_report() -> None:
    controller, meter = controller_of(), makers.make_meter()
    device = device_of(controller, meter=meter)
    makers.make_measurement(device, Measurement.Role.DELIVERED_POWER, slot=1)
    drop(controller, "zaehler-1.csv", HEADER + "22.11.2026 19:00;12,3456;40,5\n22.11.2026 20:00;12,4;-1\n")
    assert drop_folder.watch_folders(now=NOW) == 1
    assert files_in(controller, "done") == ["zaehler-1.csv", "zaehler-1.csv.report.txt"]
    assert "rows: 2\nstored: 2\nknown already: 0\nrefused: 0\n" in report_in(controller, "done")
    seven = dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC)
    frames = list(TelemetryFrame.objects.filter(device=device).values_list("at", "values"))
    assert frames == [(seven, [pytest.approx(12345.6), 40.5]), (seven + dt.timedelta(hours=1), [12400.0, None])]
    readings = list(MeterReading.objects.filter(meter=meter).values_list("at", "energy_kwh", "source"))
    assert readings[0] == (seven, Decimal("12345.6"), "import")
    assert DirtyMark.objects.filter(site=controller.site).exists()
    device.refresh_from_db()
    assert device.last_success_at == NOW


def test_the_same_rows_again_are_known() -> None:
    controller = controller_of()
    device_of(controller)
    for name in ("zaehler-1.csv", "zaehler-2.csv"):
        drop(controller, name, HEADER + "22.11.2026 19:00;12,3;40\n")
    drop_folder.watch_folders(now=NOW)
    counts = DropReceipt.objects.order_by("file_name").values_list("stored_count", "known_count", "refused_count")
    assert list(counts) == [(1, 0, 0), (0, 1, 0)]
    assert TelemetryFrame.objects.count() == 1


def test_wrong_rows_are_named_by_their_line_and_the_others_stored() -> None:
    controller = controller_of()
    device_of(controller)
    rows = [
        "22.11.2026 19:00;12,3;40", "22.11.2026 19:15;viel;40", "2026-11-22;1;1", "25.10.2026 02:30;1;1",
        "29.03.2026 02:30;1;1", "22.11.2027 19:00;1;1", "22.11.2026 19:30;;", "22.11.2026 19:00;12,3;40",
        "22.11.2026 19:00;12,3;41", "22.11.2026;1", "01.01.1980 00:00;1;1",
    ]  # fmt: skip
    drop(controller, "zaehler-1.csv", HEADER + "\n".join(rows))
    drop_folder.watch_folders(now=NOW)
    receipt = DropReceipt.objects.get()
    assert (receipt.row_count, receipt.stored_count, receipt.known_count) == (11, 1, 1)
    assert [problem.split(",")[0].split(":")[0] for problem in receipt.problems] == [
        f"Line {line}" for line in (3, 4, 5, 6, 7, 8, 10, 11, 12)
    ]
    assert files_in(controller, "failed") == ["zaehler-1.csv", "zaehler-1.csv.report.txt"]
    assert "“viel” is not a number" in report_in(controller, "failed")


def test_rows_name_their_device() -> None:
    controller = controller_of()
    options = {"unit_column": "unit"}
    profile = makers.make_profile(POINTS, protocol="csv_drop", options=options)
    one, other = (device_of(controller, unit_address=unit, profile=profile) for unit in ("7", "8"))
    lines = ["time,unit,Leistung kW", "2026-11-22T19:00Z,7,1", "2026-11-22T19:00Z,8,2", "2026-11-22T19:00Z,9,3"]
    drop(controller, "all.csv", "\n".join(lines))
    drop_folder.watch_folders(now=NOW)
    values = dict(TelemetryFrame.objects.values_list("device", "values"))
    assert values == {one.pk: [None, 1.0], other.pk: [None, 2.0]}
    assert "“9” is the unit of no device" in DropReceipt.objects.get().problems[0]


def test_a_file_names_its_device() -> None:
    controller = controller_of()
    profile = makers.make_profile(POINTS, protocol="csv_drop", options=GERMAN)
    one, _other = (device_of(controller, unit_address=unit, profile=profile) for unit in ("K-17", "K-18"))
    for unit in ("K-17", "K-19"):
        drop(controller, f"zaehler-{unit}.csv", HEADER + "22.11.2026 19:00;12,3;40\n")
    drop_folder.watch_folders(now=NOW)
    assert TelemetryFrame.objects.get().device == one
    assert DropReceipt.objects.exclude(refusal="").get().file_name == "zaehler-K-19.csv"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("other.csv", HEADER, "No device"),
        ("zaehler-1.csv", "", "no header"),
        ("zaehler-1.csv", b"\x00\x01\x02", "not text"),
        ("zaehler-1.csv", "Zeit;a\n1;2\n", "has no column"),
        ("zaehler-1.csv", "a;Leistung kW\n1;2\n", "has no column"),
        ("zaehler-1.csv", HEADER + "x" * 2000, "more than"),
    ],
)
def test_a_file_that_nobody_can_read_fails_as_a_whole(
    name: str, content: str | bytes, why: str, settings: LazySettings
) -> None:
    settings.THERMAL_DROP_MOST_BYTES = 1000
    controller = controller_of()
    device_of(controller)
    drop(controller, name, content)
    drop_folder.watch_folders(now=NOW)
    assert why in DropReceipt.objects.get().refusal
    assert why in report_in(controller, "failed")
    assert not TelemetryFrame.objects.exists()


def test_files_that_are_still_written_or_hidden_are_left_alone() -> None:
    controller = controller_of()
    device_of(controller)
    for name, age_s in (("zaehler-1.csv", 1), ("zaehler-2.csv.part", 60), (".zaehler-3.csv", 60)):
        drop(controller, name, HEADER, age_s=age_s)
    assert drop_folder.watch_folders(now=NOW) == 0
    assert drop_folder.watch_folders(now=NOW + dt.timedelta(seconds=10)) == 1


def test_nothing_is_read_through_a_link(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    controller = controller_of()
    device_of(controller)
    secret = tmp_path / "secret.csv"
    secret.write_text(HEADER + "22.11.2026 19:00;12,3;40\n")
    folder = drop_folder.folder_of(controller)
    folder.mkdir(parents=True)
    (folder / "zaehler-1.csv").symlink_to(secret)
    os.mkfifo(folder / "zaehler-2.csv")
    assert drop_folder.watch_folders(now=NOW) == 0
    shutil.rmtree(folder / "done")
    (folder / "done").symlink_to(tmp_path)
    drop(controller, "zaehler-3.csv", HEADER)
    other = controller_of()
    device_of(other)
    drop(other, "zaehler-1.csv", HEADER + "22.11.2026 19:00;12,3;40\n")
    assert drop_folder.watch_folders(now=NOW) == 1, "the folder of the other one is read"
    assert controller.code in caplog.text
    assert secret.exists()
    assert not list(tmp_path.glob("*.report.txt"))


def test_a_folder_that_is_a_link_is_not_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    controller = controller_of()
    drop_folder.folder_of(controller).parent.mkdir()
    drop_folder.folder_of(controller).symlink_to(tmp_path)
    assert drop_folder.watch_folders(now=NOW) == 0
    assert controller.code in caplog.text
    assert not (tmp_path / "working").exists()


def test_a_controller_that_is_switched_off_keeps_its_files() -> None:
    controller = controller_of(enabled=False)
    path = drop(controller, "zaehler-1.csv", HEADER)
    assert drop_folder.watch_folders(now=NOW) == 0
    assert path.exists()


def test_a_file_whose_rows_are_stored_is_only_put_away() -> None:
    controller = controller_of()
    device_of(controller)
    claim = "20261122T190000Z-00abcdef12-zaehler-1.csv"
    working = drop_folder.folder_of(controller) / "working"
    working.mkdir(parents=True)
    content = (HEADER + "22.11.2026 19:00;12,3;40\n").encode()
    dropping.receive_file(controller=controller, claim_name=claim, file_name="zaehler-1.csv", content=content, now=NOW)
    (working / claim).write_bytes(content)
    assert drop_folder.watch_folders(now=NOW) == 1
    assert DropReceipt.objects.get().stored_count == 1
    assert files_in(controller, "done") == ["zaehler-1.csv", "zaehler-1.csv.report.txt"]


def test_a_claim_has_one_receipt_and_its_rows_add_up() -> None:
    facts = {"controller": controller_of(), "file_name": "a", "handled_at": NOW}
    DropReceipt.objects.create(claim_name="a", **facts)
    for name, wrong in (
        ("drop_receipt_claim_unique", {"claim_name": "a"}),
        ("drop_receipt_rows_balance", {"claim_name": "b", "row_count": 1}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            DropReceipt.objects.create(**facts | wrong)


def test_receipts_are_dropped_with_the_frames_they_tell_of() -> None:
    DropReceipt.objects.create(controller=controller_of(), file_name="a", claim_name="a", handled_at=NOW)
    assert dropping.drop_expired(now=NOW) == 0
    assert dropping.drop_expired(now=NOW + dt.timedelta(days=26 * 31)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_file_loses_and_doubles_nothing(settings: LazySettings) -> None:
    settings.THERMAL_DROP_DIR = Path(os.environ["HEATLEDGER_VAR"]) / "drop"
    controller = controller_of()
    device = device_of(controller)
    day = f"{timezone.now() - dt.timedelta(days=2):%d.%m.%Y}"
    drop(controller, "zaehler-1.csv", HEADER + f"{day} 19:00;12,3;40\n{day} 20:00;12,4;41\n")
    with transaction.atomic(), programs.celery_worker("default") as worker:
        # The worker's transaction has stored the frames when it comes to this row, and waits.
        Device.objects.select_for_update().get(pk=device.pk)
        tasks.watch_drop_folders.delay()
        wait_until(somebody_waits, worker)
    waiting.wait_for(lambda: others("state <> 'idle'") == 0)
    assert not TelemetryFrame.objects.exists()
    assert files_in(controller, "working") == ["zaehler-1.csv"]
    assert drop_folder.watch_folders(now=timezone.now()) == 1
    assert TelemetryFrame.objects.count() == 2
    assert DropReceipt.objects.get().stored_count == 2
    assert files_in(controller, "done") == ["zaehler-1.csv", "zaehler-1.csv.report.txt"]
    shutil.rmtree(drop_folder.folder_of(controller))


def wait_until(holds: Any, worker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert worker.poll() is None, "the worker ended before it could be killed"
        assert time.monotonic() < deadline, "waited in vain"


def somebody_waits() -> bool:
    return others("wait_event_type = 'Lock' AND query LIKE '%hosting_device%'") > 0


def others(condition: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            f"WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_two_workers_read_a_file_once() -> None:
    controller = controller_of()
    device_of(controller)
    drop(controller, "zaehler-1.csv", HEADER + "22.11.2026 19:00;12,3;40\n")

    def watch() -> None:
        drop_folder.watch_folders(now=NOW)
        connection.close()

    threads = [threading.Thread(target=watch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drop_folder.watch_folders(now=NOW)
    assert DropReceipt.objects.get().stored_count == 1
    assert files_in(controller, "done") == ["zaehler-1.csv", "zaehler-1.csv.report.txt"]
