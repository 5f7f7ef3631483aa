"""Streams of random numbers that depend on what they are for, not on when they are drawn.

Each event, path, station and stretch of noise has a stream of its own, named by the seed of the
archive and by what it is.  So a station-day has the same samples whether it is written alone or
with a year around it, first or last, by one process or by eight.
"""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return the generator of a purpose; names are told apart by their ``str``."""
    text = "\x1f".join(str(name) for name in (seed, *names))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]))
