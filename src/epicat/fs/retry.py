"""How long servers are waited for: one rule for archives, stores and station services.

Waits grow and are drawn at random, so that a thousand workers that were refused at once do not
all come back at once ("decorrelated jitter" is obstore's, "equal jitter" is `pauses`': M. Brooker,
Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from epicat.errors import InputError

__all__ = ["BRISK", "PATIENT", "Patience", "pauses"]

PATIENT = 1000
"""Retries of a worker: more than its time allows."""
BRISK = 2
"""Retries where a person waits."""

_PATIENCE_S = 150.0
_STALL_S = 30.0
_FIRST_S, _LONGEST_S = 0.25, 15.0
_WHOLE = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may keep somebody waiting."""

    total_s: float = _PATIENCE_S
    """Seconds from the first asking, after which nothing is asked again."""
    stall_s: float = _STALL_S
    """Seconds without a byte after which an answer is given up."""
    retries: int = PATIENT
    """How often a bucket is asked again at most."""

    @classmethod
    def given(cls, retries: int = PATIENT) -> Patience:
        """Read ``EPICAT_PATIENCE`` and ``EPICAT_STALL``.

        Raises `InputError` if they are no times.
        """
        times = _seconds("EPICAT_PATIENCE", _PATIENCE_S), _seconds("EPICAT_STALL", _STALL_S)
        return cls(*times, retries)

    def to(self, retries: int) -> Patience:
        """Return the same with so many retries, or with its own if those are fewer."""
        return replace(self, retries=min(self.retries, retries))

    @property
    def stall(self) -> timedelta:
        """`stall_s` as a time."""
        return timedelta(seconds=self.stall_s)

    @property
    def whole(self) -> timedelta:
        """How long one whole answer may take, however steadily it comes."""
        return _WHOLE * self.stall

    @property
    def total(self) -> timedelta:
        """`total_s` as a time."""
        return timedelta(seconds=self.total_s)


def pauses(total_s: float) -> Iterator[float]:
    """Yield how long to wait before each further try, until some seconds have passed."""
    begin = time.monotonic()
    longest = _FIRST_S
    while (left := begin + total_s - time.monotonic()) > 0:
        yield min(longest * random.uniform(0.5, 1.0), left)  # noqa: S311 - no secret
        longest = min(2 * longest, _LONGEST_S)


def _seconds(name: str, usual: float) -> float:
    text = os.environ.get(name, "")
    try:
        seconds = float(text) if text else usual
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InputError(f"{name}={text!r} is no time; give seconds, such as {usual:g}")
    return seconds
