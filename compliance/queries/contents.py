"""The record classes of an audit pack, in the order of its folders."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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
from compliance.queries import holdings
from compliance.queries.record_class import Table, Undo
from compliance.queries.scope import Scope
from contracts.models import (
    Contract,
    CreditNote,
    Invoice,
    InvoiceLine,
    Offtaker,
    PriceTerms,
    SlaDay,
    SlaResult,
    SlaTerms,
    Substitution,
    TrueUp,
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
from thermal.models import (
    Alarm,
    AlarmRule,
    AlarmTransition,
    CorrectedReading,
    Correction,
    EstimatedHeat,
    HeatInterval,
    MeterReading,
    SiteInterval,
)

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
TRUE_UP_UNDO: Final = (
    Undo(
        "decided_at",
        {
            "state": TrueUp.State.OPEN, "note": "", "decided_at": None, "decided_by": None, "credit_note": None,
            "replacement": None,
        },
    ),
)  # fmt: skip
SUBSTITUTION_UNDO: Final = (Undo("revoked_at", {"revoked_at": None, "revoked_by": None}),)
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
    Table("sites/equipment", _("equipment"), Equipment, holdings.at_sites(Equipment), ("site__code", "tag")),
    Table(
        "sites/equipment_models", _("equipment models"), EquipmentModel, holdings.used_models, ("manufacturer", "name")
    ),
    Table("sites/connections", _("pipes"), Connection, holdings.at_sites(Connection, "source__site"), ("pk",)),
    Table("sites/delivery_points", _("delivery points"), DeliveryPoint, holdings.at_sites(DeliveryPoint), ("code",)),
    Table(
        "sites/planned_outages",
        _("planned works"),
        PlannedOutage,
        holdings.narrowed(
            holdings.at_sites(PlannedOutage),
            lambda scope: scope.overlaps("starts_at", "ends_at"),
            lambda scope: Q(announced_at__lte=scope.as_of),
        ),
        ("site__code", "starts_at", "pk"),
        undo=OUTAGE_UNDO,
    ),
    Table(
        "field/controllers",
        _("controllers"),
        Controller,
        holdings.at_sites(Controller),
        ("code",),
        leave_out=_CONTROLLER_NOW,
    ),
    Table(
        "field/devices",
        _("devices"),
        Device,
        holdings.at_sites(Device, "controller__site"),
        ("code",),
        leave_out=_DEVICE_NOW,
    ),
    Table("field/profiles", _("device profiles"), DeviceProfile, holdings.used_profiles, ("key", "version")),
    Table(
        "field/profile_points",
        _("points of the profiles"),
        ProfilePoint,
        lambda scope: ProfilePoint.objects.filter(profile__in=holdings.used_profiles(scope).values("pk")),
        ("profile__key", "profile__version", "slot"),
    ),
    Table("field/measurements", _("measurements"), Measurement, holdings.at_sites(Measurement), ("pk",)),
    Table("metering/meters", _("meters"), Meter, Scope.meters, ("serial",)),
    Table(
        "metering/placements",
        _("meter placements"),
        MeterPlacement,
        Scope.placements,
        ("site__code", "valid_from", "pk"),
    ),
    Table("metering/readings", _("meter readings"), MeterReading, holdings.readings, ("meter_id", "at", "version")),
    Table(
        "metering/corrections", _("corrections of readings"), Correction, holdings.corrections, ("proposed_at", "pk")
    ),
    Table(
        "metering/corrected_readings",
        _("registers that corrections set"),
        CorrectedReading,
        lambda scope: CorrectedReading.objects.filter(correction__in=holdings.corrections(scope).values("pk")),
        ("correction_id", "at"),
    ),
    Table(
        "metering/estimated_heat",
        _("heat that no register told"),
        EstimatedHeat,
        lambda scope: EstimatedHeat.objects.filter(correction__in=holdings.corrections(scope).values("pk")),
        ("correction_id", "start"),
    ),
    Table(
        "ledger/heat_intervals",
        _("heat ledger of delivery points"),
        HeatInterval,
        holdings.narrowed(
            holdings.at_sites(HeatInterval, "delivery_point__site"),
            lambda scope: scope.instants("start"),
            lambda scope: Q(settled_at__lte=scope.as_of),
        ),
        ("delivery_point_id", "start"),
    ),
    Table(
        "ledger/site_intervals",
        _("heat ledger of sites"),
        SiteInterval,
        holdings.narrowed(
            holdings.at_sites(SiteInterval),
            lambda scope: scope.instants("start"),
            lambda scope: Q(settled_at__lte=scope.as_of),
        ),
        ("site_id", "start"),
    ),
    Table(
        "alarms/rules",
        _("alarm rules"),
        AlarmRule,
        holdings.at_sites(AlarmRule),
        ("site__code", "key"),
        leave_out=_RULE_NOW,
    ),
    Table(
        "alarms/alarms", _("alarms"), Alarm, holdings.alarms, ("raised_at", "pk"), undo=ALARM_UNDO, instead=KNOWN_STATE
    ),
    Table(
        "alarms/transitions",
        _("changes of alarms"),
        AlarmTransition,
        lambda scope: AlarmTransition.objects.filter(
            alarm__in=holdings.alarms(scope).values("pk"), at__lte=scope.as_of
        ),
        ("alarm_id", "at", "pk"),
    ),
    Table("contracts/contracts", _("contracts"), Contract, holdings.contracts, ("number",)),
    Table(
        "contracts/offtakers",
        _("offtakers"),
        Offtaker,
        lambda scope: Offtaker.objects.filter(pk__in=holdings.contracts(scope).values("offtaker")),
        ("code",),
    ),
    Table(
        "contracts/price_terms",
        _("price terms"),
        PriceTerms,
        holdings.narrowed(
            holdings.of_contracts(PriceTerms), lambda scope: scope.day_overlaps("valid_from", "valid_until")
        ),
        ("contract__number", "valid_from"),
    ),
    Table(
        "contracts/sla_terms",
        _("service level terms"),
        SlaTerms,
        holdings.narrowed(
            holdings.of_contracts(SlaTerms), lambda scope: scope.day_overlaps("valid_from", "valid_until")
        ),
        ("contract__number", "valid_from"),
    ),
    Table(
        "contracts/sla_days",
        _("service level of every quarter hour"),
        SlaDay,
        holdings.narrowed(
            holdings.of_contracts(SlaDay),
            lambda scope: scope.days("day_on"),
            lambda scope: Q(judged_at__lte=scope.as_of),
        ),
        ("contract__number", "day_on"),
    ),
    Table(
        "contracts/sla_results",
        _("service level of every month"),
        SlaResult,
        holdings.narrowed(
            holdings.of_contracts(SlaResult),
            lambda scope: Q(starts_at__lt=scope.period.end, ends_at__gt=scope.period.start),
            lambda scope: Q(judged_at__lte=scope.as_of),
        ),
        ("contract__number", "month_on", "version"),
        # A version that came later takes this mark away from an earlier one.
        leave_out=("is_latest",),
    ),
    Table("billing/invoices", _("invoices"), Invoice, holdings.invoices, ("number",)),
    Table(
        "billing/invoice_lines",
        _("lines of the invoices"),
        InvoiceLine,
        lambda scope: InvoiceLine.objects.filter(invoice__in=holdings.invoices(scope).values("pk")),
        ("invoice__number", "position"),
    ),
    Table("billing/credit_notes", _("credit notes"), CreditNote, holdings.credit_notes, ("number",)),
    Table(
        "billing/substitutions",
        _("approvals to bill against a rule"),
        Substitution,
        holdings.substitutions,
        ("contract__number", "month_on", "pk"),
        undo=SUBSTITUTION_UNDO,
    ),
    Table(
        "billing/true_ups",
        _("true-ups of issued invoices"),
        TrueUp,
        lambda scope: TrueUp.objects.filter(
            invoice__in=holdings.invoices(scope).values("pk"), found_at__lte=scope.as_of
        ),
        ("invoice__number", "pk"),
        leave_out=("lines",),
        undo=TRUE_UP_UNDO,
    ),
    Table(
        "maintenance/plans",
        _("maintenance plans"),
        MaintenancePlan,
        holdings.narrowed(holdings.at_sites(MaintenancePlan), lambda scope: scope.day_overlaps("starts_on", "ends_on")),
        ("site__code", "title", "pk"),
    ),
    Table("maintenance/tasks", _("tasks"), Task, holdings.tasks, ("due_on", "pk"), undo=TASK_UNDO),
    Table("water/circuits", _("water circuits"), WaterCircuit, holdings.at_sites(WaterCircuit), ("site__code", "code")),
    Table("water/samples", _("water samples"), WaterSample, holdings.samples, ("taken_at", "pk")),
    Table(
        "water/results",
        _("results of the samples"),
        WaterResult,
        lambda scope: WaterResult.objects.filter(sample__in=holdings.samples(scope).values("pk")),
        ("sample_id", "parameter"),
    ),
    Table(
        "water/limits",
        _("limits that judged the results"),
        WaterLimit,
        lambda scope: WaterLimit.objects.filter(
            pk__in=WaterResult.objects.filter(sample__in=holdings.samples(scope).values("pk")).values("limit")
        ),
        ("treatment", "parameter", "jurisdiction", "valid_from"),
    ),
    Table("permits/permits", _("permits"), Permit, holdings.permits, ("site__code", "kind", "pk")),
    Table(
        "permits/conditions",
        _("conditions of the permits"),
        PermitCondition,
        lambda scope: PermitCondition.objects.filter(permit__in=holdings.permits(scope).values("pk")),
        ("permit_id", "number"),
    ),
    Table(
        "incidents/incidents",
        _("incidents"),
        Incident,
        holdings.incidents,
        ("detected_at", "pk"),
        undo=INCIDENT_UNDO,
        instead=KNOWN_STATE,
    ),
    Table(
        "incidents/entries",
        _("time lines of the incidents"),
        IncidentEntry,
        lambda scope: IncidentEntry.objects.filter(
            incident__in=holdings.incidents(scope).values("pk"), recorded_at__lte=scope.as_of
        ),
        ("incident_id", "at", "pk"),
    ),
    Table(
        "documents/documents",
        _("documents"),
        Document,
        holdings.documents,
        ("evidence_on", "pk"),
        leave_out=("storage_name",),
    ),
)


def counts(scope: Scope) -> list[tuple[Table, int]]:
    """How many rows each record class of the pack holds."""
    return [(table, table.rows(scope).order_by().count()) for table in TABLES]
