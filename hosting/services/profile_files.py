"""Profiles from YAML files and from the library that ships with the product."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext

from accounts import refusals
from accounts.models import User
from hosting.domain import profile_files
from hosting.domain.profile_files import ProfileFile
from hosting.domain.yaml_lines import FileProblem
from hosting.queries import profiles as stored
from hosting.queries.profiles import LibraryEntry
from hosting.services import profiles
from hosting.services.profiles import Saved
from kernel.errors import Refusal


class ProfileFileRefused(Refusal):
    """A file that is no profile; each line of the detail names the file, the line and the field."""


@transaction.atomic
def import_file(*, file_name: str, content: bytes, by: User | None) -> Saved:
    """The version that says what the file says; the same content again changes nothing."""
    file = profile_files.read(content, stored.WORDS)
    if file.draft is None:
        raise ProfileFileRefused("\n".join(_words(file_name, problem) for problem in file.problems))
    try:
        return profiles.save_draft(draft=file.draft, by=by)
    except Refusal as refusal:
        raise ProfileFileRefused(_words(file_name, _located(file, refusal))) from refusal


@transaction.atomic
def load_library(*, entries: Iterable[LibraryEntry], by: User | None) -> list[Saved]:
    """The stored versions of the entries: what is new is added, an update becomes the next version."""
    return [profiles.save_draft(draft=entry.draft, by=by) for entry in entries]


def _located(file: ProfileFile, refusal: Refusal) -> FileProblem:
    """The refusal with the line of the point that it names."""
    point = str(refusal.facts.get("point") or refusal.facts.get("key") or "")
    line = file.line_of_point(point, str(refusal.facts.get("field", ""))) if point else 1
    return FileProblem(line, point or "YAML", "%(problem)s", {"problem": refusals.words_of(refusal)})


def _words(file_name: str, problem: FileProblem) -> str:
    where = gettext("%(file)s, line %(line)s, %(place)s: ") % {
        "file": file_name,
        "line": problem.line,
        "place": problem.place,
    }
    return (
        where + (gettext(problem.sentence) if problem.sentence != "%(problem)s" else problem.sentence) % problem.facts
    )
