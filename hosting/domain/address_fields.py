"""What a part of an address is: its name, what may stand in it, and how it is told to people."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final


def gettext_noop(text: str) -> str:
    """The text as it is: a mark for the catalog, because only the edge knows the reader's language."""
    return text


_ = gettext_noop


class Kind(enum.StrEnum):
    """What may stand in a field."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLAG = "flag"
    CHOICE = "choice"
    NUMBERS = "numbers"
    """One number or a list of them."""
    TEXTS = "texts"
    """A list of texts."""


@dataclass(frozen=True, slots=True)
class AddressField:
    """One named part of an address, or one option of a profile; label and help are English, for the catalog."""

    name: str
    kind: Kind
    label: str
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    default: Any = None
    """What the language takes where nothing is given."""
    minimum: int | None = None
    maximum: int | None = None
    also_number: bool = False
    """A choice that may be a whole number, or a list of them, instead of one of its words."""


@dataclass(frozen=True, slots=True)
class Language:
    """What a profile may say in one field language."""

    point: tuple[AddressField, ...]
    own_options: tuple[AddressField, ...] = ()

    @property
    def options(self) -> tuple[AddressField, ...]:
        """What the options of a profile may say: first the language's own."""
        return (*self.own_options, *EVERY_LANGUAGE)

    @property
    def point_names(self) -> frozenset[str]:
        """The names that the address of a point may use."""
        return frozenset(field.name for field in self.point)

    @property
    def option_names(self) -> frozenset[str]:
        """The names that the options of a profile may use."""
        return frozenset(field.name for field in self.options)


EVERY_LANGUAGE: Final = (
    AddressField(
        "check_serial",
        Kind.FLAG,
        _("compare the serial number"),
        _("Registers are stored only if the device names the serial number of its meter."),
        default=True,
    ),
    AddressField(
        "clock",
        Kind.CHOICE,
        _("time of the clock"),
        _("Site: the device is set to the local time of its site, the usual case."),
        choices=("site", "utc"),
        default="site",
    ),
)
"""Options that concern what is done with an answer, in whatever language it came."""
