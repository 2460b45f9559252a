"""Waiting for what other processes do: until it is so, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], *, seconds: float = 20) -> Found:
    """Return what `look` finds as soon as that is something; fail when the time is over."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain"
        time.sleep(0.02)
    return found
