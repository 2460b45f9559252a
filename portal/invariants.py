"""What must always hold across the whole portal, checked every night over what is stored.

The database refuses most violations when they are written; these checks look for what slipped
past it: a restored backup, a changed trigger, a rule that was wrong. Each check returns sentences
that name the offending rows; none means that the invariant holds.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contracts.models import (
    BilledMark,
    Contract,
    CreditNote,
    Invoice,
    InvoiceDocument,
    NumberSeries,
    SlaDay,
    TrueUp,
)
from contracts.queries import bills, readings
from hosting.models import Site
from kernel import money
from kernel.periods import Period, local_day
from portal import stored_files
from thermal.models import SiteInterval
from thermal.queries import commissioning
from thermal.services import recomputing

SAMPLED_SITES = 20
SAMPLED_DAYS = 12
UTC = ZoneInfo("UTC")
SHOWN_DIFFERENCES = 20
# Those whose quarter hours are settled, and may be billed.
SETTLED_LIFECYCLES = (Site.Lifecycle.COMMISSIONING, Site.Lifecycle.LIVE, Site.Lifecycle.SUSPENDED)
# Meters of class 2 on both sides may disagree by that much (rule V15 of the validation table).
TOLERATED_RATIO = 1.02
# A sweep evaluates every rule each minute; an alarm unlooked at for so long has lost its rule.
STALE_AFTER = dt.timedelta(minutes=15)
# Billed months are looked at every few minutes once their ledger is settled.
UNSEEN_AFTER = dt.timedelta(days=1)
# A device that told nothing for so long has another problem than its acceptance.
POLLED_LATELY = dt.timedelta(days=2)


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold, under the number that the design gives it."""

    number: int
    statement: Any
    violations: Callable[[dt.datetime], Iterator[str]]


@dataclass(frozen=True)
class Finding:
    """An invariant and the sentences that say where it is broken."""

    invariant: Invariant
    violations: list[str]


def check(*, now: dt.datetime) -> list[Finding]:
    """Every invariant with what breaks it, in the order of the design."""
    return [Finding(invariant, list(invariant.violations(now))) for invariant in INVARIANTS]


def _number_gaps(_now: dt.datetime) -> Iterator[str]:
    """Series whose numbers are not exactly 1 to the last one given."""
    used: dict[int | None, list[int]] = {}
    for model in (Invoice, CreditNote):
        for key, number in model.objects.filter(series__isnull=False).values_list("series", "sequence_number"):
            used.setdefault(key, []).append(number or 0)
    for series in NumberSeries.objects.select_related("legal_entity"):
        numbers = sorted(used.get(series.pk, []))
        if numbers != list(range(1, series.last_number + 1)):
            facts = {"series": series, "count": len(numbers), "last": series.last_number}
            yield _("Series %(series)s: %(count)s documents where the last number is %(last)s.") % facts


def _changed_documents(_now: dt.datetime) -> Iterator[str]:
    """Issued documents whose bytes are not those that were hashed."""
    rows = InvoiceDocument.objects.values_list("invoice__number", "pdf", "sha256").iterator(200)
    notes = (
        CreditNote.objects.filter(state=CreditNote.State.ISSUED).values_list("number", "pdf", "sha256").iterator(200)
    )
    for documents in (rows, notes):
        for number, pdf, recorded in documents:
            if hashlib.sha256(bytes(pdf or b"")).hexdigest() != recorded:
                yield _("Document %(number)s is not the one that was issued.") % {"number": number}
    for number in Invoice.objects.filter(state=Invoice.State.ISSUED, document=None).values_list("number", flat=True):
        yield _("Invoice %(number)s has no document.") % {"number": number}


def _wrong_sums(_now: dt.datetime) -> Iterator[str]:
    """Invoices whose lines do not add up, or whose VAT is not that of the net sum of each rate."""
    for invoice in Invoice.objects.filter(state=Invoice.State.ISSUED).prefetch_related("lines").iterator(500):
        nets: dict[Decimal, Decimal] = {}
        for line in invoice.lines.all():
            nets[line.vat_ratio] = nets.get(line.vat_ratio, Decimal(0)) + line.net_amount
        vat = sum((money.round_money(net * rate, invoice.currency) for rate, net in nets.items()), Decimal(0))
        if sum(nets.values(), Decimal(0)) != invoice.net_amount:
            yield _("Invoice %(number)s: its lines do not add up to its net total.") % {"number": invoice.number}
        if vat != invoice.vat_amount:
            yield _("Invoice %(number)s: VAT is not that of its net sums.") % {"number": invoice.number}


