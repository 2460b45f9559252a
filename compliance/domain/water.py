"""What a laboratory's figure says about a water circuit."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

WARNING_RATIO = Decimal("0.8")


class Verdict(StrEnum):
    """What a result says, from best to worst."""

    IN_LIMIT = "in_limit"
    WARNING = "warning"
    OUT = "out"
    UNDECIDED = "undecided"
    NOT_JUDGED = "not_judged"


class Sign(StrEnum):
    """What stands before a laboratory's figure."""

    EXACT = ""
    BELOW = "<"
    ABOVE = ">"


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest and the greatest allowed value, either of them or both, in the unit of the parameter."""

    lowest_value: Decimal | None = None
    highest_value: Decimal | None = None

    def __post_init__(self) -> None:
        low, high = self.lowest_value, self.highest_value
        if low is not None and high is not None and low >= high:
            raise ValueError("the lowest value must lie below the highest")

    def holds(self, value: Decimal) -> bool:
        """Whether the value lies inside; the limits themselves do."""
        above_low = self.lowest_value is None or value >= self.lowest_value
        return above_low and (self.highest_value is None or value <= self.highest_value)

    def warned(self) -> "Limits":
        """The narrower limits outside which a result is a warning.

        Notes
        -----
        One limit: 80 % of an upper one; a lower one is neared when the limit is 80 % of the value. A range: the
        middle 80 % of it, because 80 % of 10.0 would lie below the lower end of pH 8.2 to 10.0.

        Examples
        --------
        >>> Limits(Decimal("8.2"), Decimal("10.0")).warned()
        Limits(lowest_value=Decimal('8.38'), highest_value=Decimal('9.82'))
        >>> Limits(highest_value=Decimal(100)).warned().highest_value, Limits(Decimal(25)).warned().lowest_value
        (Decimal('80.0'), Decimal('31.25'))
        """
        low, high = self.lowest_value, self.highest_value
        if low is not None and high is not None:
            margin = (high - low) * (1 - WARNING_RATIO) / 2
            return Limits(low + margin, high - margin)
        return Limits(
            None if low is None else low / WARNING_RATIO,
            None if high is None else high * WARNING_RATIO,
        )


def judge(value: Decimal, limits: Limits | None, sign: Sign = Sign.EXACT) -> Verdict:
    """What the value says against its limits.

    Parameters
    ----------
    value
        The laboratory's figure in the unit of the parameter.
    limits
        The limits that held on the day of the sample; None where nobody set any.
    sign
        `<` for a figure below the limit of detection, `>` for one above the range of the method.

    Notes
    -----
    A figure with a sign stands for every value on that side. It is judged where all of them agree and is
    undecided otherwise: "< 0.05" says nothing about a limit of 0.02.

    Examples
    --------
    >>> ph = Limits(Decimal("8.2"), Decimal("10.0"))
    >>> [str(judge(Decimal(text), ph)) for text in ("8.1", "8.2", "8.3", "9.0", "9.9", "10.1")]
    ['out', 'warning', 'warning', 'in_limit', 'warning', 'out']
    >>> oxygen = Limits(highest_value=Decimal("0.02"))
    >>> str(judge(Decimal("0.01"), oxygen, Sign.BELOW)), str(judge(Decimal("0.05"), oxygen, Sign.BELOW))
    ('in_limit', 'undecided')
    """
    if limits is None or limits == Limits():
        return Verdict.NOT_JUDGED
    if sign is not Sign.EXACT:
        return _judge_side(value, limits, sign)
    if not limits.holds(value):
        return Verdict.OUT
    # Where nothing is allowed at all there is nothing to warn of: absent is absent.
    return Verdict.IN_LIMIT if limits.warned().holds(value) or value == 0 else Verdict.WARNING


def _judge_side(value: Decimal, limits: Limits, sign: Sign) -> Verdict:
    """What a figure says that only bounds the true value on one side."""
    low, high = limits.lowest_value, limits.highest_value
    reached, other = (high, low) if sign is Sign.BELOW else (low, high)
    beyond = other is not None and (value <= other if sign is Sign.BELOW else value >= other)
    if beyond:
        return Verdict.OUT
    inside = reached is not None and (value <= reached if sign is Sign.BELOW else value >= reached)
    return Verdict.IN_LIMIT if inside and other is None else Verdict.UNDECIDED


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a sample: the worst of its results.

    >>> str(worst([Verdict.IN_LIMIT, Verdict.UNDECIDED, Verdict.WARNING])), str(worst([]))
    ('warning', 'not_judged')
    """
    order = (Verdict.OUT, Verdict.WARNING, Verdict.UNDECIDED, Verdict.IN_LIMIT)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.NOT_JUDGED)
