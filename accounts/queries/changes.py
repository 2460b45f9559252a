"""What happened to one record: who changed what from what to what, when and why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User

MOST_SHOWN: Final = 200
OUTSIDE: Final = _("outside the portal")
WORDS: Final = {"created": _("created"), "changed": _("changed"), "deleted": _("deleted")}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One event: who did what to which part of the record, and why."""

    at: datetime
    what: Any
    part: str
    who: Any
    why: str
    request: str
    fields: tuple[FieldChange, ...]


def has_history(model: type[models.Model]) -> bool:
    """Whether changes of the model are recorded."""
    return bool(getattr(model, "pgh_event_models", None))


def changes_of(record: models.Model) -> list[Change]:
    """The latest changes of the record and of the parts that it names in `history_parts`, newest first.

    `history_parts` maps the label of a tracked model to its column that points at the record, and to the field of
    the record at which it points.
    """
    found = list(_changes_in(type(record), {"pgh_obj_id": record.pk}, part=""))
    parts: dict[str, tuple[str, str]] = getattr(record, "history_parts", {})
    for label, (column, own) in parts.items():
        model = apps.get_model(label)
        where = {column: getattr(record, own)}
        found += _changes_in(model, where, part=str(model._meta.verbose_name), skip=(column,))
    # Changes of one transaction share their instant; they stay in the order in which they were made.
    found.reverse()
    found.sort(key=lambda change: change.at, reverse=True)
    return found[:MOST_SHOWN]


def _changes_in(
    model: type[models.Model], where: dict[str, Any], *, part: str, skip: Sequence[str] = ()
) -> Iterator[Change]:
    event_model = next(iter(model.pgh_event_models.values()))  # type: ignore[attr-defined]
    events = list(event_model.objects.filter(**where).select_related("pgh_context").order_by("-pgh_id")[:MOST_SHOWN])
    events.reverse()
    people = _people(events)
    show = _Display(model, events, skip=skip)
    before: dict[Any, models.Model] = {}
    for event in events:
        # Parts have no single object; each row of them is followed by its own key.
        previous = None if event.pgh_label == "created" else before.get(event.id)
        before[event.id] = event
        facts = event.pgh_context.metadata if event.pgh_context else {}
        yield Change(
            at=event.pgh_created_at,
            what=WORDS.get(event.pgh_label, event.pgh_label),
            part=part,
            who=people.get(facts.get("user"), OUTSIDE if not facts else _("the portal")),
            why=str(facts.get("why", "")),
            request=str(facts.get("request", "")),
            fields=tuple(show.differences(previous, event)),
        )


def _people(events: Iterable[Any]) -> dict[Any, User]:
    keys = {event.pgh_context.metadata.get("user") for event in events if event.pgh_context}
    return {person.pk: person for person in User.objects.filter(pk__in=keys - {None})}


class _Display:
    """Says values of events in words: choices by name, related rows as they call themselves."""

    def __init__(self, model: type[models.Model], events: Sequence[Any], *, skip: Sequence[str]) -> None:
        kept = {field.name for field in events[0]._meta.fields} if events else set()
        self.fields: list[Any] = [
            field
            for field in model._meta.concrete_fields
            if field.name in kept and not field.primary_key and field.attname not in skip
        ]
        self.related = {field.attname: _names(field, events) for field in self.fields if field.is_relation}

    def differences(self, before: Any, after: Any) -> Iterator[FieldChange]:
        """The fields that differ; of a new record those that say something."""
        for field in self.fields:
            old = getattr(before, field.attname) if before is not None else None
            new = getattr(after, field.attname)
            if old != new and not (before is None and new in (None, "")):
                yield FieldChange(str(field.verbose_name), self.words(field, old), self.words(field, new))

    def words(self, field: Any, value: Any) -> str:
        """The value as a person reads it."""
        if value is None or value == "":
            return ""
        if field.attname in self.related:
            return self.related[field.attname].get(value, f"#{value}")
        if field.flatchoices:
            return str(dict(field.flatchoices).get(value, value))
        return _read_aloud(value)


def _read_aloud(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "Y-m-d H:i:s T")
    return str(localize(value))


def _names(field: Any, events: Iterable[Any]) -> dict[Any, str]:
    keys = {getattr(event, field.attname) for event in events} - {None}
    rows = field.related_model._default_manager.filter(pk__in=keys)
    return {row.pk: str(row) for row in rows}
