"""Taking inventory tables from CSV files: checked row by row, stored in one transaction.

A row is found again by its natural key, so a file can be imported as often as one likes:
what is new is created, what differs is changed, and what is the same is left alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from accounts import scoping
from accounts.models import User
from hosting import exchange
from hosting.services import csv_rules
from kernel import csvfiles
from kernel.errors import Refusal

CHUNK_ROWS = 500

Action = Literal["created", "changed", "unchanged", "refused"]


class UnknownColumn(Refusal):
    """The file has a column that the table does not know."""

    sentence = "Line 1: the table has no column “%(column)s”; it knows: %(known)s."


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one line of the file."""

    line: int
    label: str
    action: Action
    changed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every line, and whether it was stored."""

    table: str
    applied: bool
    outcomes: tuple[RowOutcome, ...]

    def count(self, action: Action) -> int:
        """How many lines ended with ``action``."""
        return sum(outcome.action == action for outcome in self.outcomes)


@dataclass(slots=True)
class _Draft:
    """One line on its way into the database."""

    line: int
    label: str
    cells: csvfiles.Row
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    problems: list[str] = dataclasses.field(default_factory=list)
    row: models.Model | None = None
    is_new: bool = False
    changed: tuple[str, ...] = ()

    def outcome(self) -> RowOutcome:
        """The line's place in the report."""
        if self.problems:
            return RowOutcome(self.line, self.label, "refused", problems=tuple(self.problems))
        action: Action = "created" if self.is_new else "changed" if self.changed else "unchanged"
        return RowOutcome(self.line, self.label, action, changed=() if self.is_new else self.changed)


