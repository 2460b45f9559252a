"""Which records a pack holds: those of its sites and contracts, of its period, known by its as-of time."""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from compliance.models import (
    Document,
    Incident,
    IncidentEntry,
    Permit,
    Task,
    WaterSample,
)
from compliance.queries.scope import Scope
from contracts.models import (
    Contract,
    CreditNote,
    Invoice,
    Substitution,
)
from hosting.models import (
    Device,
    DeviceProfile,
    Equipment,
    EquipmentModel,
)
from thermal.models import Alarm, AlarmTransition, Correction, MeterReading


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


def corrections(scope: Scope) -> QuerySet[Any]:
    """The corrections proposed by then that change something in the period."""
    known = at_sites(Correction)(scope).filter(proposed_at__lte=scope.as_of)
    found: QuerySet[Any] = known.filter(starts_at__lt=scope.period.end, ends_at__gte=scope.period.start)
    return found


def substitutions(scope: Scope) -> QuerySet[Any]:
    """The approvals given by then to bill months that have an invoice in the pack."""
    billed = Exists(invoices(scope).filter(contract=OuterRef("contract"), month_on=OuterRef("month_on")))
    known: QuerySet[Any] = of_contracts(Substitution)(scope).filter(billed, approved_at__lte=scope.as_of)
    return known


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
