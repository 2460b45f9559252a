"""The change history of a pack's records."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import BinaryField

from accounts.models import User
from compliance.queries.contents import TABLES
from compliance.queries.record_class import CHUNK_ROWS, Table
from compliance.queries.scope import Scope

COLUMNS: Final = ("record", "record_id", "at", "change", "who", "why", "values")


def read(scope: Scope) -> Iterator[dict[str, Any]]:
    """One row for each change of a record of the pack that was made in the period and known by then."""
    people: dict[int, str] = dict(User.objects.values_list("pk", "email"))
    for table in TABLES:
        if hasattr(table.model, "pgh_event_model"):
            yield from _changes_of(table, scope, people)


def _changes_of(table: Table, scope: Scope, people: dict[int, str]) -> Iterator[dict[str, Any]]:
    event_model = table.model.pgh_event_model  # type: ignore[attr-defined]
    told = [
        field.attname
        for field in event_model._meta.concrete_fields
        if not field.name.startswith("pgh_")
        and field.name not in table.leave_out
        and not isinstance(field, BinaryField)
    ]
    events = event_model.objects.filter(scope.instants("pgh_created_at"), pgh_obj__in=table.rows(scope).values("pk"))
    names = ("pgh_obj_id", "pgh_created_at", "pgh_label", "pgh_context__metadata")
    for values in events.order_by("pgh_id").values_list(*names, *told).iterator(chunk_size=CHUNK_ROWS):
        record_id, at, change, metadata = values[: len(names)]
        facts = metadata or {}
        yield {
            "record": table.path,
            "record_id": record_id,
            "at": at,
            "change": change,
            "who": people.get(facts.get("user") or 0, ""),
            "why": facts.get("why", ""),
            "values": dict(zip(told, values[len(names) :], strict=True)),
        }
