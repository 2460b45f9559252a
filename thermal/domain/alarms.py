"""When a condition holds, how long it must, and what becomes of an alarm (ISA-18.2, IEC 62682).

The states of the standard, reduced to those that an operator meets here:

=================  ==================================  ================
from               event                               to
=================  ==================================  ================
(none), closed     condition held for the on-delay     unacknowledged
unacknowledged     acknowledged                        acknowledged
unacknowledged     clear for the off-delay             returned
acknowledged       clear for the off-delay             closed
returned           acknowledged                        closed
returned           condition held for the on-delay     unacknowledged
=================  ==================================  ================
"""

import datetime as dt
import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """What an occurrence waits for."""

    UNACKNOWLEDGED = "unack"
    ACKNOWLEDGED = "ack"
    RETURNED = "rtn"
    CLOSED = "closed"


class Event(enum.Enum):
    """What can happen to an alarm."""

    RAISE = enum.auto()
    RETURN = enum.auto()
    ACKNOWLEDGE = enum.auto()


_TABLE: dict[tuple[State, Event], State] = {
    (State.CLOSED, Event.RAISE): State.UNACKNOWLEDGED,
    (State.UNACKNOWLEDGED, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.UNACKNOWLEDGED, Event.RETURN): State.RETURNED,
    (State.ACKNOWLEDGED, Event.RETURN): State.CLOSED,
    (State.RETURNED, Event.ACKNOWLEDGE): State.CLOSED,
    (State.RETURNED, Event.RAISE): State.UNACKNOWLEDGED,
}


def next_state(state: State | None, event: Event) -> State | None:
    """The state after the event, or None where the event changes nothing.

    >>> next_state(None, Event.RAISE).value, next_state(State.RETURNED, Event.ACKNOWLEDGE).value
    ('unack', 'closed')
    >>> next_state(State.ACKNOWLEDGED, Event.RAISE) is None
    True
    """
    return _TABLE.get((state or State.CLOSED, event))


def holds(kind: str, value: float, limit: float, deadband: float) -> bool | None:
    """Whether the condition is true, false, or, between the limit and the deadband, neither.

    Parameters
    ----------
    kind
        ``high`` and ``no_data`` hold at or above the limit, ``low`` at or below it.
    value, limit, deadband
        In one unit; for ``no_data`` the seconds since the last answer.

    Examples
    --------
    >>> [holds("high", x, 50.0, 2.0) for x in (50.0, 49.0, 47.9)]
    [True, None, False]
    >>> [holds("low", x, 38.0, 1.0) for x in (38.0, 38.5, 39.1)]
    [True, None, False]
    """
    if kind == "low":
        value, limit = -value, -limit
    if value >= limit:
        return True
    return False if value < limit - deadband or deadband == 0 else None


@dataclass(frozen=True, slots=True)
class Watch:
    """Since when a condition has been true without a break, or clear without one; never both."""

    condition_since: dt.datetime | None = None
    clear_since: dt.datetime | None = None

    def observed(self, *, held: bool | None, at: dt.datetime) -> "Watch":
        """The watch after one more look; a value inside the deadband starts both waits anew."""
        if held is None:
            return Watch()
        if held:
            return Watch(condition_since=self.condition_since or at)
        return Watch(clear_since=self.clear_since or at)

    def event(self, at: dt.datetime, *, on_delay: dt.timedelta, off_delay: dt.timedelta) -> Event | None:
        """What the watch has waited for long enough at the instant, if anything."""
        if self.condition_since is not None and at - self.condition_since >= on_delay:
            return Event.RAISE
        if self.clear_since is not None and at - self.clear_since >= off_delay:
            return Event.RETURN
        return None
