"""Defects put into the rows of a real meter's file, each as it happens in the field."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

HOUR = dt.timedelta(hours=1)
COLUMNS = ("time", "energy_kwh", "volume_m3", "supply_energy_m3c", "return_energy_m3c")
PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file of hourly registers."""

    at: dt.datetime
    energy_kwh: Decimal
    volume_m3: Decimal
    supply_energy_m3c: Decimal
    return_energy_m3c: Decimal

    def with_energy(self, energy_kwh: Decimal) -> "Line":
        """The same row with another heat register."""
        return Line(
            self.at, energy_kwh.quantize(PLACES), self.volume_m3, self.supply_energy_m3c, self.return_energy_m3c
        )

    def at_time(self, at: dt.datetime) -> "Line":
        """The same registers under another time."""
        return Line(at, self.energy_kwh, self.volume_m3, self.supply_energy_m3c, self.return_energy_m3c)


def lines_of(rows: Sequence[dict[str, str]]) -> list[Line]:
    """The rows of the real file, at the four decimals that readings keep."""
    names = ("energy_heat_kwh", "volume_flow_m3", "inlet_flow_energy_m3xC", "back_flow_energy_m3xC")
    return [
        Line(dt.datetime.fromisoformat(row["time_rounded"]), *(Decimal(row[name]).quantize(PLACES) for name in names))
        for row in rows
    ]


def file_of(lines: Sequence[Line]) -> bytes:
    """The rows as a file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([line.at.isoformat(), *(getattr(line, name) for name in COLUMNS[1:])])
    return text.getvalue().encode()


def gap(lines: Sequence[Line], start: dt.datetime, hours: int = 72) -> list[Line]:
    """Nothing was read for three days."""
    return [line for line in lines if not start <= line.at < start + hours * HOUR]


def stuck(lines: Sequence[Line], start: dt.datetime, hours: int = 30) -> list[Line]:
    """The heat register stands still while water passes, then counts on from where it stood."""
    frozen = next(line.energy_kwh for line in lines if line.at == start)
    last = next(line.energy_kwh for line in lines if line.at == start + hours * HOUR)
    return [
        line
        if line.at <= start
        else line.with_energy(frozen if line.at <= start + hours * HOUR else line.energy_kwh - (last - frozen))
        for line in lines
    ]


def rollover(lines: Sequence[Line], modulus: Decimal) -> list[Line]:
    """The counter starts again at zero where it reaches its end."""
    return [line.with_energy(line.energy_kwh % modulus) for line in lines]


def swapped(lines: Sequence[Line], at: dt.datetime) -> tuple[list[Line], list[Line]]:
    """The rows of the old meter, and those of a new one that counts from zero at the exchange."""
    exchange = next(line for line in lines if line.at == at)
    after = [
        Line(
            line.at,
            line.energy_kwh - exchange.energy_kwh,
            line.volume_m3 - exchange.volume_m3,
            line.supply_energy_m3c - exchange.supply_energy_m3c,
            line.return_energy_m3c - exchange.return_energy_m3c,
        )
        for line in lines
        if line.at > at
    ]
    return [line for line in lines if line.at < at], after


def spike(lines: Sequence[Line], at: dt.datetime, kwh: int = 7000) -> list[Line]:
    """One telegram was read wrongly."""
    return [line.with_energy(line.energy_kwh + kwh) if line.at == at else line for line in lines]


def unit_change(lines: Sequence[Line], start: dt.datetime, end: dt.datetime) -> list[Line]:
    """For a while the gateway tells MWh under the name of kWh."""
    return [line.with_energy(line.energy_kwh / 1000) if start <= line.at < end else line for line in lines]


def clock_off(lines: Sequence[Line], start: dt.datetime, end: dt.datetime) -> list[Line]:
    """For a while the logger's clock is an hour ahead; then somebody puts it back."""
    return [line.at_time(line.at + HOUR) if start <= line.at < end else line for line in lines]


def overlap(lines: Sequence[Line], start: dt.datetime, end: dt.datetime) -> list[Line]:
    """A second export of some days, by a program that cuts off the decimals."""
    return [line.with_energy(Decimal(int(line.energy_kwh))) for line in lines if start <= line.at < end]
