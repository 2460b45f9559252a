"""Marks on billed months whose records changed: written with the change, taken away by who looked.

A month is marked as soon as it has an invoice at all, a draft too: it may be issued in the moment in which the ledger
changes, and neither transaction sees the other.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from contracts.models import BilledMark, Contract
from hosting.models import Meter

Stretch = tuple[int, datetime, datetime]

_OF_STRETCHES = """
INSERT INTO contracts_billedmark (contract_id, month_on, marked_at)
SELECT DISTINCT invoice.contract_id, invoice.month_on, %(now)s::timestamptz
FROM unnest(%(sites)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) touched (site_id, first, last)
JOIN hosting_deliverypoint point ON point.site_id = touched.site_id
JOIN contracts_contract contract ON contract.delivery_point_id = point.id
JOIN contracts_invoice invoice ON invoice.contract_id = contract.id
 AND invoice.starts_at < touched.last AND invoice.ends_at > touched.first
"""

# Only where somebody answered for a doubt does it matter that the doubt is gone.
_OF_METER = """
INSERT INTO contracts_billedmark (contract_id, month_on, marked_at)
SELECT DISTINCT invoice.contract_id, invoice.month_on, clock_timestamp()
FROM hosting_meterplacement placement
JOIN contracts_contract contract ON contract.delivery_point_id = placement.delivery_point_id
JOIN contracts_invoice invoice ON invoice.contract_id = contract.id
 AND invoice.ends_at > placement.valid_from
 AND (placement.valid_until IS NULL OR invoice.starts_at < placement.valid_until)
WHERE placement.meter_id = %(meter)s AND invoice.state = 'issued' AND invoice.facts -> 'substitutions' <> '[]'::jsonb
"""

_OF_ALL = """
INSERT INTO contracts_billedmark (contract_id, month_on, marked_at)
SELECT DISTINCT contract_id, month_on, %(now)s::timestamptz FROM contracts_invoice
WHERE state = 'issued' AND (%(contract)s::bigint IS NULL OR contract_id = %(contract)s)
  AND (%(month_on)s::date IS NULL OR month_on = %(month_on)s)
"""


@transaction.atomic
def mark_stretches(*, stretches: Iterable[Stretch], now: datetime) -> int:
    """The count of billed months marked because the ledger of their sites changed between two instants."""
    touched = list(stretches)
    sites, starts, ends = (
        [one[0] for one in touched],
        [one[1] for one in touched],
        [one[2] for one in touched],
    )
    return _run(_OF_STRETCHES, {"sites": sites, "starts": starts, "ends": ends, "now": now})


@transaction.atomic
def mark_meter(*, meter: Meter) -> int:
    """The count of months marked because what was doubtful about a meter may be settled."""
    return _run(_OF_METER, {"meter": meter.pk})


@transaction.atomic
def mark_month(*, contract: Contract, month_on: date, now: datetime) -> BilledMark:
    """The mark on one month of a contract."""
    return BilledMark.objects.create(contract=contract, month_on=month_on, marked_at=now)


@transaction.atomic
def mark_all(*, now: datetime, contract: Contract | None = None, month_on: date | None = None) -> int:
    """The count of billed months marked: all there are, or those of a contract or a month."""
    return _run(_OF_ALL, {"now": now, "contract": contract.pk if contract else None, "month_on": month_on})


def _run(statement: str, facts: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        return int(cursor.rowcount)
