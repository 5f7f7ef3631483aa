"""Run one unit: what a job on a cluster or in a cloud does.

The unit runs in child processes, so that the parent can still record the outcome if a child is
killed, runs out of memory or hangs.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from epicat.pipeline.executors import Executor
from epicat.pipeline.outcome import Outcome
from epicat.pipeline.plan import Unit

__all__ = ["run_unit", "split"]


def split(unit: Unit, parts: int) -> list[Unit]:
    """Split a unit into ``parts`` units, or into one per key if there are fewer keys."""
    parts = min(parts, len(unit.keys))
    size, more = divmod(len(unit.keys), parts)
    ends = [(i + 1) * size + min(i + 1, more) for i in range(parts)]
    starts = [0, *ends[:-1]]
    return [replace(unit, keys=unit.keys[a:b]) for a, b in zip(starts, ends, strict=True)]


def run_unit(unit: Unit, executor: Executor, parts: int, limit_s: float | None) -> list[Outcome]:
    """Run a unit in ``parts`` parallel parts; return the outcome of each.

    Parts that are not done after ``limit_s`` seconds fail.  Raises KeyboardInterrupt if it is
    interrupted; unfinished keys are then not recorded.
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
    """Raise `_TooLongError` after ``seconds`` of wall-clock time."""

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
