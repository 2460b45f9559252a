"""What people wrote down: maintenance with evidence, water samples, permits and incidents."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import BytesIO
from typing import Final

from django.core.files.base import ContentFile
from django.db import transaction
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from accounts.models import User
from compliance.models.incidents import Incident
from compliance.models.maintenance import MaintenancePlan, Subject, Task
from compliance.models.permits import Permit
from compliance.models.water import Parameter, Treatment, WaterCircuit
from compliance.services import duties, permits, response, treatment
from compliance.services.permits import Check
from compliance.services.treatment import Figure
from demo.plant.faults import Fault
from demo.seed.places import PLACES, Place
from demo.seed.story import Event, Story
from hosting.models import Equipment, Site

_MORNING: Final = dt.time(8, 30)
_WEEK: Final = dt.timedelta(days=7)

# Title, subject, tag of the equipment, months, days, needs a document, source.
_PLANS: Final = (
    ("Inspect pumps and bearings", Subject.MAINTENANCE, "P-2", 1, 0, False, "Maker's manual, chapter 6"),
    ("Clean filters of the liquid loop", Subject.MAINTENANCE, "CDU-1", 0, 28, False, "Maker's manual, chapter 4"),
    ("Run the dry cooler alone at full load", Subject.TESTS, "DC-1", 3, 0, True, "Design, section 8: compute first"),
    ("Examine the expansion vessel", Subject.PRESSURE, "EV-1", 12, 0, True, "Written scheme of examination"),
    ("Sample the secondary water", Subject.WATER, "BT-1", 1, 0, False, "VDI 2035 part 1"),
)


@transaction.atomic
def build_records(*, story: Story, by: User, operator: User) -> None:
    """Plans, tasks, samples, permits and incidents; nothing once there are plans."""
    if MaintenancePlan.objects.exists():
        return
    for place in PLACES:
        site = Site.objects.get(code=place.code)
        circuit = _circuit(site, place)
        _plans(site, story, by, operator)
        _permits(site, place, story, by)
        _samples(circuit, story, operator)
    duties.plan_tasks(now=story.built_at)
    _do_tasks(story, by=operator)
    for event in story.events:
        _incident(event, by=operator, closer=by)


def paper(title: str, *lines: str) -> ContentFile[bytes]:
    """A one-page PDF as a technician would scan it; the same words give the same bytes."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    canvas.setTitle(title)
    canvas.setFont("Helvetica-Bold", 14)
    canvas.drawString(60, 770, title)
    canvas.setFont("Helvetica", 10)
    for number, line in enumerate(lines):
        canvas.drawString(60, 740 - 16 * number, line)
    canvas.save()
    name = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    return ContentFile(buffer.getvalue(), name=f"{name}.pdf")


def _circuit(site: Site, place: Place) -> WaterCircuit:
    circuit = WaterCircuit.objects.create(
        site=site,
        code="secondary",
        name=f"Secondary circuit, {place.name}"[:120],
        treatment=Treatment.LOW_SALT,
        volume_l=place.installation.plant.buffer_m3 * 1_000 + 600.0,
        materials="steel, copper, stainless steel",
    )
    circuit.equipment.set(Equipment.objects.filter(site=site, tag__in=["HX-1", "BT-1", "P-2"]))
    return circuit


def _plans(site: Site, story: Story, by: User, operator: User) -> None:
    first_on = story.first_month_on + dt.timedelta(days=9)
    for number, (title, subject, tag, months, days, needs_document, source) in enumerate(_PLANS):
        plan = MaintenancePlan(
            site=site,
            subject=subject,
            title=title,
            equipment=Equipment.objects.get(site=site, tag=tag),
            interval_months=months,
            interval_days=days,
            starts_on=first_on + dt.timedelta(days=3 * number),
            responsible=operator,
            needs_document=needs_document,
            source=source,
        )
        duties.save_plan(plan=plan, by=by, now=story.epoch)


def _do_tasks(story: Story, *, by: User) -> None:
    """What was due until a week ago is done; one site is behind with its filters."""
    today = story.built_at.date()
    due = Task.objects.filter(state=Task.State.OPEN, due_on__lt=today - _WEEK).select_related("site")
    for number, task in enumerate(due.order_by("due_on", "pk")):
        if task.title.startswith("Clean filters") and task.due_on > today - 5 * _WEEK and task.site.country == "NL":
            continue
        done_at = dt.datetime.combine(task.due_on, _MORNING, dt.UTC)
        uploads = [paper(f"Report {task.title}", str(task.site), f"{task.due_on}")] if task.needs_document else []
        duties.complete_task(
            task=task,
            outcome=Task.Outcome.REMARKS if number % 7 == 3 else Task.Outcome.PASSED,
            done_on=task.due_on,
            by=by,
            now=done_at,
            note="Slight wear, watch it." if number % 7 == 3 else "",
            uploads=uploads,
        )


