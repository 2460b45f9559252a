"""Register values from files: every row judged, none stored twice, none overwritten."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from hosting.models import Meter
from kernel.errors import Refusal
from tests.makers import hosting
from thermal.models import DirtyMark, MeterReading
from thermal.services import importing
from thermal.services.importing import Columns, ImportReport

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KAMSTRUP = Path(__file__).parents[4] / "shared/data/heat_meter/kamstrup_660_hourly_2018_2019.csv"
KAMSTRUP_COLUMNS = (
    "--time-column=time_rounded",
    "--energy-column=energy_heat_kwh",
    "--volume-column=volume_flow_m3",
    "--e8-column=inlet_flow_energy_m3xC",
    "--e9-column=back_flow_energy_m3xC",
)


def imported(meter: Meter, text: str, **options: Any) -> ImportReport:
    defaults: dict[str, Any] = {"columns": Columns(), "time_zone": None, "by": None, "now": NOW}
    return importing.import_readings(meter=meter, content=text.encode(), **defaults | options)


def test_a_file_is_stored_once_however_often_it_is_imported() -> None:
    meter = hosting.make_placement().meter
    text = "time,energy_kwh,volume_m3\n2026-01-01T00:00:00Z,1.23456,0.5\n2026-01-01T01:00:00+01:00,1.23456,0.5\n"
    report = imported(meter, text)
    assert (report.row_count, report.new_count, report.repeated_count, report.problems) == (2, 1, 1, [])
    assert DirtyMark.objects.exists()
    again = imported(meter, text)
    assert (again.new_count, again.repeated_count) == (0, 2)
    reading = MeterReading.objects.get()
    assert (reading.energy_kwh, reading.source) == (Decimal("1.2346"), MeterReading.Source.IMPORT)


def test_a_dry_run_tells_the_same_and_stores_nothing() -> None:
    meter = hosting.make_meter()
    report = imported(meter, "time,energy_kwh\n2026-01-01T00:00:00Z,1\n", is_dry_run=True)
    assert (report.new_count, report.is_dry_run) == (1, True)
    assert not MeterReading.objects.exists()


def test_every_bad_row_is_told_with_its_line_and_the_good_ones_are_stored() -> None:
    meter = hosting.make_meter()
    text = (
        "time,energy_kwh\n"
        "2026-01-01T00:00:00Z,1\n"
        "2026-01-01T01:00:00Z,abc\n"
        "yesterday,2\n"
        "2026-01-01T02:00:00,2\n"
        "2026-01-01T03:00:00Z\n"
        "2026-01-01T04:00:00Z,-1\n"
        "2026-01-01T05:00:00Z,1e30\n"
        "2026-01-01T06:00:00Z,\n"
        "2036-01-01T06:00:00Z,5\n"
        "1970-01-01T06:00:00Z,5\n"
        "2026-01-01T00:00:00Z,2\n"
        "2026-01-01T07:00:00Z,NaN\n"
        "2026-01-01T08:00:00Z,9\n"
    )
    report = imported(meter, text)
    assert report.new_count == 2
    assert [problem.split(":")[0].split(",")[0].split(" has")[0] for problem in report.problems] == [
        f"Line {line}" for line in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
    ]
    assert set(MeterReading.objects.values_list("energy_kwh", flat=True)) == {1, 9}


def test_another_value_for_a_known_instant_is_a_problem_and_overwrites_nothing() -> None:
    meter = hosting.make_meter()
    imported(meter, "time,energy_kwh\n2026-01-01T00:00:00Z,1\n")
    report = imported(meter, "time,energy_kwh\n2026-01-01T00:00:00Z,2\n")
    assert report.new_count == 0
    assert report.problems == [
        "Line 2: for 2026-01-01T00:00:00+00:00 there is another value: energy_kwh 1.0000 instead of 2.0000."
    ]
    assert MeterReading.objects.get().energy_kwh == 1


def test_both_the_first_value_and_its_correction_are_known() -> None:
    meter = hosting.make_meter()
    imported(meter, "time,energy_kwh\n2026-01-01T00:00:00Z,1\n")
    first = MeterReading.objects.get()
    MeterReading.objects.create(
        meter=meter, at=first.at, version=2, energy_kwh=3, received_at=NOW, source=MeterReading.Source.CORRECTION
    )
    for kwh, problems in (("1", 0), ("3", 0), ("2", 1)):
        assert len(imported(meter, f"time,energy_kwh\n2026-01-01T00:00:00Z,{kwh}\n").problems) == problems


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-29T01:59:00", "2026-03-29T00:59:00+00:00"),
        ("2026-03-29T02:30:00", None),
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59+00:00"),
        ("2026-10-25T02:30:00", None),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00+00:00"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_local_times_around_both_clock_changes(text: str, instant: str | None) -> None:
    meter = hosting.make_meter()
    report = imported(meter, f"time,energy_kwh\n{text},1\n", time_zone=BERLIN)
    if instant is None:
        assert report.new_count == 0
        assert "Europe/Berlin" in report.problems[0]
    else:
        assert report.problems == []
        assert MeterReading.objects.get().at.isoformat() == instant


def test_other_units_and_decimal_commas_are_converted() -> None:
    meter = hosting.make_meter()
    columns = Columns(
        time="Zeit",
        values={"energy_kwh": "Wärme", "volume_m3": "Liter"},
        unit_by_field={"energy_kwh": "MWh", "volume_m3": "l"},
        decimal_comma=True,
    )
    report = imported(meter, "Zeit;Wärme;Liter\n2026-01-01T00:00:00Z;1,2345;2500\n", columns=columns)
    assert report.problems == []
    reading = MeterReading.objects.get()
    assert (reading.energy_kwh, reading.volume_m3) == (Decimal("1234.5"), Decimal("2.5"))


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "time,other\n2026-01-01T00:00:00Z,1\n"])
def test_a_file_without_registers_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(Refusal):
        imported(hosting.make_meter(), text)


def test_rows_that_are_malformed_do_not_hide_the_rows_after_them() -> None:
    meter = hosting.make_meter()
    report = imported(meter, "time,energy_kwh\n2026-01-01T00:00:00Z,1,2\n2026-01-01T01:00:00Z,2\n")
    assert (report.new_count, len(report.problems)) == (1, 1)


@pytest.mark.skipif(not KAMSTRUP.is_file(), reason="the real meter of ../shared/data/heat_meter is not here")
def test_two_years_of_a_real_meter_come_in_once(capsys: pytest.CaptureFixture[str]) -> None:
    meter = hosting.make_placement(hosting.make_meter(serial="660")).meter
    for stored in (17473, 0):
        call_command("import_readings", str(KAMSTRUP), "--meter=660", *KAMSTRUP_COLUMNS)
        assert f"17473 rows: {stored} readings stored" in capsys.readouterr().out
    first = MeterReading.objects.order_by("at").first()
    assert first is not None
    assert (first.meter, first.energy_kwh, first.volume_m3) == (meter, Decimal("5347.6145"), Decimal("113.9913"))
    assert (first.supply_energy_m3c, first.return_energy_m3c) == (Decimal("8246.4217"), Decimal("3528.8072"))


def test_the_command_ends_with_1_if_a_row_was_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hosting.make_meter(serial="660")
    path = tmp_path / "readings.csv"
    path.write_text("when,kWh\n2026-01-01 00:00,1\n2026-10-25 02:30,2\n")
    options = ["--meter=660", "--time-column=when", "--energy-column=kWh", "--timezone=Europe/Berlin"]
    with pytest.raises(SystemExit, match="1"):
        call_command("import_readings", str(path), *options)
    told = capsys.readouterr()
    assert "2 rows: 1 readings stored, 0 known already, 1 problems." in told.out
    assert "Line 3" in told.err


def test_the_command_names_what_it_does_not_find(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("time,energy_kwh\n")
    with pytest.raises(CommandError, match="no meter “nothing”"):
        call_command("import_readings", str(path), "--meter=nothing")
    hosting.make_meter(serial="660")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_readings", str(tmp_path / "absent.csv"), "--meter=660")
    with pytest.raises(CommandError, match="no time zone"):
        call_command("import_readings", str(path), "--meter=660", "--timezone=Mars/Olympus")
