"""A request that we understood and declined."""

import re
from typing import ClassVar


def snake_case(name: str) -> str:
    """The snake case of a class name.

    >>> snake_case("MonthStillOpen"), snake_case("VATMissing")
    ('month_still_open', 'vat_missing')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Refusal(Exception):
    """A request that we understood and declined, in words a person can act on.

    Subclasses stand beside the function that raises them and read as statements. The detail is either
    given when raised (a lazy translation will do), or made from the class's `sentence` and the facts:
    floors that may not know a translation machine write it that way, and the edge translates the
    sentence before it fills in the facts.

    Examples
    --------
    >>> class MonthStillOpen(Refusal):
    ...     sentence = "%(month)s is not over yet."
    >>> refusal = MonthStillOpen(month="October 2026")
    >>> refusal.code, refusal.detail
    ('month_still_open', 'October 2026 is not over yet.')
    >>> str(Refusal("The meter has no seal."))
    'The meter has no seal.'
    """

    code: ClassVar[str] = "refusal"
    sentence: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = snake_case(cls.__name__)

    def __init__(self, detail: object = "", **facts: object) -> None:
        super().__init__(detail)
        self.given = detail
        self.facts = facts

    @property
    def detail(self) -> str:
        """What was refused and why, as a sentence."""
        return str(self.given) or (self.sentence % self.facts) or self.code.replace("_", " ")

    def __str__(self) -> str:
        return self.detail
