"""The record classes of an audit pack: which rows, which columns, and how they stood at an earlier instant."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import BinaryField, Exists, F, ForeignKey, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from compliance.models import (
    Document,
    Incident,
    IncidentEntry,
    MaintenancePlan,
    Permit,
    PermitCondition,
    Task,
    WaterCircuit,
    WaterLimit,
    WaterResult,
    WaterSample,
)
from compliance.queries.scope import Scope
from contracts.models import (
    Contract,
    CreditNote,
    Invoice,
    InvoiceLine,
    LegalEntity,
    Offtaker,
    PriceTerms,
    SlaDay,
    SlaResult,
    SlaTerms,
)
from hosting.models import (
    Connection,
    Controller,
    DeliveryPoint,
    Device,
    DeviceProfile,
    Equipment,
    EquipmentModel,
    Measurement,
    Meter,
    MeterPlacement,
    PlannedOutage,
    ProfilePoint,
    Site,
)
from thermal.models import Alarm, AlarmRule, AlarmTransition, HeatInterval, MeterReading, SiteInterval

CHUNK_ROWS: Final = 5000
# People read these instead of a number that only the database knows.
NATURAL_KEYS: Final[dict[type[Model], str]] = {
    Site: "code",
    Equipment: "tag",
    DeliveryPoint: "code",
    Meter: "serial",
    Controller: "code",
    Device: "code",
    Contract: "number",
    Offtaker: "code",
    LegalEntity: "code",
    Invoice: "number",
    User: "email",
}


@dataclass(frozen=True)
class Undo:
    """What a row said before something happened to it: these values, as long as `at` lies after the as-of time."""

    at: str
    values: dict[str, Any]

    def apply(self, row: dict[str, Any], as_of: datetime) -> None:
        """Put the row back to how it stood."""
        if row[self.at] is not None and row[self.at] > as_of:
            row.update(self.values)


@dataclass(frozen=True)
class Table:
    """One record class: its file name, its words, its rows in order."""

    path: str
    title: str | Promise
    model: type[Model]
    rows: Callable[[Scope], QuerySet[Any]]
    order: tuple[str, ...]
    leave_out: tuple[str, ...] = ()
    undo: tuple[Undo, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()

    @cached_property
    def columns(self) -> dict[str, str]:
        """Each column of the file with the lookup that fills it."""
        told = dict(self._column(field) for field in self.model._meta.concrete_fields if self._is_told(field))
        return told | dict(self.instead)

    def _is_told(self, field: Any) -> bool:
        composite = field.get_internal_type() == "CompositePrimaryKey"
        return not (composite or isinstance(field, BinaryField) or field.name in self.leave_out)

    @staticmethod
    def _column(field: Any) -> tuple[str, str]:
        key = NATURAL_KEYS.get(field.related_model) if isinstance(field, ForeignKey) else None
        return (field.name, f"{field.name}__{key}") if key else (field.attname, field.attname)

    def read(self, scope: Scope) -> Iterator[dict[str, Any]]:
        """Each row as column and value, in order, a few thousand in memory at once."""
        rows = self.rows(scope).order_by(*self.order).values_list(*self.columns.values())
        for values in rows.iterator(chunk_size=CHUNK_ROWS):
            row = dict(zip(self.columns, values, strict=True))
            for undo in self.undo:
                undo.apply(row, scope.as_of)
            yield row


def at_sites(model: Any, path: str = "site") -> Callable[[Scope], QuerySet[Any]]:
    """The rows of a model that hang on the sites of the scope."""

    def rows(scope: Scope) -> QuerySet[Any]:
        return scope.seen(model.objects.filter(**{f"{path}__in": scope.sites().values("pk")}))

    return rows


def narrowed(
    base: Callable[[Scope], QuerySet[Any]], *conditions: Callable[[Scope], Q]
) -> Callable[[Scope], QuerySet[Any]]:
    """The base rows that meet the conditions as well."""

    def rows(scope: Scope) -> QuerySet[Any]:
        found = base(scope)
        for condition in conditions:
            found = found.filter(condition(scope))
        return found

    return rows


def readings(scope: Scope) -> QuerySet[Any]:
    """The readings that meters took while they stood at the sites, with the closing one at the period's end."""
    stays = scope.placements().filter(meter=OuterRef("meter"), valid_from__lte=OuterRef("at"))
    stays = stays.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=OuterRef("at")))
    in_period = Q(at__gte=scope.period.start, at__lte=scope.period.end, received_at__lte=scope.as_of)
    rows = MeterReading.objects.filter(in_period, meter__in=scope.meters().values("pk"))
    found: QuerySet[Any] = rows.filter(Exists(stays))
    return found


