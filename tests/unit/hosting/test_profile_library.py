"""The profiles that ship with the product: each can be read, says where it is from, and fits real telegrams."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from hosting.domain import profile_files
from hosting.models import DeviceKind
from hosting.queries import profiles as stored
from hosting.queries.profiles import LibraryEntry
from tests.makers.field import telegram_of
from thermal.domain import mbus, snmp
from thermal.domain.mbus import points
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols import PROTOCOLS

TELEGRAMS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "mbus"
LIBRARY = {entry.draft.key: entry for entry in stored.library()}
REAL = {key: found[1] for key, entry in LIBRARY.items() if (found := re.search(r"Telegram (\S+)", entry.draft.source))}

# What the telegram at hand does not tell: the meter marks it as an error instead.
MARKED_WRONG = {
    "abb-f95-mbus": {"power_kw", "flow_m3h"},
    "elster-f96-plus-mbus": {"power_kw", "flow_m3h"},
    "itron-cf-55-mbus": {"power_kw", "supply_c", "return_c", "difference_k"},
}


def specs(entry: LibraryEntry) -> list[PointSpec]:
    return [PointSpec(**dataclasses.asdict(point)) for point in entry.draft.points]


def told(key: str, telegram: bytes) -> dict[str, Any]:
    """What the profile makes of a telegram: the exact value of each point, or the reason why there is none."""
    plan = points.plan(specs(LIBRARY[key]))
    answer = Answer(slot_count=plan.slot_count)
    points.fill(answer, plan, mbus.decode(telegram).records)
    return {
        point.key: answer.missing.get(point.slot) or answer.exact.get(point.slot, answer.values[point.slot])
        for point in LIBRARY[key].draft.points
    }


def of_file(name: str) -> bytes:
    path = TELEGRAMS / f"{name}.hex"
    if not path.exists():
        pytest.skip(f"{path} is absent: real telegrams lie beside the repository")
    return bytes.fromhex(path.read_text())


def walked(name: str) -> dict[tuple[int, ...], int]:
    """The numbers of a recorded walk by their object."""
    path = TELEGRAMS.parent / "snmp" / f"{name}.snmprec"
    if not path.exists():
        pytest.skip(f"{path} is absent: recorded walks lie beside the repository")
    rows = (line.split("|", 2) for line in path.read_text(errors="replace").splitlines())
    return {
        snmp.oid_of(row[0]): int(row[2]) for row in rows if len(row) == 3 and row[1] in {"2", "65", "66"} and row[2]
    }


@pytest.mark.parametrize(
    ("key", "walk", "expected"),
    [
        (
            "apc-rack-pdu-2g",
            "apc_ap8959eu3",
            {"power_kw": 0.27, "energy_kwh": 1967.7, "apparent_va": 300, "load-state": 2},
        ),
        ("raritan-px-1", "raritan-pdu", {"power_kw": 0.58, "voltage-l1": 230.5, "current-l1": 2.971, "inside_c": 36}),
        (
            "rittal-chiller-pcoweb",
            "pcoweb-rittalchiller",
            {"cooling_kw": 33.9, "power_kw": 0.7, "supply_c": 17.9, "ambient_c": 3.6, "flow_m3h": 8.478, "pump-1": 1}
            | {"discharge_bar": 3.7},
        ),
    ],
)
def test_a_recorded_walk_gives_the_values_of_the_unit(key: str, walk: str, expected: dict[str, float]) -> None:
    plan = snmp.plan(specs(LIBRARY[key]), LIBRARY[key].draft.options)
    answer, recorded = Answer(slot_count=plan.slot_count), walked(walk)
    for oid, wanted in plan.objects("1").items():
        snmp.fill(answer, wanted, recorded[oid])
    slots = {point.key: point.slot for point in LIBRARY[key].draft.points}
    assert {name: answer.values[slots[name]] for name in expected} == pytest.approx(expected)
    assert answer.missing == {}


def test_there_are_profiles_for_every_kind_of_device_that_a_site_has() -> None:
    assert len(LIBRARY) >= 24
    kinds = {entry.draft.device_kind for entry in LIBRARY.values()}
    assert kinds >= {
        DeviceKind.HEAT_METER,
        DeviceKind.ELECTRICITY_METER,
        DeviceKind.WATER_METER,
        DeviceKind.HEAT_PUMP,
    } | {
        DeviceKind.RACK_POWER_UNIT,
        DeviceKind.COOLING_UNIT,
    }


@pytest.mark.parametrize("key", LIBRARY)
def test_a_profile_can_be_planned_and_says_where_it_is_from(key: str) -> None:
    draft = LIBRARY[key].draft
    assert LIBRARY[key].file_name == f"{key}.yaml"
    PROTOCOLS[draft.protocol].plan(specs(LIBRARY[key]), draft.options)
    assert draft.source
    assert re.search(r"[Nn]ot (tried|for billing)", draft.verified_against)
    assert [point.slot for point in draft.points] == list(range(len(draft.points)))


def test_no_two_profiles_are_the_same() -> None:
    names = [entry.draft.name for entry in LIBRARY.values()]
    assert len(names) == len(set(names)) == len(list(stored.LIBRARY.glob("*.yaml")))


@pytest.mark.parametrize("key", LIBRARY)
def test_a_profile_reads_back_as_it_is_written(key: str) -> None:
    text = profile_files.write(LIBRARY[key].draft)
    assert (stored.LIBRARY / f"{key}.yaml").read_text() == text


@pytest.mark.parametrize("key", REAL)
def test_a_real_telegram_fills_every_point(key: str) -> None:
    values = told(key, of_file(REAL[key]))
    missing = {name for name, value in values.items() if isinstance(value, Missing) and value is not Missing.INVALID}
    assert missing == MARKED_WRONG.get(key, set())


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "kamstrup-multical-601-mbus",
            {
                "energy_kwh": "37351",
                "volume_m3": "561.08",
                "power_kw": "34.7",
                "flow_m3h": "0.543",
                "supply_c": "101.69",
            }
            | {
                "return_c": "46.16",
                "operating_h": "985",
                "energy-due": 33361.0,
                "power-max": 44.8,
                "volume-due": 500.98,
            },
        ),
        ("engelmann-sensostar-2c-mbus", {"energy_kwh": "800", "volume_m3": "12.9", "difference_k": 52.58}),
        ("sensus-pollucom-e-mbus", {"energy_kwh": "19019", "volume_m3": "1621.119", "supply_c": "35.9"}),
        ("itron-integral-mk-maxx-mbus", {"volume_m3": "0.02", "volume-input-1": 1.23, "volume-input-2": 3.21}),
        ("allmess-cf-50-mbus", {"supply_c": "128.8", "return_c": "51.6", "difference_k": 77.23}),
        ("gwf-mtkcoder-mbus", {"volume_m3": "269"}),
        ("itron-bm-plus-m-mbus", {"volume_m3": "54.321"}),
        (
            "saia-ale3-mbus",
            {"energy-t1": "12.52", "energy-t2": 17744.33, "power_kw": "3.2", "power-l2": 0.81, "current-l3": 6.9}
            | {"voltage-l1": 237.0},
        ),
        ("emu-professional-375-mbus", {"power_kw": "-0.002", "export-t1": 7.854, "voltage-l1": 225.7}),
        ("nzr-dhz-5-63-mbus", {"energy_kwh": "1.274", "voltage_v": 237.2}),
    ],
)
def test_a_real_telegram_gives_the_values_of_the_display(key: str, expected: dict[str, Any]) -> None:
    values = told(key, of_file(REAL[key]))
    assert {
        name: str(values[name]) if isinstance(should, str) else values[name] for name, should in expected.items()
    } == expected


@pytest.mark.parametrize(
    ("key", "records", "expected"),
    [
        (
            "landis-gyr-ultraheat-uh50-mbus",
            "0C0E08230300 0C1407951900 0B2D050000 0B3B080800 0A5B5200 0A5F5100 0A620600",
            {"energy_kwh": 8974.4444, "volume_m3": 1995.07, "power_kw": 0.5, "flow_m3h": 0.808, "difference_k": 0.6},
        ),
        (
            "diehl-sharky-775-mbus",
            "0406E7910000 041310270000 022BE803 023BF401 025AC201 025E5E01 01FD1704",
            {"energy_kwh": 37351, "volume_m3": 10, "power_kw": 1, "flow_m3h": 0.5, "supply_c": 45, "return_c": 35}
            | {"info_code": 4},
        ),
        (
            "kamstrup-multical-603-mbus",
            "0406E7910000 04142CDB0000 04FF0701000000 04FF0802000000 04FF2208000000",
            {"energy_kwh": 37351, "supply_energy_m3c": 1, "return_energy_m3c": 2, "info_code": 8},
        ),
    ],
)
def test_published_records_give_their_values(key: str, records: str, expected: dict[str, float]) -> None:
    values = told(key, telegram_of(records))
    assert {name: float(values[name]) for name in expected} == pytest.approx(expected)
