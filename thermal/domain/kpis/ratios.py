"""Quotients of what may be unknown."""


def ratio(part: float | None, whole: float | None) -> float | None:
    """The part per whole, or None where one of them is unknown or the whole is nothing.

    >>> ratio(1.0, 4.0), ratio(None, 4.0), ratio(1.0, 0.0)
    (0.25, None, None)
    """
    if part is None or whole is None or whole <= 0:
        return None
    return part / whole
