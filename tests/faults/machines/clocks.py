"""Clocks that are set back an hour or forward a year, between runs and during them.

libfaketime (GPL-2.0, for development only) stands for the clock.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faults.machines.bed import Bed, Case, Done, Run, Skipped
from faults.trial import Form

__all__ = ["clock_cases"]

_PART = {"end": "2020-01-02"}
"""The first of two days: what lies around midnight is done again with the second."""


def clock_cases(form: Form) -> Iterator[Case]:
    """Yield the faults."""
    pairs = [("+365d", "-1h")]
    if form is Form.LONG:
        pairs += [("+0", "-1h"), ("-1h", "+365d"), ("+0", "-3650d")]
    for first, second in pairs:
        strike = partial(_between, first, second)
        yield Case(f"clock at {first}, then at {second}", strike)
    if form is Form.LONG:
        for offset in ("-1h", "+365d"):
            yield Case(f"clock set to {offset} during a run", partial(_during, offset))


def _faked(offset: str) -> dict[str, str]:
    """Return what sets the clock of a process and of its children."""
    return {**_preload(), "FAKETIME": offset}


def _preload() -> dict[str, str]:
    spec = importlib.util.find_spec("libfaketime")
    if spec is None or spec.origin is None:
        raise Skipped("libfaketime is not installed")
    found = sorted(Path(spec.origin).parent.rglob("libfaketime.so.1"))
    if not found:
        raise Skipped("libfaketime has no library for this machine")
    made = {"LD_PRELOAD": str(found[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    ask = [sys.executable, "-c", "import time; print(time.time())"]
    there = {**os.environ, **made, "FAKETIME": "+365d"}
    told = subprocess.run(ask, env=there, check=False, capture_output=True, text=True).stdout
    if float(told or 0) < time.time() + 360 * 86_400:
        raise Skipped("libfaketime changes no clock here")
    return made


def _between(first: str, second: str, bed: Bed, run: Run) -> Done:
    """Do one day by one clock, both by another."""
    done = bed.run(Run(run.store, days=_PART, environment=_faked(first)))
    return done if done.code else bed.run(Run(run.store, environment=_faked(second)))


def _during(offset: str, bed: Bed, run: Run) -> Done:
    """Set the clock once the first rows are there."""
    run.store.parent.mkdir(parents=True)
    clock = run.store.parent / "clock"
    clock.write_text("+0")
    followed = {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    cut = ("--days-per-unit", "1")
    process = bed.begun(Run(run.store, cut, environment={**_preload(), **followed}))
    while process.poll() is None and not (run.store / "ledger").exists():
        time.sleep(0.005)
    clock.write_text(offset)
    return bed.ended(process)
