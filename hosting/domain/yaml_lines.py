"""YAML as plain values, with the line of each and without what could make a small file a large one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import yaml

from hosting.domain.address_fields import gettext_noop as _

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 8
"""Lists in lists beyond what any profile has; a file that nests deeper wants to exhaust the reader."""
# YAML 1.1 reads 0100 as 64 and 1:30 as 90, which nobody who copies a register list means.
PLAIN_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,30}|0x[0-9a-fA-F]{1,16})")
PLAIN_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
TAGS: Final = {"tag:yaml.org,2002:" + name for name in ("map", "seq", "str", "int", "float", "bool", "null")} | {
    # What looks like a date, "=" or "<<" is a text here.
    "tag:yaml.org,2002:timestamp",
    "tag:yaml.org,2002:value",
    "tag:yaml.org,2002:merge",
}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong in which line: an English sentence for the catalog, and the facts that go into it."""

    line: int
    place: str
    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"line {self.line}, {self.place}: {self.sentence % self.facts}"


class Pattern(int):
    """A number that was written in hexadecimal digits, and how: among raw numbers it is a pattern of bits."""

    text: str

    def __new__(cls, text: str) -> Self:
        """The number of the digits."""
        made = super().__new__(cls, text, 16)
        made.text = text
        return made


class NotYaml(Exception):
    """Something at a place from which on nothing can be read."""

    def __init__(self, line: int, sentence: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(sentence)
        self.problem = FileProblem(line, "YAML", sentence, facts or {})


class _Loader(yaml.SafeLoader):
    """Composes nodes without what could make a small file a large one."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node; no references, no bottomless nesting."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if self.check_event(yaml.AliasEvent):
            raise NotYaml(line, _("references (*) are not allowed; write the value again."))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotYaml(line, _("this is nested too deeply."))
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class Document:
    """The values of one file, where each stands, and what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[FileProblem] = []
        self.lines: dict[Path, int] = {}

    def wrong(self, path: Path, sentence: str, **facts: object) -> None:
        """Note a problem at the line where the path, or what holds it, stands."""
        known = next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), 1)
        self.problems.append(FileProblem(known, _place(path), sentence, facts))

    def plain(self, node: yaml.Node, path: Path) -> Any:
        """The values below a node, with the line of each noted."""
        self.lines[path] = node.start_mark.line + 1
        if node.tag not in TAGS:
            self.wrong(path, _("the tag %(tag)s is not allowed."), tag=_sound(str(node.tag)))
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(child, (*path, position)) for position, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = _sound(str(key_node.value)) if isinstance(key_node, yaml.ScalarNode) else "?"
            inner = (*path, name)
            if name in values:
                self.lines[inner] = key_node.start_mark.line + 1
                self.wrong(inner, _("“%(name)s” stands here for the second time."), name=name)
                continue
            values[name] = self.plain(value_node, inner)
            self.lines[inner] = key_node.start_mark.line + 1
        return values

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        text = _sound(str(node.value))
        if text != node.value:
            self.wrong(path, _("the text has a character that no text has."))
        if kind in {"int", "float"}:
            pattern = PLAIN_INTEGER if kind == "int" else PLAIN_FLOAT
            if not pattern.fullmatch(text):
                self.wrong(path, _("“%(value)s” is no plain number; write decimal digits, or 0x and hex."), value=text)
                return 0
            if kind == "float":
                return float(text)
            return Pattern(text) if "x" in text else int(text)
        if kind == "bool":
            return text.lower() in {"yes", "true", "on"}
        return None if kind == "null" else text


def compose(content: bytes) -> yaml.Node:
    """The root node of the file."""
    if len(content) > MAX_BYTES:
        raise NotYaml(1, _("the file is larger than %(limit)s KB."), {"limit": MAX_BYTES // 1024})
    try:
        loader = _Loader(content.decode("utf-8-sig"))
        node: yaml.Node | None = loader.get_single_node()
    except UnicodeDecodeError as error:
        raise NotYaml(content.count(b"\n", 0, error.start) + 1, _("the file is not UTF-8.")) from None
    except yaml.reader.ReaderError as error:
        line = content.decode("utf-8-sig")[: error.position].count("\n") + 1
        raise NotYaml(line, _("the file has a character that no text has.")) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = {"problem": _sound(str(error.problem or error.context or ""))}
        raise NotYaml(mark.line + 1 if mark else 1, _("this is not YAML: %(problem)s."), words) from None
    except (ValueError, OverflowError):  # an escape for a character that does not exist, a version of a million digits
        raise NotYaml(1, _("the file has a character that no text has.")) from None
    if node is None:
        raise NotYaml(1, _("the file is empty."))
    return node


def _sound(text: str) -> str:
    """The text without what neither a page nor the database can hold."""
    return "".join(letter if letter.isprintable() or letter in "\n\u00a0\u202f" else "\ufffd" for letter in text)


def _place(path: Path) -> str:
    """The path in words: points[3].address.register."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "YAML"