def contracts(scope: Scope) -> QuerySet[Any]:
    """The contracts at the sites that the requester may see and that ran in the period."""
    rows = Contract.objects.filter(delivery_point__site__in=scope.sites().values("pk"))
    return scope.seen(rows.exclude(state=Contract.State.DRAFT).filter(scope.day_overlaps("starts_on", "ends_on")))


def of_contracts(model: Any, path: str = "contract") -> Callable[[Scope], QuerySet[Any]]:
    """The rows of a model that hang on the contracts of the scope."""

    def rows(scope: Scope) -> QuerySet[Any]:
        found: QuerySet[Any] = model.objects.filter(**{f"{path}__in": contracts(scope).values("pk")})
        return found

    return rows


def invoices(scope: Scope) -> QuerySet[Any]:
    """The invoices issued by then for months that share a day with the period."""
    issued = of_contracts(Invoice)(scope).filter(state=Invoice.State.ISSUED, issued_at__lte=scope.as_of)
    found: QuerySet[Any] = issued.filter(starts_at__lt=scope.period.end, ends_at__gt=scope.period.start)
    return found


def credit_notes(scope: Scope) -> QuerySet[Any]:
    """The credit notes issued by then for the invoices of the pack."""
    issued = CreditNote.objects.filter(state=CreditNote.State.ISSUED, decided_at__lte=scope.as_of)
    return issued.filter(invoice__in=invoices(scope).values("pk"))


def tasks(scope: Scope) -> QuerySet[Any]:
    """The tasks known by then that fell due or were done in the period."""
    known = at_sites(Task)(scope).filter(created_at__lte=scope.as_of)
    return known.filter(scope.days("due_on") | scope.days("done_on"))


def incidents(scope: Scope) -> QuerySet[Any]:
    """The incidents known by then that were open at some time in the period."""
    known = at_sites(Incident)(scope).filter(created_at__lte=scope.as_of)
    entries = IncidentEntry.objects.filter(incident=OuterRef("pk"), recorded_at__lte=scope.as_of).exclude(state="")
    known = known.annotate(known_state=_latest(entries.order_by("-recorded_at", "-pk"), "state"))
    found: QuerySet[Any] = known.filter(scope.overlaps("detected_at", "closed_at"))
    return found


def _latest(rows: QuerySet[Any], name: str) -> Any:
    """The state that the newest of the rows tells; the one that stands there now where none does."""
    return Coalesce(Subquery(rows.values(name)[:1]), F("state"))


def samples(scope: Scope) -> QuerySet[Any]:
    """The samples taken in the period and recorded by then."""
    taken = at_sites(WaterSample, "circuit__site")(scope).filter(recorded_at__lte=scope.as_of)
    return taken.filter(scope.instants("taken_at"))


def documents(scope: Scope) -> QuerySet[Any]:
    """The documents uploaded by then that speak of a day in the period or belong to a record of the pack."""
    known = at_sites(Document)(scope).filter(uploaded_at__lte=scope.as_of)
    of_record = (
        Q(task__in=tasks(scope).values("pk"))
        | Q(sample__in=samples(scope).values("pk"))
        | Q(incident__in=incidents(scope).values("pk"))
        | Q(permit__in=permits(scope).values("pk"))
        | Q(circuit__isnull=False)
        | Q(plan__isnull=False)
    )
    return known.filter(scope.days("evidence_on") | of_record)


def permits(scope: Scope) -> QuerySet[Any]:
    """The permits known by then that held at some time in the period or are applied for."""
    known = at_sites(Permit)(scope).filter(created_at__lte=scope.as_of)
    return known.filter(Q(issued_on__isnull=True) | scope.day_overlaps("issued_on", "expires_on"))


