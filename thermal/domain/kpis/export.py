"""Where captured heat went: the balance, the export mode, curtailment, and how well supply met demand.

Notes
-----
The export mode follows the machine EXPORT, PARTIAL, BUFFER, DUMP, EMERGENCY. Where a controller tells its mode, that
counts; else it is derived from the energies of the quarter hour, and the row says so.

====================================================  =============  ==========
What the quarter hour shows, the first that is true    Mode           Cause
====================================================  =============  ==========
announced work at the site                             MAINTENANCE    planned
no heat to speak of (below 10 % of design)             none           none
delivered at least 90 % of what could go out           EXPORT         none
(10 % where that is known roughly)
delivered 10 to 90 % of it                             PARTIAL        offtaker where no heat was called for
the rest went into the buffer                          BUFFER         offtaker where no heat was called for
else                                                   DUMP           offtaker where no heat was called for,
                                                                      temperature where the supply was too cold,
                                                                      provider otherwise
====================================================  =============  ==========
"""

import enum
from dataclasses import dataclass
from typing import Final

from thermal.domain.kpis.ratios import ratio

# Heat below this share of design is no heat that could be exported; from the definition of curtailment.
WORTH_RATIO: Final = 0.10
# From this share of what could go out, export counts as full.
FULL_RATIO: Final = 0.90


class Mode(enum.IntEnum):
    """Where the captured heat goes; the numbers of the ledger."""

    EXPORT = 0
    PARTIAL = 1
    BUFFER = 2
    DUMP = 3
    EMERGENCY = 4
    MAINTENANCE = 5


class Cause(enum.IntEnum):
    """Why heat is not exported in full; the numbers of the ledger."""

    NONE = 0
    OFFTAKER = 1
    PROVIDER = 2
    SAFETY = 3
    TEMPERATURE = 4
    PLANNED = 5


BLOCKED: Final = (Mode.DUMP, Mode.EMERGENCY, Mode.MAINTENANCE)


@dataclass(frozen=True, slots=True)
class Quarter:
    """What a quarter hour of a site shows, in kWh; None where it is not known.

    `is_rough`: neither heat captured nor heat rejected is metered, so that the heat available is only as large as the
    IT energy and a part of it cannot be told from the whole.
    """

    available_kwh: float | None
    delivered_kwh: float | None
    design_kwh: float
    buffer_change_kwh: float | None = None
    is_called: bool | None = None
    is_too_cold: bool = False
    is_planned: bool = False
    is_rough: bool = False


def derived_mode(quarter: Quarter) -> tuple[Mode | None, Cause]:
    """The export mode and its cause as the energies show them; no mode where nothing could go out.

    >>> derived_mode(Quarter(5.0, 4.8, 5.0)), derived_mode(Quarter(5.0, 0.0, 5.0, is_called=False))
    ((<Mode.EXPORT: 0>, <Cause.NONE: 0>), (<Mode.DUMP: 3>, <Cause.OFFTAKER: 1>))
    """
    if quarter.is_planned:
        return Mode.MAINTENANCE, Cause.PLANNED
    available, delivered = quarter.available_kwh, quarter.delivered_kwh
    if available is None or delivered is None or available < WORTH_RATIO * quarter.design_kwh:
        return None, Cause.NONE
    if delivered >= (WORTH_RATIO if quarter.is_rough else FULL_RATIO) * available:
        return Mode.EXPORT, Cause.NONE
    mode = _reduced(available, delivered, quarter.buffer_change_kwh or 0.0)
    if quarter.is_called is False:
        return mode, Cause.OFFTAKER
    if mode is not Mode.DUMP:
        return mode, Cause.NONE
    return mode, Cause.TEMPERATURE if quarter.is_too_cold else Cause.PROVIDER


def _reduced(available_kwh: float, delivered_kwh: float, buffered_kwh: float) -> Mode:
    if delivered_kwh >= WORTH_RATIO * available_kwh:
        return Mode.PARTIAL
    return Mode.BUFFER if buffered_kwh >= WORTH_RATIO * available_kwh else Mode.DUMP


def curtailed_kwh(
    available_kwh: float | None, delivered_kwh: float | None, buffer_change_kwh: float | None, mode: Mode | None
) -> float | None:
    """The heat in kWh that could have been exported and was not: available − delivered − into the buffer, from 0 up.

    While export is full, what is not found at the meters is a loss of pipes and an error of measurement, not curtailed.

    >>> curtailed_kwh(100.0, 60.0, 5.0, Mode.PARTIAL), curtailed_kwh(100.0, 97.0, None, Mode.EXPORT)
    (35.0, 0.0)
    """
    if available_kwh is None or delivered_kwh is None:
        return None
    if mode is None or mode is Mode.EXPORT:
        return 0.0
    return max(0.0, available_kwh - delivered_kwh - max(0.0, buffer_change_kwh or 0.0))


def balance_error_kwh(
    it_heat_kwh: float | None,
    heat_pump_kwh: float | None,
    delivered_kwh: float | None,
    rejected_kwh: float | None,
    buffer_change_kwh: float | None,
) -> float | None:
    """What came in and did not go out or into the buffer: losses and errors of measurement, in kWh.

    IT heat + work of the heat pumps = delivered + rejected + change of the buffer + this. Parts that a site does not
    have are handed in as None and count nothing.

    >>> balance_error_kwh(100.0, 20.0, 90.0, 25.0, 2.0)
    3.0
    """
    if it_heat_kwh is None or delivered_kwh is None:
        return None
    came_in = it_heat_kwh + (heat_pump_kwh or 0.0)
    return came_in - delivered_kwh - (rejected_kwh or 0.0) - (buffer_change_kwh or 0.0)


def balance_error_ratio(
    error_kwh: float | None, it_heat_kwh: float | None, heat_pump_kwh: float | None
) -> float | None:
    """The closing error as a share of what came in; negative where more went out than came in.

    >>> round(balance_error_ratio(3.0, 100.0, 20.0), 3)
    0.025
    """
    return ratio(error_kwh, None if it_heat_kwh is None else it_heat_kwh + (heat_pump_kwh or 0.0))


def thermal_coincidence_ratio(coincident_kwh: float | None, supply_kwh: float | None) -> float | None:
    """The share of the heat on offer that met a demand at the same time: Σ min(supply, demand) ÷ Σ supply.

    >>> thermal_coincidence_ratio(sum(min(s, d) for s, d in [(5, 8), (5, 2)]), 10.0)
    0.7
    """
    return ratio(coincident_kwh, supply_kwh)


def compute_utilisation_ratio(sum_of_ratios: float | None, count: float) -> float | None:
    """The mean use of the compute over the quarter hours in which it is known.

    >>> compute_utilisation_ratio(1.5, 2)
    0.75
    """
    return ratio(sum_of_ratios, count)
