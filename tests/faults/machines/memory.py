"""How much memory a unit takes: days of 24 hours at 200 Hz, whole and full of gaps.

Measured as the largest resident set of a process that does nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faults.trial import Form, Trial

__all__ = ["MOST_GB", "Day", "memory_trial", "peak_gb"]

MOST_GB = 1.0
"""What picking a station-day may take with the small picker."""


@dataclass(frozen=True, slots=True)
class Day:
    """A station-day."""

    what: str
    """What it is, in a few words."""
    rate_hz: int
    """Its sampling rate."""
    hours: float
    """How much of it there is, of each of three components."""
    pieces: int
    """Into how many pieces gaps cut it."""


_SHORT = (Day("half an hour at 200 Hz in 40 pieces", 200, 0.5, 40),)
_LONG = (
    Day("24 h at 100 Hz", 100, 24, 1),
    Day("24 h at 200 Hz", 200, 24, 1),
    Day("24 h at 200 Hz in 2,000 pieces", 200, 24, 2000),
    Day("24 h at 200 Hz in 5,000 pieces", 200, 24, 5000),
)


def memory_trial(form: Form, folder: Path) -> Trial:
    """Pick days, each in a process of its own, and compare the most that one took."""
    begin = time.monotonic()
    days = _LONG if form is Form.LONG else _SHORT
    peaks = {day: peak_gb(day, folder / f"day{at}") for at, day in enumerate(days)}
    return Trial(
        what=f"memory of a station-day at most {MOST_GB:.1f} GB",
        tried=len(peaks),
        survived=sum(peak <= MOST_GB for peak in peaks.values()),
        lost=0,
        doubled=0,
        seconds=time.monotonic() - begin,
        remark="; ".join(_told(peaks.items())),
    )


def _told(peaks: Iterable[tuple[Day, float]]) -> list[str]:
    return [f"{day.what}: {peak:.2f} GB" for day, peak in peaks]


def peak_gb(day: Day, folder: Path) -> float:
    """Write a station-day and pick it; return the largest resident set of the picking."""
    about = json.dumps([str(folder), day.rate_hz, day.hours, day.pieces])
    for step in ("write", "pick"):
        done = subprocess.run(
            [sys.executable, "-m", "faults.machines.station_day", step, about],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{day.what} cannot be picked: {done.stderr[-2000:]}")
    return float(done.stdout) / 1e6
