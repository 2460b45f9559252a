"""One search over everything that has a name or a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from compliance.models import Incident, Permit, Task
from contracts.models import Contract, Invoice, Offtaker
from hosting.models import Controller, DeliveryPoint, Device, Equipment, Meter, Site
from thermal.models import Alarm

SHOWN = 8


@dataclass(frozen=True)
class Subject:
    """One kind of row: where the word is looked for, what is read with it, which permission it takes."""

    title: Any
    model: type[Model]
    fields: tuple[str, ...]
    related: tuple[str, ...] = ()

    @property
    def permission(self) -> str:
        """The permission to view this kind of row."""
        return f"{self.model._meta.app_label}.view_{self.model._meta.model_name}"


@dataclass(frozen=True)
class Found:
    """The rows of one kind that match; `has_more` when not all are shown."""

    title: Any
    rows: Sequence[Any]
    has_more: bool


SUBJECTS = (
    Subject(_("Sites"), Site, ("code", "name", "address")),
    Subject(_("Equipment"), Equipment, ("tag", "serial"), ("site",)),
    Subject(_("Delivery points"), DeliveryPoint, ("code", "name"), ("site",)),
    Subject(_("Meters"), Meter, ("serial", "seal_number")),
    Subject(_("Controllers"), Controller, ("code", "host"), ("site",)),
    Subject(_("Devices"), Device, ("code", "name"), ("controller",)),
    Subject(_("Alarms"), Alarm, ("message",), ("site",)),
    Subject(_("Offtakers"), Offtaker, ("name",)),
    Subject(_("Contracts"), Contract, ("number", "offtaker__name"), ("offtaker",)),
    Subject(_("Invoices"), Invoice, ("number", "contract__number"), ("contract",)),
    Subject(_("Tasks"), Task, ("title",), ("site",)),
    Subject(_("Permits"), Permit, ("reference", "authority", "scope"), ("site",)),
    Subject(_("Incidents"), Incident, ("title",), ("site",)),
)


def search(*, user: Any, text: str) -> list[Found]:
    """Return what matches every word, by kind, only what the person may see; one query per kind."""
    words = text.split()
    if not words:
        return []
    found = [
        _rows_of(subject, user, words)
        for subject in SUBJECTS
        if user.has_perm(subject.permission) or _is_scoped(subject)
    ]
    return [one for one in found if one.rows]


def _is_scoped(subject: Subject) -> bool:
    """Rows that hang on an anchor are narrowed by it; the anchors' own global views are held by staff alone."""
    return subject.permission in {"hosting.view_site", "contracts.view_offtaker", "contracts.view_contract"}


def _rows_of(subject: Subject, user: Any, words: Sequence[str]) -> Found:
    rows: QuerySet[Any] = subject.model._default_manager.visible_to(user)  # type: ignore[attr-defined]
    for word in words:
        rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in subject.fields)))
    first = list(rows.select_related(*subject.related)[: SHOWN + 1])
    return Found(subject.title, first[:SHOWN], has_more=len(first) > SHOWN)
