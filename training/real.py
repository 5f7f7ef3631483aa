"""Real training waveforms: analyst windows and noise.

Only MIT-licensed data are read here.  The Holuhraun swarm (GPL) is for evaluation only: see
`evaluate.py`.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

__all__ = ["RATE", "Window", "long_period", "noise_days", "read_windows"]

RATE = 100
"""Samples a second of everything in this folder."""

F64 = NDArray[np.float64]

_SHARES = (("train", 0.62), ("choose", 0.75), ("test", 1.0))
"""Parts of the windows, as cumulated shares: to learn from, to choose thresholds by, to tell."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window with an analyst's P and S."""

    name: str
    """Name of its file."""
    part: str
    """train, choose or test: all windows of a station are in one part."""
    data: F64
    """Shape (3, samples), components Z, N, E; dead ones are zero."""
    p: int
    """Sample of P."""
    s: int
    """Sample of S."""


def read_windows(data: Path) -> list[Window]:
    """Return the windows of Northern California, sorted by name."""
    with (data / "norcal_windows" / "labels.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["fname"])
    return [_read(data / "norcal_windows" / row["fname"], row) for row in rows]


def _read(path: Path, row: dict[str, str]) -> Window:
    with np.load(path) as loaded:
        east_north_up = loaded["data"].T
    data = np.ascontiguousarray(east_north_up[::-1], np.float64)
    data -= data.mean(axis=1, keepdims=True)
    return Window(path.stem, _part(path.stem), data, int(row["itp"]), int(row["its"]))


def _part(name: str) -> str:
    """Return the subset of a window, from a hash of its station: no station is in two subsets."""
    station = "_".join(name.split("_")[:2])
    share = int.from_bytes(hashlib.sha256(station.encode()).digest()[:4]) / 2**32
    return next(part for part, limit in _SHARES if share < limit)


def noise_days(data: Path) -> dict[str, F64]:
    """Return days of one horizontal component of Southern California at 100 Hz, by object.

    They are 40 Hz recordings: there is no energy above 20 Hz.  They may contain earthquakes.
    """
    days = sorted((data / "scedc" / "objects").glob("*BHN*.ms"))
    return {path.stem: resample_poly(_samples(path), 5, 2) for path in days}


def long_period(data: Path) -> list[F64]:
    """Return days at one sample per second: microseisms and drift."""
    days = sorted((data / "scedc" / "objects").glob("*LHZ*.ms"))
    found = [_samples(path) for path in days]
    return [day for day in found if len(day) > 3600 and day.std() > 0]


def _samples(path: Path) -> F64:
    """Return the longest segment of a miniSEED file without a gap, demeaned."""
    from pymseed import MS3TraceList

    traces = MS3TraceList.from_file(str(path), unpack_data=True)
    stretches = [np.asarray(part.np_datasamples) for trace in traces for part in trace]
    longest = max(stretches, key=len).astype(np.float64)
    return longest - longest.mean()
