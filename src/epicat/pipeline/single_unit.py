"""One unit, alone: what a job on a cluster or in a cloud does.

The unit is done by child processes, so that somebody is left to tell what became of it when one
of them is killed, runs out of memory or hangs.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from epicat.pipeline.executors import Executor
from epicat.pipeline.plan import Unit
from epicat.pipeline.worker import Outcome

__all__ = ["do_alone", "split"]


def split(unit: Unit, parts: int) -> list[Unit]:
    """Deal a unit's keys to as many units, or to one for each key if there are fewer."""
    parts = min(parts, len(unit.keys))
    size, more = divmod(len(unit.keys), parts)
    ends = [(i + 1) * size + min(i + 1, more) for i in range(parts)]
    starts = [0, *ends[:-1]]
    return [replace(unit, keys=unit.keys[a:b]) for a, b in zip(starts, ends, strict=True)]


def do_alone(unit: Unit, executor: Executor, parts: int, limit_s: float | None) -> list[Outcome]:
    """Do a unit in as many parts at once; return an outcome of each.

    What is not done after ``limit_s`` seconds fails.  Raises KeyboardInterrupt if it is
    interrupted: then nothing is marked that is not done.
    """
    waiting = split(unit, parts)
    outcomes: list[Outcome] = []
    try:
        with _limited(limit_s):
            for part in waiting:
                executor.submit(part)
            while len(outcomes) < len(waiting):
                outcomes.append(executor.next_outcome())
    except _TooLongError:
        done = {outcome.unit for outcome in outcomes}
        reason = f"it took longer than {limit_s:g} s"
        late = [part for part in waiting if part not in done]
        return outcomes + [Outcome(part, limit_s or 0.0, failure=reason) for part in late]
    finally:
        executor.close(now=len(outcomes) < len(waiting))
    return outcomes


class _TooLongError(Exception):
    pass


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    """Raise `_TooLongError` after some time of the wall clock."""

    def ring(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds or 0.0)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
