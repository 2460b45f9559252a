"""A real server's hourly power as IT energy: gaps, clock changes, order, byte-order mark and footer."""

import datetime as dt
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from hosting.models import Device, Measurement
from tests.makers import hosting, thermal
from thermal.models import SiteInterval, TelemetryFrame
from thermal.models.ledger import Quality
from thermal.services import importing_power, settlement
from thermal.services.importing_power import PowerColumns, PowerReport

pytestmark = pytest.mark.django_db

FILE = Path(__file__).parents[4] / "shared/data/it_power/gpu_server_10_hourly.txt"
NEW_YORK = ZoneInfo("America/New_York")
NOW = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
COLUMNS = PowerColumns(time="timestamp", power="powerave", unit="W")


@pytest.fixture
def device() -> Device:
    site = hosting.make_site(time_zone="America/New_York", country="US")
    return thermal.make_plant_device(site, [Measurement.Role.UTILISATION, Measurement.Role.IT_POWER])


def take(device: Device, text: str | bytes, columns: PowerColumns = COLUMNS, **options: Any) -> PowerReport:
    content = text if isinstance(text, bytes) else text.encode()
    return importing_power.import_power(
        device=device, content=content, columns=columns, time_zone=NEW_YORK, by=None, now=NOW, **options
    )


def rows(*lines: str) -> str:
    return "timestamp\tpowerave\n" + "\n".join(line.replace(" = ", "\t") for line in lines) + "\n"


def settled(device: Device) -> dict[dt.datetime, float]:
    settlement.settle_marked(now=NOW)
    found = SiteInterval.objects.filter(site=device.controller.site, it_kwh__isnull=False)
    return {start: it_kwh for start, it_kwh in found.values_list("start", "it_kwh") if it_kwh is not None}


def test_the_real_file_becomes_it_energy(device: Device) -> None:
    if not FILE.exists():
        pytest.skip("shared/data/it_power is not here")
    report = take(device, FILE.read_bytes())
    # Two lines after the last row are no data.
    assert report.problems == [
        "Line 8697: 1 cells where the header has 14.",
        "Line 8700: 1 cells where the header has 14.",
    ]
    assert (report.row_count, report.stretch_count) == (8696, 8694)
    first, last = dt.datetime(2024, 10, 31, 19, tzinfo=dt.UTC), dt.datetime(2025, 10, 31, 14, tzinfo=dt.UTC)
    open_hours = sum(float(gap.hours) for gap in report.gaps)
    # Every hour of the year is a mean or a gap; the hour that the clocks repeated is one row over two hours.
    assert 8694 + 1 + open_hours == (last - first) / HOUR
    assert report.energy_kwh == pytest.approx(sum_of_file(), rel=1e-9)


def sum_of_file() -> float:
    """The energy by plain arithmetic: watts over an hour each, the repeated one twice."""
    lines = FILE.read_text(encoding="utf-8-sig").splitlines()[1:]
    cells = [line.split("\t") for line in lines if line.count("\t") == 13]
    return sum(float(cell[2]) * (2 if cell[1].startswith("2024-11-03 01") else 1) for cell in cells) / 1000


def test_a_month_of_it_is_settled_as_energy_that_was_integrated_and_its_gaps_stay_gaps(device: Device) -> None:
    if not FILE.exists():
        pytest.skip("shared/data/it_power is not here")
    lines = FILE.read_text(encoding="utf-8-sig").splitlines()
    chosen = [line for line in lines[1:] if line.startswith("cbsugpu10\t2025-03-")]
    report = take(device, "\n".join([lines[0], *chosen]))
    quarters = settled(device)
    assert sum(quarters.values()) == pytest.approx(report.energy_kwh, rel=2e-3)
    for gap in report.gaps:
        assert not any(gap.contains(start) for start in quarters)
    # 01:00 is missing that night, and 02:00 was never on a clock.
    night = dt.datetime(2025, 3, 9, tzinfo=NEW_YORK).astimezone(dt.UTC)
    assert night + HOUR in [gap.start for gap in report.gaps]
    assert next(gap.hours for gap in report.gaps if gap.start == night + HOUR) == 1
    whole = SiteInterval.objects.get(site=device.controller.site, start=night)
    assert whole.it_quality == Quality.INTEGRATED


