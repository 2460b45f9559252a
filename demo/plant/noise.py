"""Noise that is a function of a seed and an instant, so that history and the live plant agree."""

import math
from functools import lru_cache
from hashlib import blake2b


@lru_cache(maxsize=65_536)
def _knot(seed: str, index: int) -> float:
    digest = blake2b(f"{seed}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1.0


def smooth_noise(seed: str, at_s: float, period_s: float) -> float:
    """A value between -1 and 1 that wanders smoothly over about `period_s` seconds.

    Examples
    --------
    >>> smooth_noise("load", 1_000.0, 600.0) == smooth_noise("load", 1_000.0, 600.0)
    True
    >>> -1.0 <= smooth_noise("load", 12_345.0, 600.0) <= 1.0
    True
    """
    position = at_s / period_s
    index = math.floor(position)
    share = position - index
    weight = share * share * (3.0 - 2.0 * share)
    return _knot(seed, index) * (1.0 - weight) + _knot(seed, index + 1) * weight
