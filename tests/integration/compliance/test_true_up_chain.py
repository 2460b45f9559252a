"""What an auditor finds in a pack about an invoice that was cancelled and replaced: the whole chain, as of any day."""

import datetime as dt
from typing import Any

import pytest

from compliance.queries import contents
from compliance.queries.scope import Scope
from kernel.periods import Period
from tests.makers import accounts
from tests.makers.true_ups import LATER, NOW, make_world

pytestmark = pytest.mark.django_db


def rows(path: str, scope: Scope) -> list[dict[str, Any]]:
    (table,) = (each for each in contents.TABLES if each.path == path)
    return list(table.read(scope))


def test_the_pack_tells_why_an_invoice_was_cancelled_and_by_what_it_was_replaced(settings: Any) -> None:
    settings.BILLING_MIN_ACTUAL_RATIO = 0.5
    world = make_world()
    correction = world.estimate()
    world.bill()
    world.withdraw(correction)
    (found,) = world.look()
    settled = world.settle(found, now=LATER + dt.timedelta(hours=1))
    site, zone = world.contract.delivery_point.site, world.contract.zone
    period = Period(world.at(0), world.at(144))
    auditor = accounts.person("auditor", sees=(site, world.contract))
    scope = Scope([site.pk], period, LATER + dt.timedelta(days=1), zone, auditor)
    (kept,) = rows("metering/corrections", scope)
    assert (kept["state"], kept["heat_kwh"]) == ("withdrawn", correction.heat_kwh)
    assert sum(row["heat_kwh"] for row in rows("metering/estimated_heat", scope)) == correction.heat_kwh
    assert settled.credit_note is not None
    assert settled.replacement is not None
    (told,) = rows("billing/true_ups", scope)
    assert (told["state"], told["invoice"]) == ("settled", settled.invoice.number)
    assert (told["credit_note"], told["replacement"]) == (settled.credit_note.number, settled.replacement.number)
    numbers = {row["number"]: row["replaces"] for row in rows("billing/invoices", scope)}
    assert numbers[settled.replacement.number] == settled.invoice.number
    before = Scope([site.pk], period, LATER, zone, auditor)
    (open_one,) = rows("billing/true_ups", before)
    assert (open_one["state"], open_one["credit_note"], open_one["replacement"]) == ("open", None, None)
    assert rows("billing/true_ups", Scope([site.pk], period, NOW, zone, auditor)) == []
    assert rows("billing/true_ups", Scope([site.pk], period, LATER, zone, accounts.person())) == []