def alarms(scope: Scope) -> QuerySet[Any]:
    """The alarms raised by then that were open at some time in the period."""
    known = at_sites(Alarm)(scope).filter(raised_at__lte=scope.as_of)
    changes = AlarmTransition.objects.filter(alarm=OuterRef("pk"), at__lte=scope.as_of).order_by("-at", "-pk")
    known = known.annotate(known_state=_latest(changes, "to_state"))
    found: QuerySet[Any] = known.filter(scope.overlaps("raised_at", "closed_at"))
    return found


def used_models(scope: Scope) -> QuerySet[Any]:
    """The products that the sites' equipment is an instance of."""
    return EquipmentModel.objects.filter(pk__in=at_sites(Equipment)(scope).values("model"))


def used_profiles(scope: Scope) -> QuerySet[Any]:
    """The device profiles by which the sites' devices are read."""
    return DeviceProfile.objects.filter(pk__in=at_sites(Device, "controller__site")(scope).values("profile"))


ALARM_UNDO: Final = (
    Undo("closed_at", {"closed_at": None}),
    Undo("returned_at", {"returned_at": None}),
    Undo("acknowledged_at", {"acknowledged_at": None, "acknowledged_by": None}),
)
TASK_UNDO: Final = (
    Undo(
        "done_at",
        {"state": Task.State.OPEN, "outcome": "", "note": "", "done_on": None, "done_by": None, "done_at": None},
    ),
)
INCIDENT_UNDO: Final = (
    Undo("closed_at", {"cause": "", "closed_at": None}),
    Undo("reported_at", {"reported_at": None, "report_receipt": ""}),
)
KNOWN_STATE: Final = (("state", "known_state"),)
OUTAGE_UNDO: Final = (Undo("cancelled_at", {"cancelled_at": None}),)
# How a controller or device is doing right now is no fact of the period and changes every minute.
_CONTROLLER_NOW: Final = ("next_poll_at", "claimed_until", "claim_token")
_DEVICE_NOW: Final = (
    "circuit",
    "failure_count",
    "retry_at",
    "last_polled_at",
    "last_success_at",
    "last_error",
    "last_latency_ms",
    "clock_offset_s",
)
_RULE_NOW: Final = ("condition_since", "clear_since", "evaluated_at")