def test_an_hour_that_the_clocks_repeated_is_one_mean_over_two_hours_or_two_means(device: Device) -> None:
    once = take(device, rows("2024-11-03 00:00 = 1000", "2024-11-03 01:00 = 2000", "2024-11-03 02:00 = 1000"))
    assert (once.energy_kwh, once.gaps) == (1 + 4 + 1, [])
    assert sum(settled(device).values()) == pytest.approx(6, abs=1e-3)
    # Newest first: the later of both hours stands first.
    other = thermal.make_plant_device(hosting.make_site(), [Measurement.Role.IT_POWER])
    twice = take(other, rows("2024-11-03 01:00 = 4000", "2024-11-03 01:00 = 2000", "2024-11-03 00:00 = 1000"))
    assert (twice.energy_kwh, twice.problems) == (7, [])
    quarters = settled(other)
    assert quarters[dt.datetime(2024, 11, 3, 5, 30, tzinfo=dt.UTC)] == pytest.approx(0.5)
    assert quarters[dt.datetime(2024, 11, 3, 6, 30, tzinfo=dt.UTC)] == pytest.approx(1.0)


def test_what_cannot_be_is_refused_with_its_line(device: Device) -> None:
    report = take(
        device,
        rows(
            "2025-03-09 00:00 = 1000", "2025-03-09 02:30 = 1000", "2025-03-10 00:00 = -5", "2025-03-10 01:00 = much",
            "2025-03-10 02:00 = 7", "2025-03-10 02:00 = 7", "soon = 1", "2031-01-01 00:00 = 1", "(9 rows affected)",
        ),
    )  # fmt: skip
    assert report.stretch_count == 2
    assert [problem.split(":")[0] for problem in report.problems if problem.startswith("Line")] == [
        "Line 4, column “powerave”", "Line 5, column “powerave”", "Line 8, column “timestamp”", "Line 10", "Line 7",
        "Line 9",
    ]  # fmt: skip
    assert any("does not exist in America/New_York" in problem for problem in report.problems)


def test_importing_twice_stores_nothing_twice_and_a_dry_run_nothing_at_all(device: Device) -> None:
    text = rows("2025-01-01 01:00 = 100", "2025-01-01 00:00 = 300")
    assert take(device, text, is_dry_run=True).frame_count == 0
    assert not TelemetryFrame.objects.exists()
    assert take(device, text).frame_count == 10
    assert take(device, text).frame_count == 0
    total = TelemetryFrame.objects.filter(device=device).aggregate(n=Sum("profile_id"))
    assert total["n"]


def test_a_device_without_such_a_measurement_is_refused() -> None:
    device = thermal.make_plant_device(hosting.make_site(), [Measurement.Role.PRESSURE])
    with pytest.raises(importing_power.DeviceTellsNoPower):
        take(device, rows("2025-01-01 00:00 = 1"))


def test_the_command_says_what_came_of_it(device: Device, tmp_path: Path) -> None:
    path = tmp_path / "power.txt"
    path.write_bytes(b"\xef\xbb\xbf" + rows("2025-01-01 03:00 = 100", "2025-01-01 00:00 = 300").encode())
    arguments = [str(path), "--device", device.code, "--timezone", "America/New_York", "--time-column", "timestamp",
                 "--power-column", "powerave", "--power-unit", "W"]  # fmt: skip
    out = StringIO()
    call_command("import_power", *arguments, stdout=out)
    assert out.getvalue().strip() == (
        "2 rows: 2 means stored in 10 new frames, 0.400 kWh; 1 gaps of 2 h together stay open; 0 problems."
    )
    with path.open("a") as file:
        file.write("(2 rows affected)\n")
    err = StringIO()
    with pytest.raises(SystemExit):
        call_command("import_power", *arguments, stdout=out, stderr=err)
    assert "Line 4: 1 cells where the header has 2." in err.getvalue()
    with pytest.raises(CommandError, match="no device"):
        call_command("import_power", str(path), "--device", "none", "--timezone", "UTC")
    with pytest.raises(CommandError, match="no time zone"):
        call_command("import_power", str(path), "--device", device.code, "--timezone", "Nowhere/At_All")