def _permits(site: Site, place: Place, story: Story, by: User) -> None:
    today = story.built_at.date()
    issued_on = dt.date.fromisoformat(place.live_since) - dt.timedelta(days=60)
    grid = Permit(
        site=site,
        kind=Permit.Kind.GRID,
        authority="Grid operator",
        reference=f"GC-{place.code}-17",
        scope=f"Connection of {place.installation.plant.it_kw * 1.3:.0f} kW",
        issued_on=issued_on,
    )
    permits.save_permit(permit=grid, by=by, now=story.epoch)
    noise = Permit(
        site=site,
        kind=Permit.Kind.NOISE,
        authority="Municipality",
        reference=f"N-{place.code}-3",
        scope="Dry cooler on the roof",
        issued_on=issued_on,
        # The first site must renew soon.
        expires_on=today + dt.timedelta(days=47 if place is PLACES[0] else 700),
    )
    permits.save_permit(permit=noise, by=by, now=story.epoch)
    permits.add_condition(
        permit=noise,
        number="4.2",
        text="Not more than 45 dB(A) at the nearest window at night; measured once a year.",
        by=by,
        now=story.epoch,
        check=Check(starts_on=today + dt.timedelta(days=20), interval_months=12),
    )


def _samples(circuit: WaterCircuit, story: Story, operator: User) -> None:
    """Monthly samples; the last one of the greenhouse has too much iron."""
    months = (story.month_before_on, story.last_month_on)
    for number, month_on in enumerate(months):
        taken_at = dt.datetime.combine(month_on.replace(day=20), _MORNING, dt.UTC)
        rusty = circuit.site.country == "NL" and number == len(months) - 1
        report = f"W{month_on:%y%m}-{circuit.pk:03d}"
        treatment.record_sample(
            circuit=circuit,
            taken_at=taken_at,
            figures=[
                Figure(Parameter.PH, Decimal("8.9")),
                Figure(Parameter.CONDUCTIVITY, Decimal(62 + 9 * number)),
                Figure(Parameter.OXYGEN, Decimal("0.04")),
                Figure(Parameter.IRON, Decimal("4.1") if rusty else Decimal("0.3")),
                Figure(Parameter.COPPER, Decimal("0.05"), "<"),
            ],
            by=operator,
            now=taken_at + dt.timedelta(days=3),
            taken_by="Oskar Lind",
            laboratory="Aqualab Nord",
            report_number=report,
            uploads=[paper(f"Water analysis {report}", str(circuit), f"{taken_at:%Y-%m-%d}")],
        )


def _incident(event: Event, *, by: User, closer: User) -> None:
    """The story of a failed pump, from the first call to the cause."""
    if event.fault is not Fault.PUMP_FAILURE:
        return
    site = Site.objects.get(code=event.site)
    minutes = dt.timedelta(minutes=1)
    detected_at = event.starts_at + 16 * minutes
    incident = response.open_incident(
        site=site,
        title="Secondary pump failed, no heat to the pool",
        kind=Incident.Kind.SUPPLY,
        severity=Incident.Severity.MAJOR,
        detected_at=detected_at,
        text="Supply temperature alarm; P-2 shows no flow. All heat goes to the dry cooler, compute is not touched.",
        by=by,
        now=detected_at + 10 * minutes,
    )
    for after, text, state in (
        (35, "Offtaker told; its boiler has taken over.", ""),
        (140, "Technician on site: motor protection tripped, coupling worn.", Incident.State.CONTAINED),
        (385, "Coupling exchanged, pump runs, supply back in its band.", Incident.State.RESOLVED),
    ):
        at = detected_at + after * minutes
        response.add_entry(incident=incident, text=text, by=by, now=at, at=at, state=state)
    closed_at = event.ends_at + dt.timedelta(days=2)
    response.close_incident(
        incident=incident,
        cause="Coupling past its service life; now part of the monthly check.",
        by=closer,
        now=closed_at,
    )
