"""Device profiles as YAML files: read with the line of every mistake, written so that they read back the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from hosting.domain import address_checks
from hosting.domain.address_fields import AddressField, Kind
from hosting.domain.address_fields import gettext_noop as _
from hosting.domain.addresses import LANGUAGES
from hosting.domain.profiles import PointSpec, ProfileDraft
from hosting.domain.yaml_lines import Document, FileProblem, NotYaml, Path, Pattern, compose

LAST_SLOT: Final = 399
LENGTHS: Final = {"key": 60, "name": 120, "source": 200, "verified_against": 300, "unit": 16}
TOP: Final = (
    "key",
    "version",
    "name",
    "device_kind",
    "protocol",
    "source",
    "verified_against",
    "options",
    "points",
)
POINT: Final = ("slot", "key", "name", "quantity", "unit", "address")
SLUG: Final = re.compile(r"[-a-zA-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that a profile may use, which the models know."""

    protocols: Collection[str]
    device_kinds: Collection[str]
    quantities: Collection[str]


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """What a file says: a draft, or why there is none; and where everything stands."""

    draft: ProfileDraft | None
    problems: tuple[FileProblem, ...]
    lines: Mapping[Path, int]

    def line_of_point(self, key: str, name: str = "") -> int:
        """The line where a point, or one part of its address, stands."""
        points = self.draft.points if self.draft else ()
        position = next((place for place, point in enumerate(points) if point.key == key), 0)
        places: tuple[Path, ...] = (("points", position, "address", name), ("points", position, name))
        found = [self.lines[place] for place in places if place in self.lines]
        return found[0] if found else self.lines.get(("points", position), 1)


def read(content: bytes, words: Vocabulary) -> ProfileFile:
    """What a YAML file says, with every problem that it has and the line of each."""
    reader = _Reader(words)
    try:
        draft = reader.draft(reader.plain(compose(content), ()))
    except NotYaml as error:
        return ProfileFile(None, (error.problem,), {})
    return ProfileFile(None if reader.problems else draft, tuple(reader.problems), reader.lines)


def write(draft: ProfileDraft, *, version: int | None = None) -> str:
    """The YAML file of a version; reading it gives the same draft."""
    tidy = draft.tidied()
    content: dict[str, Any] = {"key": tidy.key}
    if version is not None:
        content["version"] = version
    content |= {"name": tidy.name, "device_kind": tidy.device_kind, "protocol": tidy.protocol}
    content |= {name: getattr(tidy, name) for name in ("source", "verified_against") if getattr(tidy, name)}
    if tidy.options:
        content["options"] = tidy.options
    content["points"] = [_written(point) for point in tidy.points]
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _written(point: PointSpec) -> dict[str, Any]:
    """A point as the file has it, without what is empty."""
    row: dict[str, Any] = {"slot": point.slot, "key": point.key, "name": point.name, "quantity": str(point.quantity)}
    if point.unit:
        row["unit"] = point.unit
    if point.address:
        row["address"] = _OneLine(point.address)
    return row