def import_table(
    *,
    table: exchange.TableFormat,
    content: bytes,
    by: User,
    apply: bool,
    all_or_none: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Check a file against a table and, if ``apply``, store it.

    Parameters
    ----------
    table
        The format of the table.
    content
        The bytes of the CSV file, UTF-8 or Windows-1252.
    by
        Who imports; rows may refer only to what this person may see.
    apply
        Whether to store; without it everything is tried and taken back.
    all_or_none
        Whether one refused line keeps every other from being stored.
    progress
        Called with the number of lines done after each batch.

    Raises
    ------
    kernel.errors.Refusal
        If the file cannot be read as this table at all.
    """
    file = csvfiles.open_table(content)
    file.require(*table.required_headers)
    for column in file.columns:
        if column not in table.headers:
            raise UnknownColumn(column=column, known=", ".join(table.headers))
    work = _Import(table, file, by)
    with transaction.atomic():
        outcomes = work.run(progress or (lambda _done: None))
        refused = any(outcome.action == "refused" for outcome in outcomes)
        applied = apply and not (refused and all_or_none)
        if not applied:
            transaction.set_rollback(True)
    return Report(table.name, applied, tuple(outcomes))


class _Import:
    """One pass over one file, with what it has looked up so far."""

    def __init__(self, table: exchange.TableFormat, file: csvfiles.Table, by: User) -> None:
        self.table = table
        self.file = file
        self.by = by
        self.comma = file.delimiter == ";"
        self.columns = [column for column in table.columns if column.name in file.columns]
        self.references = [ref for ref in table.references if set(ref.required_columns) <= set(file.columns)]
        self.found: dict[str, dict[tuple[str, ...], int]] = {ref.field: {} for ref in self.references}
        self.seen: dict[tuple[Any, ...], int] = {}

    def run(self, progress: Callable[[int], None]) -> list[RowOutcome]:
        """The outcome of every line, in the order of the file."""
        outcomes: list[RowOutcome] = []
        for drafts in self._chunks():
            self._resolve(drafts)
            for draft in drafts:
                self._read(draft)
            self._match(drafts)
            self._object(drafts)
            self._store([draft for draft in drafts if not draft.problems])
            outcomes += [draft.outcome() for draft in drafts]
            progress(len(outcomes))
        return outcomes

    def _chunks(self) -> Iterator[list[_Draft]]:
        """The lines in batches; a line that refers to one of its own batch starts the next."""
        chunk: list[_Draft] = []
        named: set[tuple[str, ...]] = set()
        own = [ref for ref in self.references if ref.model is self.table.model]
        for row in self.file:
            waits = any(self._names(ref, row) in named for ref in own)
            if chunk and (waits or len(chunk) >= CHUNK_ROWS):
                yield chunk
                chunk, named = [], set()
            chunk.append(_Draft(row.line, self._label(row), row))
            if own:
                named.add(tuple(row.text(name) for name in self.table.required_headers))
        if chunk:
            yield chunk

    def _label(self, row: csvfiles.Row) -> str:
        return " / ".join(row.text(name) for name in self.table.required_headers)

    @staticmethod
    def _names(reference: exchange.Reference, row: csvfiles.Row) -> tuple[str, ...]:
        return tuple(row.text(name) for name in reference.lookups)

    def _resolve(self, drafts: list[_Draft]) -> None:
        """Look up what the batch refers to, one query for each reference."""
        for ref in self.references:
            found = self.found[ref.field]
            wanted = {self._names(ref, draft.cells) for draft in drafts} - found.keys()
            if not wanted:
                continue
            rows = ref.model._default_manager.all()
            if isinstance(rows, scoping.ScopedQuerySet):
                rows = rows.visible_to(self.by)
            for place, lookup in enumerate(ref.lookups.values()):
                rows = rows.filter(**{f"{lookup}__in": _askable(ref, lookup, {names[place] for names in wanted})})
            for pk, *names in rows.values_list("pk", *ref.lookups.values()):
                found[tuple(str(name) for name in names)] = pk

    def _read(self, draft: _Draft) -> None:
        """Turn the cells into values, noting every cell that cannot be read."""
        for column in self.columns:
            try:
                draft.values[column.name] = column.read(draft.cells.text(column.name), comma=self.comma)
            except exchange.CellRefused as refused:
                draft.problems.append(
                    _("Column “%(column)s”: %(problem)s") % {"column": column.name, "problem": refused}
                )
        for ref in self.references:
            self._read_reference(ref, draft)

    def _read_reference(self, ref: exchange.Reference, draft: _Draft) -> None:
        names = self._names(ref, draft.cells)
        empty = not any(draft.cells.text(name) for name in ref.required_columns)
        pk = None if empty else self.found[ref.field].get(names)
        draft.values[f"{ref.field}_id"] = pk
        if pk is None and not (empty and ref.optional):
            facts = {
                "columns": "”, “".join(ref.lookups),
                "names": " / ".join(names),
                "table": ref.model._meta.verbose_name,
            }
            draft.problems.append(
                _("Column “%(columns)s”: there is no %(table)s “%(names)s” that you may see.") % facts
            )

    def _match(self, drafts: list[_Draft]) -> None:
        """Find the stored rows of the batch by natural key, one query, and lay the values over them."""
        by_field = {ref.field for ref in self.table.references}
        attributes = [f"{name}_id" if name in by_field else name for name in self.table.key]
        sound = [draft for draft in drafts if not draft.problems]
        stored: dict[tuple[Any, ...], models.Model] = {}
        if sound:
            wanted = [_among(name, {draft.values[name] for draft in sound}) for name in attributes]
            for row in self.table.model._base_manager.filter(*wanted):
                stored[tuple(getattr(row, name) for name in attributes)] = row
        visible = self._visible(stored.values())
        for draft in sound:
            key = tuple(draft.values[name] for name in attributes)
            if key in self.seen:
                draft.problems.append(_("The same key stands already in line %(line)s.") % {"line": self.seen[key]})
                continue
            self.seen[key] = draft.line
            self._lay_over(draft, stored.get(key), visible)

    def _object(self, drafts: list[_Draft]) -> None:
        """Note which rows other tables speak against."""
        written = [draft for draft in drafts if not draft.problems and (draft.is_new or draft.changed)]
        for place, problem in csv_rules.objections(self.table.name, [draft.row for draft in written]).items():
            written[place].problems.append(problem)

    def _visible(self, rows: Any) -> set[Any]:
        """The keys of those of ``rows`` that the person may see."""
        manager = self.table.model._default_manager.all()
        pks = [row.pk for row in rows]
        if not pks or not isinstance(manager, scoping.ScopedQuerySet):
            return set(pks)
        return set(manager.visible_to(self.by).filter(pk__in=pks).values_list("pk", flat=True))

    def _lay_over(self, draft: _Draft, stored: models.Model | None, visible: set[Any]) -> None:
        if stored is not None and stored.pk not in visible:
            draft.problems.append(_("This key is taken by a row that you may not see."))
            return
        draft.is_new = stored is None
        draft.row = stored or self.table.model()
        draft.changed = tuple(name for name, value in draft.values.items() if getattr(draft.row, name) != value)
        for name, value in draft.values.items():
            setattr(draft.row, name, value)
        if hasattr(draft.row, "created_by_id") and draft.is_new:
            draft.row.created_by_id = self.by.pk
        relations = [field.name for field in self.table.model._meta.get_fields() if field.is_relation]
        try:
            draft.row.full_clean(exclude=relations, validate_unique=False, validate_constraints=False)
        except ValidationError as refused:
            draft.problems += [
                _("Column “%(column)s”: %(problem)s") % {"column": name, "problem": " ".join(messages)}
                for name, messages in refused.message_dict.items()
            ]

    def _store(self, drafts: list[_Draft]) -> None:
        """Write the batch at once; if the database refuses it, line by line to find which."""
        try:
            with transaction.atomic():
                self._write(drafts)
        except IntegrityError:
            for draft in drafts:
                self._store_alone(draft)

    def _store_alone(self, draft: _Draft) -> None:
        if draft.is_new and draft.row is not None:
            draft.row.pk = None
            draft.row._state.adding = True
        try:
            with transaction.atomic():
                self._write([draft])
        except IntegrityError as refused:
            draft.problems.append(explain(self.table.model, refused))

    def _write(self, drafts: list[_Draft]) -> None:
        manager = self.table.model._base_manager
        new = [draft.row for draft in drafts if draft.is_new and draft.row is not None]
        changed = [draft for draft in drafts if draft.changed and not draft.is_new]
        if new:
            manager.bulk_create(new)
        if changed:
            names = sorted(
                {
                    name.removesuffix("_id") if name.endswith("_id") else name
                    for draft in changed
                    for name in draft.changed
                }
            )
            manager.bulk_update([draft.row for draft in changed if draft.row is not None], names)


def _among(name: str, values: set[Any]) -> models.Q:
    """The condition that a column holds one of the values, nothing being one of them."""
    told = models.Q(**{f"{name}__in": values - {None}})
    return told | models.Q(**{f"{name}__isnull": True}) if None in values else told


def _askable(reference: exchange.Reference, lookup: str, texts: set[str]) -> set[str]:
    """The texts that can be compared with the field; a number's field refuses words."""
    field = reference.model._meta.get_field(lookup.split("__", maxsplit=1)[0])
    return {text for text in texts if text.isdigit()} if isinstance(field, models.IntegerField) else texts


def explain(model: type[models.Model], refused: IntegrityError) -> str:
    """The sentence for the constraint that the database says was broken."""
    cause = refused.__cause__
    name = getattr(getattr(cause, "diag", None), "constraint_name", "") or ""
    for constraint in model._meta.constraints:
        if constraint.name == name and constraint.violation_error_message != constraint.default_violation_error_message:
            return str(constraint.violation_error_message)
    return _("The row breaks the rule “%(rule)s”.") % {"rule": name.replace("_", " ") or model._meta.verbose_name}