def _missing_days(_now: dt.datetime) -> Iterator[str]:
    """Contracts with a local day between two invoices that is billed twice or not at all."""
    rows = (
        Invoice.objects.filter(state=Invoice.State.ISSUED)
        .filter(~bills.cancelled())
        .select_related("contract")
        .order_by("contract", "starts_on")
    )
    for contract, invoices in groupby(rows, key=lambda invoice: invoice.contract):
        for earlier, later in pairwise(invoices):
            facts = {"contract": contract, "earlier": earlier.number, "later": later.number}
            if later.starts_on < earlier.ends_on:
                yield _("Contract %(contract)s: %(earlier)s and %(later)s bill a day twice.") % facts
            if later.starts_on > earlier.ends_on:
                yield _("Contract %(contract)s: days between %(earlier)s and %(later)s are not billed.") % facts


def _incomplete_judgement(_now: dt.datetime) -> Iterator[str]:
    """Days of contracts that were judged over more or fewer minutes than they have."""
    days = SlaDay.objects.select_related("contract__delivery_point__site").iterator(2000)
    for day in days:
        whole = local_day(day.day_on, day.contract.delivery_point.site.zone)
        judged = Period(day.starts_at, day.starts_at + dt.timedelta(minutes=15 * len(day.classes)))
        if not whole.covers(judged):
            facts = {"contract": day.contract, "day": day.day_on}
            yield _("Contract %(contract)s, %(day)s: judged beyond the day.") % facts


def _stale_ledger(now: dt.datetime) -> Iterator[str]:
    """Rows of sampled days that differ from their recomputation; what was recomputed is taken back."""
    for site in Site.objects.filter(lifecycle__in=SETTLED_LIFECYCLES).order_by("?")[:SAMPLED_SITES]:
        starts = SiteInterval.objects.filter(site=site).order_by("?").values_list("start", flat=True)[:SAMPLED_DAYS]
        days = [local_day(day_on, UTC) for day_on in sorted({start.astimezone(dt.UTC).date() for start in starts})]
        found = recomputing.differences(site=site, periods=days, now=now)
        yield from map(_difference, found[:SHOWN_DIFFERENCES])
        if len(found) > SHOWN_DIFFERENCES:
            facts = {"site": site, "count": len(found) - SHOWN_DIFFERENCES}
            yield _("Site %(site)s: %(count)s more values of the ledger differ from their recomputation.") % facts


def _difference(one: recomputing.Difference) -> str:
    facts = {
        "owner": one.owner, "start": one.start.isoformat(), "field": one.field, "kept": one.kept,
        "recomputed": one.recomputed, "by": one.by,
    }  # fmt: skip
    if one.by is None:
        return _("%(owner)s, %(start)s: %(field)s is %(kept)s in the ledger, recomputed %(recomputed)s.") % facts
    return (
        _("%(owner)s, %(start)s: %(field)s is %(kept)s in the ledger, recomputed %(recomputed)s, off by %(by)s.")
        % facts
    )


_EXPIRED = """
SELECT i.number, m.serial
FROM contracts_invoice i
JOIN contracts_contract c ON c.id = i.contract_id
JOIN hosting_meterplacement p ON p.delivery_point_id = c.delivery_point_id
    AND p.valid_from < i.ends_at AND (p.valid_until IS NULL OR p.valid_until > i.starts_at)
JOIN hosting_meter m ON m.id = p.meter_id
WHERE i.state = 'issued' AND m.verified_until_on < i.ends_on
ORDER BY 1
"""


def _expired_meters(_now: dt.datetime) -> Iterator[str]:
    """Invoices made from a meter whose verification had run out."""
    for number, serial in _rows(_EXPIRED):
        facts = {"number": number, "serial": serial}
        yield _("Invoice %(number)s was made from meter %(serial)s, whose verification had expired.") % facts


def _unexplained_bills(now: dt.datetime) -> Iterator[str]:
    """Billed months whose records changed and that nobody looked at; cancelled ones that were forgotten."""
    marks = BilledMark.objects.filter(marked_at__lt=now - UNSEEN_AFTER).order_by("contract", "month_on")
    for contract, month_on in marks.values_list("contract__number", "month_on").distinct():
        facts = {"contract": contract, "month": f"{month_on:%Y-%m}"}
        yield _("Contract %(contract)s, %(month)s: its records changed, and the bill was not looked at.") % facts
    for true_up in TrueUp.objects.filter(reasons=[]).select_related("invoice"):
        yield _("True-up of %(number)s says no reason.") % {"number": true_up.invoice.number}
    standing = Invoice.objects.filter(
        contract=OuterRef("contract"), month_on=OuterRef("month_on"), state=Invoice.State.ISSUED
    ).filter(~bills.cancelled())
    explained = TrueUp.objects.filter(
        invoice__contract=OuterRef("contract"), invoice__month_on=OuterRef("month_on"),
        state__in=[*TrueUp.LIVE, TrueUp.State.WAIVED],
    )  # fmt: skip
    unseen = BilledMark.objects.filter(contract=OuterRef("contract"), month_on=OuterRef("month_on"))
    forgotten = Invoice.objects.filter(bills.cancelled(), ~Exists(standing), ~Exists(explained), ~Exists(unseen))
    for number in forgotten.order_by("number").values_list("number", flat=True):
        yield _("Invoice %(number)s was cancelled, and its month neither billed again nor waived.") % {"number": number}


