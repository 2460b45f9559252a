"""A settlement that is killed in the middle loses and doubles nothing."""

import datetime as dt
import time
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests import programs, waiting
from tests.makers import hosting, thermal
from thermal import tasks
from thermal.models import DirtyMark, HeatInterval, SiteInterval
from thermal.services import marking

pytestmark = pytest.mark.django_db(transaction=True)

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
PATIENCE_S = 60.0
LEDGER = ("delivery_point_id", "start", "heat_kwh", "quality", "version")

IN_THE_WAY = """
INSERT INTO thermal_siteinterval
    (site_id, start, export_cause, export_basis, curtailed_s, measured_s, it_quality, inputs, rule_version, version,
     settled_at)
VALUES (%(site)s, %(start)s, 0, 0, 0, 0, 4, '{}', 1, 1, %(start)s)
"""


def wait_for(watcher: Any, condition: str, why: str) -> None:
    """Return when a count over the other sessions of this database is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    sessions = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while time.monotonic() < deadline:
        if watcher.execute(f"SELECT {condition} {sessions}").fetchone()[0]:
            return
        watcher.execute("SELECT pg_sleep(0.05)")
    pytest.fail(why)


def test_a_killed_settlement_is_repeated_whole() -> None:
    thermal.make_partitions(DAY, months=3)
    point = hosting.make_delivery_point()
    meter = hosting.make_placement(delivery_point=point, valid_from=DAY).meter
    rows = [(DAY + n * dt.timedelta(minutes=15), 10 + 2 * n) for n in range(1, 97)]
    thermal.make_readings(meter, rows)
    marking.mark_recorded(readings=[(meter.pk, at) for at, _ in rows], now=DAY)
    marks = set(DirtyMark.objects.values_list("site_id", "start"))
    assert len(marks) == 97

    parameters = connection.get_connection_params()
    parameters = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if key in parameters}
    with psycopg.connect(**parameters) as holder, psycopg.connect(**parameters, autocommit=True) as watcher:
        # An uncommitted row of the site stops the settlement between its two statements.
        holder.execute(IN_THE_WAY, {"site": point.site_id, "start": DAY})
        with programs.celery_worker("settle"):
            tasks.settle.delay()
            blocked = "count(*) FILTER (WHERE wait_event_type = 'Lock') > 0"
            wait_for(watcher, blocked, "The settlement never came to the row in its way.")
        holder.rollback()
        wait_for(
            watcher, "count(*) FILTER (WHERE state = 'active') = 0", "The session of the killed settlement lives on."
        )

    assert set(DirtyMark.objects.values_list("site_id", "start")) == marks
    assert not HeatInterval.objects.exists()
    assert not SiteInterval.objects.exists()

    with programs.celery_worker("settle"):
        tasks.settle.delay()
        waiting.wait_for(lambda: not DirtyMark.objects.exists(), seconds=PATIENCE_S)
    ledger = list(HeatInterval.objects.order_by("start").values_list(*LEDGER))
    assert [row[2] for row in ledger[:96]] == [12, *[2] * 95]
    assert {row[4] for row in ledger} == {1}
    assert not DirtyMark.objects.exists()
