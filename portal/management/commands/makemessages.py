"""`makemessages` that also finds the sentences of refusals.

The kernel and the domains know no translation machine, so their `sentence` texts carry no mark that xgettext looks for;
accounts/refusals.py translates them at the edge.
"""

import ast
from pathlib import Path

from django.core.management.commands import makemessages
from django.utils.functional import cached_property

NAME = "sentence"


def sentences_of(source: str) -> list[str]:
    """Return the texts of the class attributes called `sentence`."""
    return [
        statement.value.value
        for owner in ast.walk(ast.parse(source))
        if isinstance(owner, ast.ClassDef)
        for statement in owner.body
        if isinstance(statement, ast.Assign)
        and [target.id for target in statement.targets if isinstance(target, ast.Name)] == [NAME]
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]


class SourceFile(makemessages.BuildFile):
    """A file whose refusals are read from a copy that marks their sentences."""

    @cached_property
    def sentences(self) -> list[str]:
        path = Path(self.path)
        return sentences_of(path.read_text()) if path.suffix == ".py" else []

    @cached_property
    def is_templatized(self) -> bool:
        return super().is_templatized or bool(self.sentences)

    def preprocess(self) -> None:
        if not self.sentences:
            super().preprocess()
            return
        marked = "".join(f"gettext_noop({sentence!r})\n" for sentence in self.sentences)
        Path(self.work_path).write_text(f"{Path(self.path).read_text()}\n{marked}")


class Command(makemessages.Command):
    build_file_class = SourceFile
    # A guess from a similar text reads like a translation; a gap is seen.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
