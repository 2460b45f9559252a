"""How files of a drop folder are to be read, as the options of a profile say."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from kernel.errors import Refusal
from thermal.domain import clocks
from thermal.domain.readings import PointIsWrong, PointSpec

DELIMITERS: Final[dict[str, str | None]] = {"auto": None, "comma": ",", "semicolon": ";", "tab": "\t"}
LONGEST_NAME: Final = 120
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


class OptionIsWrong(Refusal):
    """An option of a profile that means nothing here."""

    sentence = "Option %(option)s: “%(value)s” is not known."


class TimeNotOfThisForm(Refusal):
    """A time that is not written as the profile says."""

    sentence = "“%(text)s” is not a time of the form %(form)s."


@dataclass(frozen=True, slots=True)
class FileLayout:
    """Which files a profile reads, and how."""

    file_pattern: str
    delimiter: str | None
    decimal_comma: bool
    time_column: str
    time_form: str
    zone: ZoneInfo | None
    unit_column: str

    def reads(self, name: str) -> bool:
        """Return whether a file of this name is for the profile."""
        return fnmatch.fnmatchcase(name.casefold(), self.file_pattern.casefold())

    def instant(self, text: str, zone: ZoneInfo) -> dt.datetime:
        """Return the instant that a cell tells; without an offset by the layout's zone, else the given one.

        Examples
        --------
        >>> layout = layout_of({"time_form": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin"})
        >>> layout.instant("22.11.2026 21:00", ZoneInfo("UTC")).isoformat()
        '2026-11-22T20:00:00+00:00'
        """
        if self.time_form:
            try:
                text = dt.datetime.strptime(text, self.time_form).isoformat()  # noqa: DTZ007 -- the zone follows
            except (ValueError, re.error):
                raise TimeNotOfThisForm(text=text, form=self.time_form) from None
        return clocks.instant_of(text, self.zone or zone)

    def number(self, text: str) -> str:
        """Return a number as programs write it.

        Examples
        --------
        >>> layout_of({"decimal_comma": True}).number("12,5")
        '12.5'
        """
        return text.replace(",", ".") if self.decimal_comma else text


def layout_of(options: Mapping[str, Any]) -> FileLayout:
    """Return the layout that the options of a profile describe; what means nothing is refused by name."""
    mark = str(options.get("delimiter") or "auto")
    if mark not in DELIMITERS:
        raise OptionIsWrong(option="delimiter", value=mark)
    zone_name = str(options.get("time_zone") or ("UTC" if options.get("clock") == "utc" else ""))
    try:
        zone = ZoneInfo(zone_name) if zone_name else None
    except (KeyError, ValueError, OSError):
        raise OptionIsWrong(option="time_zone", value=zone_name) from None
    time_form = str(options.get("time_form") or "")
    try:
        dt.datetime.strptime("", time_form)  # noqa: DTZ007 -- only whether it can be a form
    except re.error:  # something is to be told twice
        raise OptionIsWrong(option="time_form", value=time_form) from None
    except ValueError:
        pass  # the empty text is no time, in any form
    return FileLayout(
        file_pattern=str(options.get("file") or "*"),
        delimiter=DELIMITERS[mark],
        decimal_comma=bool(options.get("decimal_comma", False)),
        time_column=str(options.get("time_column") or "time"),
        time_form=time_form,
        zone=zone,
        unit_column=str(options.get("unit_column") or ""),
    )


def check(points: Sequence[PointSpec], options: Mapping[str, Any]) -> None:
    """Refuse a profile of which a point has no column, or an option means nothing."""
    layout_of(options)
    for point in points:
        column = point.address.get("column")
        if not isinstance(column, str) or not column:
            raise PointIsWrong(point=point.key, problem="the column is not given.")


def safe_name(name: str) -> str:
    """Return a file name that every file system, database and terminal takes as it is.

    Examples
    --------
    >>> safe_name("Zähler 7.csv"), safe_name("../x")
    ('Z_hler_7.csv', '.._x')
    """
    return _NOT_IN_NAMES.sub("_", name)[-LONGEST_NAME:]