class _OneLine(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes plain values only."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the interface of PyYAML
        """Say everything twice rather than by reference."""
        return True


_Dumper.add_representer(
    _OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)


def _plain_address(fields: tuple[AddressField, ...], given: dict[str, Any]) -> dict[str, Any]:
    """The address with hexadecimal digits as the pattern they are, or as the number where a number is meant."""
    patterns = {field.name for field in fields if field.kind is Kind.NUMBERS}

    def plain(value: Any, *, kept: bool) -> Any:
        if isinstance(value, list):
            return [plain(one, kept=kept) for one in value]
        if isinstance(value, Pattern):
            return value.text if kept else int(value)
        return value

    return {name: plain(value, kept=name in patterns) for name, value in given.items()}


class _Reader(Document):
    """One pass over one file: what its values mean."""

    def __init__(self, words: Vocabulary) -> None:
        super().__init__()
        self.words = words

    def draft(self, document: Any) -> ProfileDraft | None:
        """The draft that the values are, problems noted on the way."""
        if not isinstance(document, dict):
            self.wrong((), _("a profile is a list of names with values, such as “key: sdm630”."))
            return None
        self._known(document, TOP, ())
        protocol = self._word(document, "protocol", self.words.protocols, ())
        language = LANGUAGES.get(protocol)
        given = self._part(document, "options", dict, ())
        if language:
            self._shape(language.options, given, ("options",))
        draft = ProfileDraft(
            key=self._slug(document, ()),
            name=self._text(document, "name", (), required=True),
            protocol=protocol,
            device_kind=self._word(document, "device_kind", self.words.device_kinds, (), default="other"),
            source=self._text(document, "source", ()),
            verified_against=self._text(document, "verified_against", ()),
            options=given,
            points=tuple(self._points(document, language.point if language else None)),
        )
        self._unique(draft.points)
        return draft

    def _points(self, document: dict[str, Any], fields: tuple[AddressField, ...] | None) -> Iterator[PointSpec]:
        rows = self._part(document, "points", list, ())
        if not rows:
            self.wrong(("points",), _("%(name)s is not given."), name="points")
        for position, row in enumerate(rows):
            path: Path = ("points", position)
            if not isinstance(row, dict):
                self.wrong(path, _("a point has names with values: %(names)s."), names=", ".join(POINT))
                continue
            self._known(row, POINT, path)
            address = _plain_address(fields or (), self._part(row, "address", dict, path))
            if fields is not None:
                self._shape(fields, address, (*path, "address"))
            key = self._slug(row, path)
            name = self._text(row, "name", path) or key
            quantity = self._word(row, "quantity", self.words.quantities, path)
            yield PointSpec(self._slot(row, path), key, name, quantity, self._text(row, "unit", path), address)

    def _unique(self, points: tuple[PointSpec, ...]) -> None:
        for name in ("slot", "key"):
            seen: set[Any] = set()
            for position, point in enumerate(points):
                value = getattr(point, name)
                if value in seen and value != "":
                    self.wrong(
                        ("points", position, name),
                        _("%(name)s “%(value)s” is taken by another point."),
                        name=name,
                        value=value,
                    )
                seen.add(value)

    def _known(self, given: dict[str, Any], names: tuple[str, ...], path: Path) -> None:
        for name in given:
            if name not in names:
                known = ", ".join(names)
                self.wrong((*path, name), _("“%(name)s” is not known; known are %(known)s."), name=name, known=known)

    def _shape(self, fields: tuple[AddressField, ...], given: dict[str, Any], path: Path) -> None:
        for problem in address_checks.problems(fields, given):
            self.wrong((*path, problem.field), problem.sentence, **problem.facts)

    def _part(self, given: dict[str, Any], name: str, kind: type[Any], path: Path) -> Any:
        value = given.get(name)
        if value is None:
            return kind()
        if not isinstance(value, kind):
            sentence = _("%(name)s is a list.") if kind is list else _("%(name)s has names with values.")
            self.wrong((*path, name), sentence, name=name)
            return kind()
        return value

    def _text(self, given: dict[str, Any], name: str, path: Path, *, required: bool = False) -> str:
        value = given.get(name)
        if value is None or value == "":
            if required:
                self.wrong((*path, name), _("%(name)s is not given."), name=name)
            return ""
        if not isinstance(value, str):
            self.wrong(
                (*path, name), _("%(name)s “%(value)s” is not a text; put it in quotes."), name=name, value=value
            )
            return ""
        if len(value) > LENGTHS[name]:
            self.wrong((*path, name), _("%(name)s is longer than %(limit)s letters."), name=name, limit=LENGTHS[name])
        return value

    def _slug(self, given: dict[str, Any], path: Path) -> str:
        value = self._text(given, "key", path, required=True)
        if value and not SLUG.fullmatch(value):
            self.wrong((*path, "key"), _("“%(value)s” has more than letters, digits, - and _."), value=value)
        return value

    def _word(
        self, given: dict[str, Any], name: str, words: Collection[str], path: Path, *, default: str | None = None
    ) -> str:
        value = given.get(name, default)
        if value is None:
            self.wrong((*path, name), _("%(name)s is not given."), name=name)
        elif isinstance(value, str) and value in words:
            return value
        else:
            choices = ", ".join(words)
            self.wrong(
                (*path, name),
                _("%(name)s “%(value)s” is none of %(choices)s."),
                name=name,
                value=value,
                choices=choices,
            )
        return ""

    def _slot(self, row: dict[str, Any], path: Path) -> int:
        slot = row.get("slot", path[-1])
        if address_checks.is_whole(slot) and 0 <= slot <= LAST_SLOT:
            return int(slot)
        self.wrong(
            (*path, "slot"),
            _("%(name)s “%(value)s” is not a number from %(minimum)s to %(maximum)s."),
            name="slot",
            value=slot,
            minimum=0,
            maximum=LAST_SLOT,
        )
        return 0
