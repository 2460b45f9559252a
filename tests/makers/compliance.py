"""Small factories of duties, water, permits, incidents, documents and packs; every argument has a default."""

import datetime as dt
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from accounts.models import User
from compliance.models import (
    AuditPack,
    Document,
    Incident,
    IncidentEntry,
    MaintenancePlan,
    Permit,
    PermitCondition,
    Subject,
    Task,
    WaterCircuit,
    WaterLimit,
    WaterSample,
)
from compliance.models.water import Parameter
from compliance.services import evidence, packs, treatment
from hosting.models import Site
from tests.makers import hosting
from tests.makers.accounts import compliance_officer

NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
PDF = b"%PDF-1.4\n% a very short report\n%%EOF\n"
_number = itertools.count(1)


def make_plan(site: Site | None = None, **fields: Any) -> MaintenancePlan:
    defaults: dict[str, Any] = {
        "site": site or hosting.make_site(),
        "subject": Subject.MAINTENANCE,
        "title": f"Clean strainer {next(_number)}",
        "interval_months": 0 if fields.get("interval_days") else 3,
        "starts_on": dt.date(2026, 1, 31),
    }
    return MaintenancePlan.objects.create(**defaults | fields)


def make_task(site: Site | None = None, **fields: Any) -> Task:
    defaults: dict[str, Any] = {
        "site": site or hosting.make_site(),
        "title": f"Look at pump {next(_number)}",
        "due_on": dt.date(2026, 11, 10),
        "created_at": NOW - dt.timedelta(days=30),
    }
    return Task.objects.create(**defaults | fields)


def make_circuit(site: Site | None = None, **fields: Any) -> WaterCircuit:
    number = next(_number)
    defaults: dict[str, Any] = {
        "site": site or hosting.make_site(),
        "code": f"loop-{number}",
        "name": f"Primary loop {number}",
        "volume_l": 420.0,
    }
    return WaterCircuit.objects.create(**defaults | fields)


def make_limit(**fields: Any) -> WaterLimit:
    """A limit where the migration ships none, so that tests say themselves what holds."""
    defaults: dict[str, Any] = {
        "jurisdiction": "NL",
        "treatment": "low_salt",
        "parameter": Parameter.PH,
        "lowest_value": "8.2",
        "highest_value": "10.0",
        "valid_from": dt.date(2020, 1, 1),
        "source": "a test",
    }
    return WaterLimit.objects.create(**defaults | fields)


def make_sample(
    circuit: WaterCircuit | None = None, *, ph: str = "9.1", by: User | None = None, **fields: Any
) -> WaterSample:
    defaults: dict[str, Any] = {
        "taken_at": NOW - dt.timedelta(days=3, minutes=next(_number)),
        "now": NOW,
        "figures": [treatment.Figure(Parameter.PH, Decimal(ph))],
    }
    return treatment.record_sample(
        circuit=circuit or make_circuit(), by=by or compliance_officer(), **defaults | fields
    )


def make_permit(site: Site | None = None, **fields: Any) -> Permit:
    defaults: dict[str, Any] = {
        "site": site or hosting.make_site(),
        "kind": Permit.Kind.NOISE,
        "authority": "City of Berlin",
        "reference": f"N-{next(_number)}",
        "issued_on": dt.date(2024, 1, 1),
        "expires_on": dt.date(2027, 1, 1),
        "created_at": NOW - dt.timedelta(days=300),
    }
    return Permit.objects.create(**defaults | fields)


def make_condition(permit: Permit | None = None, **fields: Any) -> PermitCondition:
    defaults = {
        "permit": permit or make_permit(),
        "number": str(next(_number)),
        "text": "No more than 45 dB(A) at night.",
    }
    return PermitCondition.objects.create(**defaults | fields)


def make_incident(site: Site | None = None, **fields: Any) -> Incident:
    defaults: dict[str, Any] = {
        "site": site or hosting.make_site(),
        "title": f"Pump {next(_number)} stopped",
        "detected_at": NOW - dt.timedelta(hours=5),
        "created_at": NOW - dt.timedelta(hours=5),
    }
    incident = Incident.objects.create(**defaults | fields)
    IncidentEntry.objects.create(
        incident=incident, at=incident.detected_at, recorded_at=incident.created_at, state="open", text="It stopped."
    )
    return incident


def make_upload(name: str = "report.pdf", content: bytes = PDF) -> "ContentFile[bytes]":
    return ContentFile(content, name=name)


def make_document(site: Site | None = None, by: User | None = None, **fields: Any) -> Document:
    defaults: dict[str, Any] = {
        "upload": make_upload(content=PDF + str(next(_number)).encode()),
        "title": "Report of the visit",
        "evidence_on": dt.date(2026, 10, 20),
        "now": NOW,
    }
    return evidence.store_document(site=site or hosting.make_site(), by=by or compliance_officer(), **defaults | fields)


def make_wanted(*sites: Site, **fields: Any) -> packs.Wanted:
    defaults: dict[str, Any] = {"first_on": dt.date(2026, 10, 1), "last_on": dt.date(2026, 10, 31), "as_of": NOW}
    return packs.Wanted(list(sites), **defaults | fields)


def make_pack(*sites: Site, by: User | None = None, **fields: Any) -> AuditPack:
    return packs.order_pack(wanted=make_wanted(*sites, **fields), by=by or compliance_officer(), now=NOW)


# How a record of each kind is made at a site.
BY_NOUN: dict[str, Callable[[Site], Any]] = {
    "task": make_task,
    "plan": make_plan,
    "circuit": make_circuit,
    "sample": lambda site: make_sample(make_circuit(site)),
    "permit": make_permit,
    "incident": make_incident,
    "document": make_document,
}
