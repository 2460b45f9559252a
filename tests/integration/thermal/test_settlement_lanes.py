"""Workers settle side by side: each keeps to sites on which no other works, and none leaves a mark behind."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from hosting.models import Site
from kernel.periods import Period
from tests.makers import hosting
from thermal.models import DirtyMark, SiteInterval
from thermal.services import marking, settlement
from thermal.services.settlement_sql import LANE_LOCK, LANES

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
LATER = DAY + dt.timedelta(days=1)


@pytest.fixture
def other_worker() -> Iterator[Any]:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{name: parameters[name] for name in names if name in parameters}) as session:
        yield session


@pytest.fixture
def sites() -> list[Site]:
    """Three sites of three lanes, the newest marks first."""
    found = [hosting.make_site() for _ in range(3)]
    for number, site in enumerate(found):
        period = Period(DAY, DAY + (3 - number) * HOUR)
        marking.mark_period(site=site, period=period, now=LATER)
    return found


def work_on(worker: Any, *sites: Site) -> None:
    for site in sites:
        worker.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LANE_LOCK, site.pk % LANES])


def waiting() -> set[int]:
    return set(DirtyMark.objects.values_list("site_id", flat=True))


def test_a_lane_on_which_another_worker_is_at_work_is_left_to_it(other_worker: Any, sites: list[Site]) -> None:
    work_on(other_worker, sites[0])
    assert settlement.settle_marked(now=LATER).quarters == 8 + 4
    assert waiting() == {sites[0].pk}
    other_worker.rollback()
    assert settlement.settle_marked(now=LATER).quarters == 12
    assert not waiting()


def test_who_finds_no_free_lane_settles_nothing(other_worker: Any, sites: list[Site]) -> None:
    work_on(other_worker, *sites)
    assert settlement.settle_marked(now=LATER) == settlement.NOTHING
    assert waiting() == {site.pk for site in sites}


def test_a_site_that_is_asked_for_is_settled_whatever_its_lane(other_worker: Any, sites: list[Site]) -> None:
    work_on(other_worker, *sites)
    assert settlement.settle_marked(now=LATER, site=sites[1]).quarters == 8
    assert SiteInterval.objects.filter(site=sites[1]).count() == 8


def test_small_batches_settle_every_lane(sites: list[Site]) -> None:
    assert settlement.settle_marked(now=LATER, batch=1).quarters == 12 + 8 + 4
    assert not waiting()
