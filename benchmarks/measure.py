"""Measure complete processes: wall and CPU seconds, peak memory."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Figures", "machine", "measure"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Resources used by a process."""

    wall_s: float
    """Seconds by the clock."""
    cpu_s: float
    """Seconds of processors, user and system."""
    peak_mb: float
    """Largest resident size in megabytes, of its own processes the largest one's."""
    days: int
    """Station-days that it picked."""
    steady_s: float
    """Seconds by the clock of a station-day, once it has begun."""
    picks: int
    """Picks of a station-day."""
    storing: float = 0.0
    """Share of the time that went into writing to the store."""


def measure(
    commands: Mapping[str, Sequence[str]], runs: int, env: Mapping[str, str]
) -> dict[str, Figures]:
    """Run commands alternately, A B A B, after a warm-up; return the medians of each."""
    taken: dict[str, list[Figures]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            print(f"  {name}, {'warm-up' if turn == 0 else turn}", file=sys.stderr)
            figures = _once(command, env)
            if turn:
                taken[name].append(figures)
    return {name: _median(all_of) for name, all_of in taken.items()}


def _once(command: Sequence[str], env: Mapping[str, str]) -> Figures:
    begin = time.perf_counter()
    process = subprocess.Popen(
        list(command), env={**os.environ, **env}, stdout=subprocess.PIPE, text=True
    )
    output = process.stdout.read() if process.stdout else ""
    _, state, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(state) != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return Figures(wall, cpu, usage.ru_maxrss / 1000, **json.loads(output.splitlines()[-1]))


def _median(figures: Sequence[Figures]) -> Figures:
    return Figures(
        statistics.median(f.wall_s for f in figures),
        statistics.median(f.cpu_s for f in figures),
        statistics.median(f.peak_mb for f in figures),
        figures[0].days,
        statistics.median(f.steady_s for f in figures),
        figures[0].picks,
        statistics.median(f.storing for f in figures),
    )


def machine() -> str:
    """Return a description of the machine."""
    model = platform.processor() or platform.machine()
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}"
