"""The change history: who changed what, when and why, written by the database itself.

Triggers record every insert, update and delete, so that changes made outside the application are caught too;
they come without a name, which is what makes them stand out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pghistory
from django.db import models

_Model = TypeVar("_Model", bound=type[models.Model])


def tracked(*, exclude: Sequence[str] = (), **options: Any) -> Callable[[_Model], _Model]:
    """A class decorator that gives a model a change history: ``@tracked()`` above the class.

    Parameters
    ----------
    exclude
        Fields that are secret or change without meaning. Tables that only ever grow need no history.
    options
        Passed on to `pghistory.track`.
    """
    track: Callable[[_Model], _Model] = pghistory.track(
        pghistory.InsertEvent("created"),
        pghistory.UpdateEvent("changed"),
        pghistory.DeleteEvent("deleted"),
        exclude=list(exclude) or None,
        append_only=True,
        **options,
    )
    return track


@contextmanager
def reason(why: str, *, by: models.Model | None = None) -> Iterator[None]:
    """Names who makes the changes inside the block, and why, where no request does: tasks and commands."""
    facts: dict[str, object] = {"why": why}
    if by is not None:
        facts["user"] = by.pk
    with pghistory.context(**facts):
        yield
