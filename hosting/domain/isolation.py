"""What a heat path loses when one component is shut off."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """Sinks that get no heat any more, and sources whose heat finds no way out at all."""

    sinks: frozenset[Hashable]
    stranded_sources: frozenset[Hashable]


def loss(
    *,
    isolated: Hashable,
    supplies: Iterable[tuple[Hashable, Hashable]],
    sources: Collection[Hashable],
    sinks: Collection[Hashable],
    ways_out: Collection[Hashable],
) -> Loss:
    """Return what the supply pipes no longer reach without one component.

    Parameters
    ----------
    isolated
        The component that is shut off.
    supplies
        The supply pipes that are normally open, from and to.
    sources, sinks, ways_out
        The components that make heat, that take it, and through which it can leave (sinks and coolers).

    Notes
    -----
    Only the supply side is followed: a circuit that lost its return has lost its flow as well, and both legs run
    through the same components.

    Examples
    --------
    >>> pipes = [("rack", "hx"), ("hx", "pool"), ("hx", "cooler")]
    >>> found = loss(isolated="cooler", supplies=pipes, sources=["rack"], sinks=["pool"], ways_out=["pool", "cooler"])
    >>> sorted(found.sinks), sorted(found.stranded_sources)
    ([], [])
    >>> found = loss(isolated="hx", supplies=pipes, sources=["rack"], sinks=["pool"], ways_out=["pool", "cooler"])
    >>> sorted(found.sinks), sorted(found.stranded_sources)
    (['pool'], ['rack'])
    """
    onward: dict[Hashable, set[Hashable]] = defaultdict(set)
    for source, target in supplies:
        onward[source].add(target)
    before = _reached(onward, sources, without=None)
    after = _reached(onward, [one for one in sources if one != isolated], without=isolated)
    lost_sinks = {sink for sink in sinks if sink in before and sink not in after}
    stranded = {
        source
        for source in sources
        if source != isolated
        and _reached(onward, [source], without=None) & set(ways_out)
        and not _reached(onward, [source], without=isolated) & set(ways_out)
    }
    return Loss(frozenset(lost_sinks), frozenset(stranded))


def _reached(
    onward: Mapping[Hashable, set[Hashable]], starts: Iterable[Hashable], *, without: Hashable | None
) -> set[Hashable]:
    waiting = [start for start in starts if start != without]
    seen = set(waiting)
    while waiting:
        fresh = {one for one in onward.get(waiting.pop(), ()) if one != without} - seen
        seen |= fresh
        waiting.extend(fresh)
    return seen
