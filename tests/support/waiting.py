"""Bounds of waiting.  They end what hangs; nothing fails because the machine is busy."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["LIMIT_S", "wait_until"]

LIMIT_S = 300.0
"""Far beyond what any step takes, also where ten processes share a core."""
_PAUSE_S = 0.01


def wait_until(happened: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait for something; raise `TimeoutError` if it has not come about after ``limit_s``."""
    end = time.monotonic() + limit_s
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit_s:g} s: {what}")
        time.sleep(_PAUSE_S)
