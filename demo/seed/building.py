"""The whole demo, stage by stage; each stage finds out what is missing and adds only that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _

from accounts import roles
from accounts.services import demo
from demo.record import History, PlantRecord
from demo.seed import history, inventory, people
from demo.seed.people import Login
from demo.seed.story import Story
from hosting.models import Site
from kernel.errors import Refusal
from thermal.services import settlement

Say = Callable[[str], None]
FOLDER: Final = "demo"


class PlantIsLost(Refusal):
    """The demo sites are in the database, but the plant behind them is gone."""

    sentence = "The demo's sites are here, but %(folder)s, where their plant remembers its past, is not."


def build_people(*, var: Path, now: dt.datetime) -> list[Login]:
    """The log-ins of the demo's people; the first call marks the empty database as a demo."""
    demo.mark_as_demo(now=now)
    roles.sync()
    return people.ensure_people(var=var, now=now)


def build_plant(*, var: Path, now: dt.datetime) -> Story:
    """The story of the demo, told once and remembered beside the plant."""
    record = PlantRecord(var / FOLDER)
    if record.exists:
        return Story(built_at=dt.datetime.fromtimestamp(record.history().built_at_s, dt.UTC))
    if Site.objects.exists():
        raise PlantIsLost(folder=var / FOLDER)
    story = Story(built_at=now.replace(microsecond=0))
    record.build(
        History(
            epoch_s=story.epoch.timestamp(),
            built_at_s=story.built_at.timestamp(),
            faults=tuple(event.period for event in story.events),
        )
    )
    return story


def build_history(*, var: Path, now: dt.datetime, say: Say) -> int:
    """The count of rows recorded; each piece is told as it is done."""
    total = 0
    for code, reached, stored in history.fill_history(record=PlantRecord(var / FOLDER), now=now):
        total += stored
        say(_("%(site)s: recorded until %(day)s") % {"site": code, "day": f"{reached:%Y-%m-%d %H:%M}"})
    return total


def build_inventory(*, story: Story) -> None:
    """Sites and everything in them, entered by the demo's engineer."""
    inventory.build_inventory(story=story, by=people.account_of("engineer"))


def build_ledger(*, now: dt.datetime) -> int:
    """The count of quarter-hours settled."""
    return settlement.settle_marked(now=now).quarters
