"""The list tables of duties, water, permits, incidents, documents and packs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import django_tables2
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import tables
from accounts.templatetags import components
from compliance.domain.standing import Standing, Validity, standing_of, validity_of
from compliance.models import (
    AuditPack,
    Document,
    Incident,
    MaintenancePlan,
    Permit,
    Subject,
    Task,
    WaterCircuit,
    WaterLimit,
    WaterSample,
)
from hosting.models import Site

TASK_LEVELS = {"done": "ok", "cancelled": "unknown"}
STANDINGS = {
    Standing.PLANNED: (_("planned"), "info"),
    Standing.DUE: (_("due"), "warn"),
    Standing.OVERDUE: (_("overdue"), "bad"),
}
VALIDITIES = {
    Validity.UNLIMITED: (_("unlimited"), "ok"),
    Validity.NOT_YET: (_("not yet in force"), "unknown"),
    Validity.VALID: (_("valid"), "ok"),
    Validity.RENEW: (_("renew now"), "warn"),
    Validity.EXPIRED: (_("expired"), "bad"),
}
VERDICT_LEVELS = {"in_limit": "ok", "warning": "warn", "out": "bad", "undecided": "unknown", "not_judged": "unknown"}
INCIDENT_LEVELS = {"open": "bad", "contained": "warn", "resolved": "info", "closed": "ok"}
SEVERITY_LEVELS = {"minor": "info", "major": "warn", "critical": "bad"}
PACK_LEVELS = {"queued": "info", "building": "info", "ready": "ok", "failed": "bad"}


def standing_of_task(task: Task) -> tuple[str, str]:
    """Word and level of how a task stands today."""
    if task.state != Task.State.OPEN:
        return task.get_state_display(), TASK_LEVELS[task.state]
    standing = standing_of(due_on=task.due_on, lead_days=task.lead_days, today=timezone.localdate())
    word, level = STANDINGS[standing]
    return str(word), level


def standing_of_permit(permit: Permit) -> tuple[str, str]:
    """Word and level of how a permit stands today."""
    if permit.status != Permit.Status.GRANTED:
        return permit.get_status_display(), "unknown"
    validity = validity_of(
        issued_on=permit.issued_on,
        expires_on=permit.expires_on,
        renewal_lead_days=permit.renewal_lead_days,
        today=timezone.localdate(),
    )
    word, level = VALIDITIES[validity]
    return str(word), level


class DutyColumn(django_tables2.Column):
    """Counts due and overdue of one subject at one site, each a link to its list."""

    def __init__(self, subject: str, **kwargs: Any) -> None:
        super().__init__(**{"orderable": False, "empty_values": (), **kwargs})
        self.subject = subject

    def counts(self, record: Any) -> tuple[int, int]:
        found = next((one for one in record.task_counts if one["subject"] == self.subject), None)
        return (found["due"], found["overdue"]) if found else (0, 0)

    def address(self, record: Any, standing: str) -> str:
        query = urlencode({"site": record.pk, "subject": self.subject, "standing": standing})
        return f"{reverse('compliance:task_list')}?{query}"

    def render(self, record: Any) -> str:
        due, overdue = self.counts(record)
        parts = []
        if overdue:
            word = gettext("%(count)s overdue") % {"count": localize(overdue)}
            parts.append((self.address(record, "overdue"), components.state_badge(word, "bad")))
        if due:
            word = gettext("%(count)s due") % {"count": localize(due)}
            parts.append((self.address(record, "due"), components.state_badge(word, "warn")))
        if not parts:
            return format_html('<span class="missing">{}</span>', gettext("in order"))
        return format_html_join(" ", '<a href="{}">{}</a>', parts)

    def value(self, record: Any) -> Any:
        due, overdue = self.counts(record)
        return f"{due} due, {overdue} overdue"


class IncidentColumn(DutyColumn):
    """Open incidents of one site."""

    def counts(self, record: Any) -> tuple[int, int]:
        found = record.incident_counts[0] if record.incident_counts else None
        return (found["due"], found["overdue"]) if found else (0, 0)

    def address(self, record: Any, standing: str) -> str:
        query = {"site": record.pk, "open": "true"} | ({"report": "late"} if standing == "overdue" else {})
        return f"{reverse('compliance:incident_list')}?{urlencode(query)}"

    def render(self, record: Any) -> str:
        due, overdue = self.counts(record)
        if not due + overdue:
            return format_html('<span class="missing">{}</span>', gettext("none open"))
        word = gettext("%(count)s open") % {"count": localize(due + overdue)}
        parts = [(self.address(record, ""), components.state_badge(word, "bad" if overdue else "warn"))]
        return format_html_join(" ", '<a href="{}">{}</a>', parts)

    def value(self, record: Any) -> Any:
        return str(sum(self.counts(record)))


class OverviewTable(tables.PortalTable):
    """Sites by subject, with what is due and what is late."""

    name = tables.NameColumn(verbose_name=_("site"))
    maintenance = DutyColumn(Subject.MAINTENANCE, verbose_name=_("maintenance"))
    water = DutyColumn(Subject.WATER, verbose_name=_("water"))
    refrigerant = DutyColumn(Subject.REFRIGERANT, verbose_name=_("refrigerant"))
    pressure = DutyColumn(Subject.PRESSURE, verbose_name=_("pressure"))
    meters = DutyColumn(Subject.METERS, verbose_name=_("meters"))
    permits = DutyColumn(Subject.PERMITS, verbose_name=_("permits"))
    tests = DutyColumn(Subject.TESTS, verbose_name=_("tests"))
    access = DutyColumn(Subject.ACCESS, verbose_name=_("access"))
    safety = DutyColumn(Subject.SAFETY, verbose_name=_("safety"))
    incidents = IncidentColumn("incidents", verbose_name=_("incidents"))

    class Meta(tables.PortalTable.Meta):
        model = Site
        fields: Any = ("name",)


class TaskTable(tables.PortalTable):
    """Tasks."""

    title = tables.NameColumn()
    site = tables.LinkColumn()
    due_on = tables.DayColumn()
    standing = django_tables2.Column(verbose_name=_("standing"), orderable=False, empty_values=())
    responsible = django_tables2.Column()

    class Meta(tables.PortalTable.Meta):
        model = Task
        fields: Any = ("title", "site", "subject", "due_on", "standing", "outcome", "done_on", "responsible")

    def render_standing(self, record: Task) -> str:
        """The standing as icon and word."""
        return components.state_badge(*standing_of_task(record))

    def value_standing(self, record: Task) -> str:
        """The standing as word."""
        return standing_of_task(record)[0]


class PlanTable(tables.PortalTable):
    """Maintenance plans."""

    title = tables.NameColumn()
    site = tables.LinkColumn()
    rhythm = django_tables2.Column(verbose_name=_("every"), orderable=False, empty_values=())
    next_on = tables.DayColumn(verbose_name=_("next due"), accessor="next_on")

    class Meta(tables.PortalTable.Meta):
        model = MaintenancePlan
        fields: Any = ("title", "site", "subject", "rhythm", "next_on", "responsible", "active")

    def render_rhythm(self, record: MaintenancePlan) -> str:
        """The interval in words."""
        return rhythm_of(record)


def rhythm_of(plan: MaintenancePlan) -> str:
    """The interval of a plan in words."""
    if plan.interval_months:
        months = ngettext("%(count)s month", "%(count)s months", plan.interval_months)
        return months % {"count": plan.interval_months}
    return ngettext("%(count)s day", "%(count)s days", plan.interval_days) % {"count": plan.interval_days}


class CircuitTable(tables.PortalTable):
    """Water circuits."""

    name = tables.NameColumn()
    site = tables.LinkColumn()
    volume_l = tables.QuantityColumn(unit="l")
    last_taken_at = tables.WhenColumn(verbose_name=_("last sample"))
    last_verdict = tables.StateColumn(VERDICT_LEVELS, verbose_name=_("verdict"), orderable=False)

    class Meta(tables.PortalTable.Meta):
        model = WaterCircuit
        fields: Any = ("name", "site", "code", "treatment", "volume_l", "last_taken_at", "last_verdict")

    def value_last_verdict(self, value: Any) -> Any:
        """The verdict as stored."""
        return value


class SampleTable(tables.PortalTable):
    """Water samples."""

    taken_at = tables.DayColumn(linkify=True, verbose_name=_("taken"))
    circuit = tables.LinkColumn()
    site = tables.LinkColumn(accessor="circuit__site", verbose_name=_("site"))
    verdict = tables.StateColumn(VERDICT_LEVELS)

    class Meta(tables.PortalTable.Meta):
        model = WaterSample
        fields: Any = ("taken_at", "circuit", "site", "verdict", "laboratory", "report_number")


class LimitTable(tables.PortalTable):
    """Water limits."""

    parameter = tables.NameColumn()
    lowest_value = tables.QuantityColumn()
    highest_value = tables.QuantityColumn()
    valid_from = tables.DayColumn()
    valid_until = tables.DayColumn()

    class Meta(tables.PortalTable.Meta):
        model = WaterLimit
        fields: Any = (
            "parameter",
            "treatment",
            "jurisdiction",
            "lowest_value",
            "highest_value",
            "valid_from",
            "valid_until",
            "verified",
            "source",
        )

    def render_verified(self, *, value: bool) -> str:
        """Whether somebody read the source, in words."""
        words, level = (gettext("verified"), "ok") if value else (gettext("unverified default"), "warn")
        return components.state_badge(words, level)


class PermitTable(tables.PortalTable):
    """Permits."""

    reference = tables.NameColumn()
    site = tables.LinkColumn()
    expires_on = tables.DayColumn()
    standing = django_tables2.Column(verbose_name=_("standing"), orderable=False, empty_values=())

    class Meta(tables.PortalTable.Meta):
        model = Permit
        fields: Any = ("reference", "kind", "site", "authority", "issued_on", "expires_on", "standing")

    def render_standing(self, record: Permit) -> str:
        """The standing as icon and word."""
        return components.state_badge(*standing_of_permit(record))

    def value_standing(self, record: Permit) -> str:
        """The standing as word."""
        return standing_of_permit(record)[0]


class IncidentTable(tables.PortalTable):
    """Incidents."""

    title = tables.NameColumn()
    site = tables.LinkColumn()
    state = tables.StateColumn(INCIDENT_LEVELS)
    severity = tables.StateColumn(SEVERITY_LEVELS)
    detected_at = tables.WhenColumn()

    class Meta(tables.PortalTable.Meta):
        model = Incident
        fields: Any = ("title", "site", "state", "severity", "kind", "detected_at", "closed_at")


class DocumentTable(tables.PortalTable):
    """Documents."""

    title = tables.NameColumn()
    site = tables.LinkColumn()
    evidence_on = tables.DayColumn()
    uploaded_at = tables.WhenColumn()
    size_bytes = tables.QuantityColumn(unit="kB", factor=0.001)

    class Meta(tables.PortalTable.Meta):
        model = Document
        fields: Any = ("title", "site", "evidence_on", "uploaded_at", "version", "file_name", "size_bytes", "sha256")

    def render_sha256(self, value: str) -> str:
        """The beginning of the fingerprint."""
        return format_html('<code title="{}">{}…</code>', value, value[:12])


class PackTable(tables.PortalTable):
    """Audit packs."""

    title = tables.NameColumn()
    state = tables.StateColumn(PACK_LEVELS)
    asked_at = tables.WhenColumn()
    size_bytes = tables.QuantityColumn(unit="kB", factor=0.001)

    class Meta(tables.PortalTable.Meta):
        model = AuditPack
        fields: Any = ("title", "state", "asked_by", "asked_at", "as_of", "file_count", "size_bytes", "sha256")

    def render_sha256(self, value: str) -> str:
        """The beginning of the fingerprint."""
        return format_html('<code title="{}">{}…</code>', value, value[:12])