TABLES: Final[Sequence[Table]] = (
    Table("sites/sites", _("sites"), Site, Scope.sites, ("code",)),
    Table("sites/equipment", _("equipment"), Equipment, at_sites(Equipment), ("site__code", "tag")),
    Table("sites/equipment_models", _("equipment models"), EquipmentModel, used_models, ("manufacturer", "name")),
    Table("sites/connections", _("pipes"), Connection, at_sites(Connection, "source__site"), ("pk",)),
    Table("sites/delivery_points", _("delivery points"), DeliveryPoint, at_sites(DeliveryPoint), ("code",)),
    Table(
        "sites/planned_outages",
        _("planned works"),
        PlannedOutage,
        narrowed(
            at_sites(PlannedOutage),
            lambda scope: scope.overlaps("starts_at", "ends_at"),
            lambda scope: Q(announced_at__lte=scope.as_of),
        ),
        ("site__code", "starts_at", "pk"),
        undo=OUTAGE_UNDO,
    ),
    Table(
        "field/controllers", _("controllers"), Controller, at_sites(Controller), ("code",), leave_out=_CONTROLLER_NOW
    ),
    Table(
        "field/devices", _("devices"), Device, at_sites(Device, "controller__site"), ("code",), leave_out=_DEVICE_NOW
    ),
    Table("field/profiles", _("device profiles"), DeviceProfile, used_profiles, ("key", "version")),
    Table(
        "field/profile_points",
        _("points of the profiles"),
        ProfilePoint,
        lambda scope: ProfilePoint.objects.filter(profile__in=used_profiles(scope).values("pk")),
        ("profile__key", "profile__version", "slot"),
    ),
    Table("field/measurements", _("measurements"), Measurement, at_sites(Measurement), ("pk",)),
    Table("metering/meters", _("meters"), Meter, Scope.meters, ("serial",)),
    Table(
        "metering/placements",
        _("meter placements"),
        MeterPlacement,
        Scope.placements,
        ("site__code", "valid_from", "pk"),
    ),
    Table("metering/readings", _("meter readings"), MeterReading, readings, ("meter_id", "at", "version")),
    Table(
        "ledger/heat_intervals",
        _("heat ledger of delivery points"),
        HeatInterval,
        narrowed(
            at_sites(HeatInterval, "delivery_point__site"),
            lambda scope: scope.instants("start"),
            lambda scope: Q(settled_at__lte=scope.as_of),
        ),
        ("delivery_point_id", "start"),
    ),
    Table(
        "ledger/site_intervals",
        _("heat ledger of sites"),
        SiteInterval,
        narrowed(
            at_sites(SiteInterval),
            lambda scope: scope.instants("start"),
            lambda scope: Q(settled_at__lte=scope.as_of),
        ),
        ("site_id", "start"),
    ),
    Table("alarms/rules", _("alarm rules"), AlarmRule, at_sites(AlarmRule), ("site__code", "key"), leave_out=_RULE_NOW),
    Table("alarms/alarms", _("alarms"), Alarm, alarms, ("raised_at", "pk"), undo=ALARM_UNDO, instead=KNOWN_STATE),
    Table(
        "alarms/transitions",
        _("changes of alarms"),
        AlarmTransition,
        lambda scope: AlarmTransition.objects.filter(alarm__in=alarms(scope).values("pk"), at__lte=scope.as_of),
        ("alarm_id", "at", "pk"),
    ),
    Table("contracts/contracts", _("contracts"), Contract, contracts, ("number",)),
    Table(
        "contracts/offtakers",
        _("offtakers"),
        Offtaker,
        lambda scope: Offtaker.objects.filter(pk__in=contracts(scope).values("offtaker")),
        ("code",),
    ),
    Table(
        "contracts/price_terms",
        _("price terms"),
        PriceTerms,
        narrowed(of_contracts(PriceTerms), lambda scope: scope.day_overlaps("valid_from", "valid_until")),
        ("contract__number", "valid_from"),
    ),
    Table(
        "contracts/sla_terms",
        _("service level terms"),
        SlaTerms,
        narrowed(of_contracts(SlaTerms), lambda scope: scope.day_overlaps("valid_from", "valid_until")),
        ("contract__number", "valid_from"),
    ),
    Table(
        "contracts/sla_days",
        _("service level of every quarter hour"),
        SlaDay,
        narrowed(of_contracts(SlaDay), lambda scope: scope.days("day_on"), lambda scope: Q(judged_at__lte=scope.as_of)),
        ("contract__number", "day_on"),
    ),
    Table(
        "contracts/sla_results",
        _("service level of every month"),
        SlaResult,
        narrowed(
            of_contracts(SlaResult),
            lambda scope: Q(starts_at__lt=scope.period.end, ends_at__gt=scope.period.start),
            lambda scope: Q(judged_at__lte=scope.as_of),
        ),
        ("contract__number", "month_on", "version"),
        # A version that came later takes this mark away from an earlier one.
        leave_out=("is_latest",),
    ),
    Table("billing/invoices", _("invoices"), Invoice, invoices, ("number",)),
    Table(
        "billing/invoice_lines",
        _("lines of the invoices"),
        InvoiceLine,
        lambda scope: InvoiceLine.objects.filter(invoice__in=invoices(scope).values("pk")),
        ("invoice__number", "position"),
    ),
    Table("billing/credit_notes", _("credit notes"), CreditNote, credit_notes, ("number",)),
    Table(
        "maintenance/plans",
        _("maintenance plans"),
        MaintenancePlan,
        narrowed(at_sites(MaintenancePlan), lambda scope: scope.day_overlaps("starts_on", "ends_on")),
        ("site__code", "title", "pk"),
    ),
    Table("maintenance/tasks", _("tasks"), Task, tasks, ("due_on", "pk"), undo=TASK_UNDO),
    Table("water/circuits", _("water circuits"), WaterCircuit, at_sites(WaterCircuit), ("site__code", "code")),
    Table("water/samples", _("water samples"), WaterSample, samples, ("taken_at", "pk")),
    Table(
        "water/results",
        _("results of the samples"),
        WaterResult,
        lambda scope: WaterResult.objects.filter(sample__in=samples(scope).values("pk")),
        ("sample_id", "parameter"),
    ),
    Table(
        "water/limits",
        _("limits that judged the results"),
        WaterLimit,
        lambda scope: WaterLimit.objects.filter(
            pk__in=WaterResult.objects.filter(sample__in=samples(scope).values("pk")).values("limit")
        ),
        ("treatment", "parameter", "jurisdiction", "valid_from"),
    ),
    Table("permits/permits", _("permits"), Permit, permits, ("site__code", "kind", "pk")),
    Table(
        "permits/conditions",
        _("conditions of the permits"),
        PermitCondition,
        lambda scope: PermitCondition.objects.filter(permit__in=permits(scope).values("pk")),
        ("permit_id", "number"),
    ),
    Table(
        "incidents/incidents",
        _("incidents"),
        Incident,
        incidents,
        ("detected_at", "pk"),
        undo=INCIDENT_UNDO,
        instead=KNOWN_STATE,
    ),
    Table(
        "incidents/entries",
        _("time lines of the incidents"),
        IncidentEntry,
        lambda scope: IncidentEntry.objects.filter(
            incident__in=incidents(scope).values("pk"), recorded_at__lte=scope.as_of
        ),
        ("incident_id", "at", "pk"),
    ),
    Table(
        "documents/documents",
        _("documents"),
        Document,
        documents,
        ("evidence_on", "pk"),
        leave_out=("storage_name",),
    ),
)


