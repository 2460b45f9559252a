"""A key figure by day and hour, as charts.js draws it."""

from typing import Any, Final

from thermal.domain.kpis import figures
from thermal.queries import kpi_words
from thermal.queries.kpi_maps import HourMap
from thermal.views import kpi_tiles

# The ends of the colors leave out the outermost values, which a few odd hours make.
OUTLIER_RATIO: Final = 0.02
_ABOVE_ZERO: Final = frozenset({"kWh", "h", "1"})
_TOKENS: Final = {"it_energy": "power", "return_vw": "heat-return", "utilisation": "power"}


def chart_of(made: HourMap) -> dict[str, Any]:
    """The map as charts.js draws it; shares in percent, rounded to what a screen can show."""
    figure, index = made.figure, {day: number for number, day in enumerate(made.days)}
    values: list[list[float | None]] = [[None] * 24 for _day in made.days]
    estimated: list[list[int]] = []
    for cell in made.cells():
        day = index[cell.day]
        if cell.value is not None:
            values[day][cell.hour] = float(f"{kpi_tiles.scaled(figure, cell.value):.5g}")
            if cell.is_estimated:
                estimated.append([day, cell.hour])
    known = sorted(value for hours in values for value in hours if value is not None)
    low, high = _ends(known, figure)
    return {
        "title": str(kpi_words.FIGURES[figure.key]),
        "unit": kpi_tiles.unit_on_screen(figure),
        "color_token": _TOKENS.get(figure.key, "heat-supply"),
        "days": [day.isoformat() for day in made.days],
        "values": values,
        "estimated": estimated,
        "absent": _absent(made, index),
        "low": low,
        "high": high,
        "least": known[0] if known else None,
        "most": known[-1] if known else None,
    }


def _ends(known: list[float], figure: figures.Figure) -> tuple[float, float]:
    """The values at which colors begin and end: amounts from zero, everything between the usual extremes."""
    if not known:
        return 0.0, 1.0
    last = len(known) - 1
    low, high = known[round(OUTLIER_RATIO * last)], known[round((1 - OUTLIER_RATIO) * last)]
    if figure.unit in _ABOVE_ZERO and low >= 0:
        low = 0.0
    return (low, high) if high > low else (min(low, known[0]), max(high, known[-1]))


def _absent(made: HourMap, index: dict[Any, int]) -> list[list[int]]:
    """The cells that hold no hour: left out by the clock in spring, or not over yet."""
    shown = {(hour.date(), hour.hour) for hour in made.quarters if hour < made.until}
    return [[number, hour] for day, number in index.items() for hour in range(24) if (day, hour) not in shown]
