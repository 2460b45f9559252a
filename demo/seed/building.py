"""The whole demo, stage by stage; each stage finds out what is missing and adds only that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _

from accounts import roles
from accounts.services import demo
from compliance.models.packs import AuditPack
from compliance.services import packs
from contracts.models import BillingRun, SlaDay
from contracts.services import billing, judging
from demo.record import History, PlantRecord
from demo.seed import alarms, commerce, commissioning, history, inventory, people, records
from demo.seed.people import Login
from demo.seed.story import LEAST_HISTORY, Story
from demo.sites import POOL
from hosting.models import Site
from kernel.errors import Refusal
from thermal.services import kpi_ledger, settlement

Say = Callable[[str], None]
FOLDER: Final = "demo"
_BILLING_TIME: Final = dt.time(9, 0)
_BILLING_LAG: Final = dt.timedelta(days=2)


class PlantIsLost(Refusal):
    """The demo sites are in the database, but the plant behind them is gone."""

    sentence = "The demo's sites are here, but %(folder)s, where their plant remembers its past, is not."


def build_people(*, var: Path, now: dt.datetime) -> list[Login]:
    """The log-ins of the demo's people; the first call marks the empty database as a demo."""
    demo.mark_as_demo(now=now)
    roles.sync()
    return people.ensure_people(var=var, now=now)


def build_plant(*, var: Path, now: dt.datetime, least_history: dt.timedelta = LEAST_HISTORY) -> Story:
    """The story of the demo, told once and remembered beside the plant."""
    record = PlantRecord(var / FOLDER)
    if record.exists:
        built_at = dt.datetime.fromtimestamp(record.history().built_at_s, dt.UTC)
        return Story(built_at=built_at, least_history=least_history)
    if Site.objects.exists():
        raise PlantIsLost(folder=var / FOLDER)
    story = Story(built_at=now.replace(microsecond=0), least_history=least_history)
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
    """Sites and everything in them, their alarm rules, and the contracts on their heat."""
    engineer = people.account_of("engineer")
    inventory.build_inventory(story=story, by=engineer)
    commissioning.commission_plants(story=story, by=engineer)
    alarms.build_rules(by=engineer, now=story.epoch)
    commerce.build_commerce(story=story, by=people.account_of("administrator"))


def build_ledger(*, now: dt.datetime) -> int:
    """The count of quarter-hours settled, and their months summed."""
    settled = settlement.settle_marked(now=now).quarters
    kpi_ledger.sum_marked(now=now)
    return settled


def build_alarms(*, story: Story) -> int:
    """The count of alarms that the past events raised."""
    return alarms.replay_alarms(story=story, operator=people.account_of("operator"))


def build_records(*, story: Story) -> None:
    """Maintenance, samples, permits and incidents."""
    records.build_records(story=story, by=people.account_of("compliance"), operator=people.account_of("operator"))


def build_bills(*, story: Story, now: dt.datetime) -> int:
    """The count of invoices issued for the months that are over, each a few days after its end."""
    if not SlaDay.objects.exists():
        # Later days are judged by the schedule.
        judging.judge_pending(now=now)
    issued = 0
    month_on = story.first_month_on
    while (following := _next_month(month_on)) <= now.date().replace(day=1):
        ran_at = min(now, dt.datetime.combine(following, _BILLING_TIME, dt.UTC) + _BILLING_LAG)
        if not BillingRun.objects.filter(month_on=month_on).exists():
            issued += _bill_month(month_on, ran_at)
        month_on = following
    return issued


def _bill_month(month_on: dt.date, ran_at: dt.datetime) -> int:
    by = people.account_of("billing")
    summary = billing.run_month(month_on=month_on, by=by, now=ran_at, issue=True)
    BillingRun.objects.create(
        month_on=month_on,
        asked_by=by,
        issues=True,
        drafted_count=summary.drafted_count,
        issued_count=summary.issued_count,
        blocked_count=len(summary.blocked),
        skipped_count=summary.skipped_count,
        started_at=ran_at,
        finished_at=ran_at,
    )
    return summary.issued_count


def order_pack(*, story: Story, now: dt.datetime) -> None:
    """One audit pack of the first site's last month, which a worker builds."""
    if AuditPack.objects.exists():
        return
    last_on = _next_month(story.last_month_on) - dt.timedelta(days=1)
    wanted = packs.Wanted(
        sites=[Site.objects.get(code=POOL.code)], first_on=story.last_month_on, last_on=last_on, as_of=now
    )
    packs.order_pack(wanted=wanted, by=people.account_of("compliance"), now=now)


def _next_month(month_on: dt.date) -> dt.date:
    return (month_on + dt.timedelta(days=32)).replace(day=1)
