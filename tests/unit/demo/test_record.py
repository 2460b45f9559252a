"""The plant's memory survives restarts and lost files."""

from pathlib import Path

import pytest

from demo.plant.faults import Fault
from demo.record import History, NoSuchFault, PlantNotBuilt, PlantRecord
from demo.sites import POOL

EPOCH_S = 1_780_000_000.0


@pytest.fixture
def record(tmp_path: Path) -> PlantRecord:
    built = PlantRecord(tmp_path / "demo")
    built.build(History(epoch_s=EPOCH_S, built_at_s=EPOCH_S))
    return built


def test_a_plant_that_was_not_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantNotBuilt):
        PlantRecord(tmp_path).history()


def test_a_fault_is_switched_on_once_and_off_once(record: PlantRecord) -> None:
    first = record.switch_on(site=POOL.code, fault=Fault.PUMP_FAILURE, from_s=EPOCH_S + 10)
    again = record.switch_on(site=POOL.code, fault=Fault.PUMP_FAILURE, from_s=EPOCH_S + 20)
    assert first == again
    ended = record.switch_off(site=POOL.code, fault=Fault.PUMP_FAILURE, until_s=EPOCH_S + 30)
    assert record.history().faults == (ended,)
    with pytest.raises(NoSuchFault):
        record.switch_off(site=POOL.code, fault=Fault.PUMP_FAILURE, until_s=EPOCH_S + 40)


def test_a_plant_continues_from_its_checkpoint_as_if_it_had_never_stopped(
    record: PlantRecord,
) -> None:
    timeline = record.timeline(POOL)
    timeline.at(EPOCH_S + 50_000)
    record.save_checkpoints({POOL.code: timeline.checkpoint})
    continued = record.timeline(POOL)
    assert continued.checkpoint.at_s > EPOCH_S
    assert continued.at(EPOCH_S + 90_000) == timeline.at(EPOCH_S + 90_000)


def test_a_lost_or_later_checkpoint_only_costs_time(record: PlantRecord, tmp_path: Path) -> None:
    timeline = record.timeline(POOL)
    expected = timeline.at(EPOCH_S + 50_000)
    record.save_checkpoints({POOL.code: timeline.checkpoint})
    early = record.timeline(POOL, not_after_s=EPOCH_S + 100)
    assert early.at(EPOCH_S + 50_000) == expected
    (tmp_path / "demo" / "checkpoints.json").write_text("{")
    assert record.timeline(POOL).at(EPOCH_S + 50_000) == expected