def number_gaps(scope: Scope) -> Iterator[dict[str, Any]]:
    """One row for each series of numbers that the pack's invoices and credit notes belong to, with what it lacks."""
    for kind, found, model, known in (
        ("invoice", invoices(scope), Invoice, Q(issued_at__lte=scope.as_of)),
        ("credit_note", credit_notes(scope), CreditNote, Q(decided_at__lte=scope.as_of)),
    ):
        series_ids = found.order_by("series").values_list("series", flat=True).distinct()
        for series_id in list(series_ids):
            numbered = model.objects.filter(known, series=series_id).order_by("sequence_number")
            yield _gaps_of(kind, series_id, numbered)


def _gaps_of(kind: str, series_id: int, numbered: QuerySet[Any]) -> dict[str, Any]:
    given = list(numbered.values_list("sequence_number", flat=True))
    entity, year = numbered.values_list("series__legal_entity__code", "series__year").first() or ("", 0)
    missing = sorted(set(range(1, given[-1] + 1)) - set(given))
    return {
        "kind": kind,
        "series_id": series_id,
        "legal_entity": entity,
        "year": year,
        "first_number": given[0],
        "last_number": given[-1],
        "issued_count": len(given),
        "missing_count": len(missing),
        "missing_numbers": " ".join(str(number) for number in missing),
    }


GAP_COLUMNS: Final = (
    "kind",
    "series_id",
    "legal_entity",
    "year",
    "first_number",
    "last_number",
    "issued_count",
    "missing_count",
    "missing_numbers",
)


def counts(scope: Scope) -> list[tuple[Table, int]]:
    """How many rows each record class of the pack holds."""
    return [(table, table.rows(scope).order_by().count()) for table in TABLES]


def file_of(document: Document) -> str:
    """Where a document stands in the pack."""
    return f"documents/files/{document.pk:08d}-v{document.version}-{document.file_name}"


def stored_documents(scope: Scope) -> QuerySet[Any]:
    """The documents of the pack in order."""
    return documents(scope).order_by("pk")


def invoice_files(scope: Scope) -> QuerySet[Any]:
    """Key and number of each invoice that has a PDF in order; the bytes are read one by one."""
    found: QuerySet[Any] = invoices(scope).filter(document__isnull=False).order_by("number")
    return found.values_list("pk", "number")


def credit_note_files(scope: Scope) -> QuerySet[Any]:
    """Number and key of each credit note in order."""
    found: QuerySet[Any] = credit_notes(scope).order_by("number").values_list("pk", "number")
    return found
