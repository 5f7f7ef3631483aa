"""Timeouts and retries, shared by archives, stores and FDSN web services.

Waits grow and have jitter, so that a thousand workers that were refused at once do not all come
back at once ("decorrelated jitter" is obstore's, "equal jitter" is that of `pauses`: M. Brooker,
Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import TypeVar

from epicat.errors import InputError

__all__ = ["BRISK", "PATIENT", "Patience", "pauses", "retry"]

T = TypeVar("T")

PATIENT = 1000
"""Retries of a worker: only the time limits them."""
BRISK = 2
"""Retries of an interactive command."""

_PATIENCE_S = 150.0
_STALL_S = 30.0
_FIRST_S, _LONGEST_S = 0.25, 15.0
_STALLS_OF_A_RESPONSE = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """The retry budget: how long to wait for a server."""

    total_s: float = _PATIENCE_S
    """Seconds after the first request, after which no retry begins."""
    stall_s: float = _STALL_S
    """Seconds without a byte after which a response is given up."""
    retries: int = PATIENT
    """Maximum number of retries of a request to a bucket."""

    @classmethod
    def from_environment(cls, retries: int = PATIENT) -> Patience:
        """Read the environment variables ``EPICAT_PATIENCE`` and ``EPICAT_STALL``, in seconds.

        Raises `InputError` if one is not a duration.
        """
        times = _seconds("EPICAT_PATIENCE", _PATIENCE_S), _seconds("EPICAT_STALL", _STALL_S)
        return cls(*times, retries)

    def limited_to(self, retries: int) -> Patience:
        """Return the same budget with at most so many retries."""
        return replace(self, retries=min(self.retries, retries))

    @property
    def stall(self) -> timedelta:
        """`stall_s` as a duration."""
        return timedelta(seconds=self.stall_s)

    @property
    def complete(self) -> timedelta:
        """How long a complete response may take."""
        return _STALLS_OF_A_RESPONSE * self.stall

    @property
    def total(self) -> timedelta:
        """`total_s` as a duration."""
        return timedelta(seconds=self.total_s)


def pauses(total_s: float) -> Iterator[float]:
    """Yield the seconds to wait before each retry, until ``total_s`` have passed."""
    begin = time.monotonic()
    longest = _FIRST_S
    while (left := begin + total_s - time.monotonic()) > 0:
        yield min(longest * random.uniform(0.5, 1.0), left)  # noqa: S311 - no secret
        longest = min(2 * longest, _LONGEST_S)


def retry(
    action: Callable[[], T],
    is_transient: Callable[[Exception], bool | float],
    waits: Iterable[float],
) -> T:
    """Return what an action returns; repeat it while its errors are transient.

    ``is_transient`` may return the seconds that the server asks to wait, in place of the next of
    ``waits``, whose number bounds that of the retries.  Raises the last error of the action.
    """
    for wait in chain(waits, [None]):
        try:
            return action()
        except Exception as error:
            advice = is_transient(error)
            if wait is None or advice is False:
                raise
            time.sleep(wait if advice is True else advice)
    raise AssertionError("the last attempt returns or raises")


def _seconds(name: str, usual: float) -> float:
    text = os.environ.get(name, "")
    try:
        seconds = float(text) if text else usual
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InputError(f"{name}={text!r} is not a duration; give seconds, for example {usual:g}")
    return seconds
