"""What happened at the three sites: when the demo begins, and what went wrong since."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from demo.plant.faults import Fault, FaultPeriod
from demo.sites import GREENHOUSE, NETWORK, POOL

LEAST_HISTORY: Final = dt.timedelta(days=75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fault or piece of work in the history of a site."""

    site: str
    fault: Fault
    starts_at: dt.datetime
    lasts: dt.timedelta

    @property
    def ends_at(self) -> dt.datetime:
        """The end."""
        return self.starts_at + self.lasts

    @property
    def period(self) -> FaultPeriod:
        """The event as the plant knows it."""
        return FaultPeriod(
            site=self.site,
            fault=self.fault,
            from_s=self.starts_at.timestamp(),
            until_s=self.ends_at.timestamp(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The demo's past, as seen from the day on which it is built."""

    built_at: dt.datetime
    least_history: dt.timedelta = LEAST_HISTORY

    @property
    def first_month_on(self) -> dt.date:
        """First day of the first whole month of history."""
        return (self.built_at - self.least_history).date().replace(day=1)

    @property
    def last_month_on(self) -> dt.date:
        """First day of the last month that is over."""
        return (self.built_at.date().replace(day=1) - dt.timedelta(days=1)).replace(day=1)

    @property
    def month_before_on(self) -> dt.date:
        """First day of the month before the last one."""
        return (self.last_month_on - dt.timedelta(days=1)).replace(day=1)

    @property
    def epoch(self) -> dt.datetime:
        """The first recorded instant: a day early, so that the month begins at once in every zone."""
        return dt.datetime.combine(self.first_month_on, dt.time(), dt.UTC) - dt.timedelta(days=1)

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything out of the ordinary, in order of time; only what is over by now."""
        events = sorted(
            (*self._month_before_last(), *self._last_month(), *self._this_month()),
            key=lambda event: event.starts_at,
        )
        return tuple(event for event in events if self.epoch < event.starts_at and event.ends_at < self.built_at)

    def _month_before_last(self) -> tuple[Event, ...]:
        month_on = self.month_before_on
        return (
            _event(NETWORK.code, Fault.OFFTAKER_STOP, _at(month_on, 8, 9), hours=5),
            # The meter counts nothing for some hours: that share of the bill is an estimate.
            _event(GREENHOUSE.code, Fault.SENSOR_OPEN, _at(month_on, 17, 2), hours=6),
        )

    def _last_month(self) -> tuple[Event, ...]:
        month_on = self.last_month_on
        return (
            _event(NETWORK.code, Fault.DRY_COOLER_FAN, _at(month_on, 3, 13), hours=1.5),
            _event(POOL.code, Fault.PUMP_FAILURE, _at(month_on, 9, 2, 40), hours=6.5),
            _event(NETWORK.code, Fault.MAINTENANCE, _at(month_on, 14, 7), hours=6),
            # The gateway is mute for a day; the register goes on, so the heat of the gap is spread.
            _event(GREENHOUSE.code, Fault.METER_SILENT, _at(month_on, 21, 5), hours=27),
            _event(NETWORK.code, Fault.LOW_SUPPLY_TEMP, _at(month_on, 25, 16), hours=7),
        )

    def _this_month(self) -> tuple[Event, ...]:
        now = self.built_at.replace(minute=0, second=0, microsecond=0)
        day = dt.timedelta(days=1)
        return (
            _event(GREENHOUSE.code, Fault.EXCHANGER_FOULING, now - 6 * day, hours=40),
            _event(POOL.code, Fault.LOW_SUPPLY_TEMP, now - 3 * day, hours=2),
            _event(NETWORK.code, Fault.CONTROLLER_GARBAGE, now - 2 * day, hours=0.75),
        )


def _at(month_on: dt.date, day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(month_on.replace(day=day), dt.time(hour, minute), dt.UTC)


def _event(site: str, fault: Fault, starts_at: dt.datetime, *, hours: float) -> Event:
    return Event(site=site, fault=fault, starts_at=starts_at, lasts=dt.timedelta(hours=hours))
