"""What the plant says is what the portal reads, and what the history would have recorded."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from accounts.models import User
from demo.devices.serving import HOST, Field, Ports
from demo.field import INSTALLATIONS, Installation
from demo.plant.faults import Fault
from demo.plant.timeline import Snapshot
from demo.record import History, PlantRecord
from demo.seed.channels import Channel, channels_of
from demo.seed.inventory import build_inventory
from demo.seed.story import Story
from hosting.models import Connection, Device, Equipment, Measurement, MeterPlacement, Site
from thermal.domain.readings import Answer, PointSpec
from thermal.protocols.base import Endpoint, Target, Timing
from thermal.protocols.mbus import MBusTcp
from thermal.protocols.modbus import ModbusTcp

NOW = dt.datetime(2026, 11, 22, 10, 7, 13, tzinfo=dt.UTC)
STORY = Story(built_at=NOW)


@pytest.fixture
def record(tmp_path: Path) -> PlantRecord:
    built = PlantRecord(tmp_path)
    built.build(History(epoch_s=NOW.timestamp() - 9_000, built_at_s=NOW.timestamp()))
    return built


@pytest.fixture
def inventory(db: None) -> None:
    build_inventory(story=STORY, by=User.objects.create_user("engineer@brightloop.example"))


def target_of(device: Device) -> Target:
    specs = [PointSpec(p.slot, p.key, p.name, p.quantity, p.unit, p.address) for p in device.profile.points.all()]
    language = MBusTcp() if device.profile.protocol == "mbus_tcp" else ModbusTcp()
    return Target(
        device_id=device.pk,
        unit_address=device.unit_address,
        points=specs,
        options=device.profile.options,
        plan=language.plan(specs, device.profile.options),
    )


async def ask(ports: Ports, targets: list[tuple[str, Target]]) -> dict[int, Answer]:
    answers: dict[int, Answer] = {}
    for protocol, language, port in (("modbus_tcp", ModbusTcp(), ports.modbus), ("mbus_tcp", MBusTcp(), ports.mbus)):
        endpoint = Endpoint(HOST, port, Timing(timeout_s=1.0))
        asked = [target for spoken, target in targets if spoken == protocol]
        async for target, answer in language.read(endpoint, asked):
            answers[target.device_id] = answer
    return answers


def read_site(record: PlantRecord, installation: Installation) -> tuple[Snapshot, list[Channel], dict[int, Answer]]:
    """The plant at one instant, the devices' channels and what the portal read at that instant."""
    epoch = dt.datetime.fromtimestamp(record.history().epoch_s, dt.UTC)
    channels = channels_of(installation, epoch)
    targets = [(channel.device.profile.protocol, target_of(channel.device)) for channel in channels]

    async def run() -> tuple[Snapshot, dict[int, Answer]]:
        field = Field(INSTALLATIONS, record, clock=NOW.timestamp)
        try:
            ports = await field.start(0)
            answers = await ask(ports[installation.code], targets)
            plant = next(p for p in field.plants if p.installation is installation)
            return plant.look(), answers
        finally:
            await field.stop()

    snapshot, answers = asyncio.run(run())
    return snapshot, channels, answers


@pytest.mark.parametrize("installation", INSTALLATIONS, ids=lambda installation: installation.code)
@pytest.mark.usefixtures("inventory")
def test_every_device_is_read_as_its_history_would_be(record: PlantRecord, installation: Installation) -> None:
    snapshot, channels, answers = read_site(record, installation)
    for channel in channels:
        answer = answers[channel.device.pk]
        assert not answer.error, (channel.device, answer.error)
        assert not answer.missing, (channel.device, answer.missing)
        for told, expected in zip(answer.values, channel.frame(snapshot), strict=True):
            assert told == (expected if expected is None else pytest.approx(expected, rel=1e-6)), channel.device


@pytest.mark.parametrize("installation", INSTALLATIONS, ids=lambda installation: installation.code)
@pytest.mark.usefixtures("inventory")
def test_every_register_is_read_to_the_last_digit(record: PlantRecord, installation: Installation) -> None:
    snapshot, channels, answers = read_site(record, installation)
    for channel in channels:
        if channel.reading is None:
            continue
        told = answers[channel.device.pk]
        slots = {p.quantity: p.slot for p in channel.device.profile.points.all()}
        reading = channel.reading(snapshot)
        for quantity in ("energy_kwh", "volume_m3", "supply_energy_m3c", "return_energy_m3c", "error_h"):
            if quantity in slots:
                assert told.exact[slots[quantity]] == getattr(reading, quantity), quantity


@pytest.mark.usefixtures("inventory")
def test_an_open_sensor_is_read_as_such(record: PlantRecord) -> None:
    pool = INSTALLATIONS[0]
    record.switch_on(site=pool.code, fault=Fault.SENSOR_OPEN, from_s=NOW.timestamp() - 60)
    _, channels, answers = read_site(record, pool)
    channel = next(c for c in channels if c.device.code.endswith("delivered-heat"))
    slots = {p.quantity: p.slot for p in channel.device.profile.points.all()}
    answer = answers[channel.device.pk]
    assert answer.values[slots["supply_c"]] == 185.0
    assert answer.values[slots["info_code"]] == 8


@pytest.mark.usefixtures("inventory")
def test_silence_and_rubbish_are_failures_of_one_device_only(record: PlantRecord) -> None:
    pool = INSTALLATIONS[0]
    for fault in (Fault.METER_SILENT, Fault.CONTROLLER_GARBAGE):
        record.switch_on(site=pool.code, fault=fault, from_s=NOW.timestamp() - 60)
    snapshot, channels, answers = read_site(record, pool)
    for channel in channels:
        answer = answers[channel.device.pk]
        assert answer.told == channel.answers(snapshot), (channel.device, answer.error)
        assert bool(answer.error) != answer.told


@pytest.mark.usefixtures("inventory")
def test_building_the_inventory_again_changes_nothing() -> None:
    tables = (Site, Equipment, Connection, Device, MeterPlacement, Measurement)
    counts = [table.objects.count() for table in tables]
    build_inventory(story=STORY, by=User.objects.get(email="engineer@brightloop.example"))
    assert [table.objects.count() for table in tables] == counts