def _unaccepted_devices(now: dt.datetime) -> Iterator[str]:
    """Devices whose registers are polled for a bill although nobody compared them with the display."""
    lately = Period(now - POLLED_LATELY, now)
    contracts = Contract.objects.filter(
        state=Contract.State.ACTIVE, starts_on__lte=now.date(), legal_entity__requires_acceptance=True
    ).exclude(ends_on__lte=now.date())
    for contract in contracts.select_related("delivery_point").order_by("number"):
        placements = readings.placements_in(contract.delivery_point, lately)
        for one in commissioning.unaccepted(placements, lately):
            facts = {"contract": contract, "serial": one.placement.meter.serial, "device": one.device or "–"}
            yield _("Contract %(contract)s: device %(device)s reads meter %(serial)s and is not accepted.") % facts


def _outdated_acceptances(_now: dt.datetime) -> Iterator[str]:
    """Devices that are read otherwise than when they were accepted."""
    for one in commissioning.outdated():
        facts = {"device": one.device, "accepted": one.acceptance.profile, "profile": one.device.profile}
        if one.is_same_profile:
            yield _("Device %(device)s: the register map of %(profile)s was changed since it was accepted.") % facts
        else:
            yield _("Device %(device)s was accepted with %(accepted)s and is read with %(profile)s.") % facts


_TOO_MUCH_HEAT = """
SELECT s.code, date_trunc('day', v.start AT TIME ZONE s.time_zone)::date AS day
FROM thermal_siteinterval v JOIN hosting_site s ON s.id = v.site_id
GROUP BY 1, 2
HAVING count(v.it_kwh) = count(*) AND count(v.delivered_kwh) = count(*)
   AND sum(v.delivered_kwh)
       > %(tolerated)s * (sum(v.it_kwh) + coalesce(sum(v.heat_pump_kwh), 0)) - coalesce(sum(v.buffer_change_kwh), 0)
ORDER BY 1, 2
"""


def _too_much_heat(_now: dt.datetime) -> Iterator[str]:
    """Sites that on some day delivered more heat than their IT and heat pumps can have made."""
    for code, day in _rows(_TOO_MUCH_HEAT, tolerated=TOLERATED_RATIO):
        yield _("Site %(site)s delivered more heat on %(day)s than it made.") % {"site": code, "day": day}


_ORPHANED_ALARMS = """
SELECT a.id, s.code
FROM thermal_alarm a JOIN thermal_alarmrule r ON r.id = a.rule_id JOIN hosting_site s ON s.id = a.site_id
WHERE a.state <> 'closed' AND (NOT r.enabled OR r.evaluated_at IS NULL OR r.evaluated_at < %(oldest)s)
ORDER BY 1
"""


def _orphaned_alarms(now: dt.datetime) -> Iterator[str]:
    """Open alarms that nobody looks after."""
    for number, code in _rows(_ORPHANED_ALARMS, oldest=now - STALE_AFTER):
        facts = {"alarm": number, "site": code}
        yield _("Alarm %(alarm)s at %(site)s is open, but its rule is off or was not evaluated lately.") % facts


def _stray_files(now: dt.datetime) -> Iterator[str]:
    """Rows whose file is gone, and files that belong to nothing."""
    for name in stored_files.missing():
        yield _("File %(name)s is missing from the storage.") % {"name": name}
    for name in stored_files.orphans(now=now):
        yield _("File %(name)s belongs to no record; manage.py sweep_files removes it.") % {"name": name}


def _rows(sql: str, **facts: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return list(cursor.fetchall())


INVARIANTS = (
    Invariant(1, gettext_lazy("Numbers are gapless in every series."), _number_gaps),
    Invariant(1, gettext_lazy("Issued documents never change."), _changed_documents),
    Invariant(
        1, gettext_lazy("Every photo, document and pack has its file, and no other file lies there."), _stray_files
    ),
    Invariant(2, gettext_lazy("Lines add up to totals, and VAT is that of net sums."), _wrong_sums),
    Invariant(
        3,
        gettext_lazy("Every billed month is what the records say, or is explained."),
        _unexplained_bills,
    ),
    Invariant(4, gettext_lazy("No local day of a contract is missing or counted twice."), _missing_days),
    Invariant(5, gettext_lazy("Service levels are judged once for every minute."), _incomplete_judgement),
    Invariant(6, gettext_lazy("The ledger equals its recomputation (random sample)."), _stale_ledger),
    Invariant(8, gettext_lazy("No bill is made from an expired meter."), _expired_meters),
    Invariant(
        8, gettext_lazy("Every device that is billed from was accepted, where that is asked."), _unaccepted_devices
    ),
    Invariant(8, gettext_lazy("Every accepted device is read as it was accepted."), _outdated_acceptances),
    Invariant(9, gettext_lazy("No site delivers more heat than it makes."), _too_much_heat),
    Invariant(10, gettext_lazy("Every open alarm has a live rule."), _orphaned_alarms),
)
