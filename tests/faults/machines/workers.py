"""Workers that the machine kills because there is no memory left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from faults.machines.bed import Bed, Case, Done, Run
from faults.trial import Form

__all__ = ["worker_cases"]

_KILLED = r"its worker died 3 times \(killed, or out of memory\)"


def worker_cases(form: Form) -> Iterator[Case]:
    """Yield the faults."""
    yield Case("a worker killed once", _once)
    if form is Form.LONG:
        yield Case("every worker killed", _always, frozenset({1}), _KILLED)


def _once(bed: Bed, run: Run) -> Done:
    process = bed.begun(run)
    while process.poll() is None:
        if workers := _workers(process):
            _kill(workers[0])
            break
        time.sleep(0.01)
    return bed.ended(process)


def _always(bed: Bed, run: Run) -> Done:
    """Kill workers as they come, until the campaign gives up."""
    process = bed.begun(run)
    until = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < until:
        for worker in _workers(process):
            _kill(worker)
        time.sleep(0.02)
    return bed.ended(process)


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _workers(process: subprocess.Popen[str]) -> list[int]:
    """Return the worker processes of a run: not the one that looks after shared memory."""
    found = []
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in children.read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found
