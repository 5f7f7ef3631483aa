"""A pool of processes on this machine."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache

from epicat._util.processes import Children, Handed, without_interrupts
from epicat.campaign.campaign import Campaign
from epicat.errors import AwayError, unforeseen
from epicat.pipeline.plan import Unit
from epicat.pipeline.pool_worker import begin, campaign_json
from epicat.pipeline.worker import Outcome, Worker

__all__ = ["Pool"]

_TRIES = 3
_GONE_S = 2.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """Processes with one inference thread each.

    A worker that dies (killed, or out of memory) takes the pool with it.  The pool is made
    again, and the units that were under way are done one at a time: so the one that kills its
    worker is found, and fails alone after three tries.
    """

    def __init__(self, campaign: Campaign, workers: int) -> None:
        self._campaign = Handed.from_text(campaign.model_dump_json())
        self._children = Children()
        self._workers = workers
        self.capacity = 2 * workers
        self._waiting: deque[Unit] = deque()
        self._futures: dict[Future[Outcome], Unit] = {}
        self._suspects: dict[Unit, int] = {}
        self._failed: list[Outcome] = []
        self._pool = self._make()

    def _make(self) -> ProcessPoolExecutor:
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        return ProcessPoolExecutor(
            self._workers,
            mp_context=self._children,
            initializer=begin,
            initargs=(self._campaign,),
        )

    def submit(self, unit: Unit) -> None:
        """Hand a unit to the next process that is free."""
        self._waiting.append(unit)
        self._feed()

    def next_outcome(self) -> Outcome:
        """Wait for the next outcome; a unit that raised or killed its worker has one too."""
        while True:
            self._feed()
            if self._failed:
                return self._failed.pop()
            done, _ = wait(self._futures, return_when=FIRST_COMPLETED)
            future = next(iter(done))
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                self._remake()
                continue
            unit = self._futures.pop(future)
            self._suspects.pop(unit, None)
            if error is None:
                return future.result()
            if isinstance(error, AwayError):
                raise error
            return Outcome(unit, 0.0, failure=unforeseen(error))

    def _feed(self) -> None:
        """Hand over what waits; as long as there are suspects, one unit at a time."""
        while self._waiting and not (self._suspects and self._futures):
            try:
                with without_interrupts():  # it may start a process
                    future = self._pool.submit(_work, self._waiting[0])
            except BrokenProcessPool:
                self._remake()
            else:
                self._futures[future] = self._waiting.popleft()

    def _remake(self) -> None:
        """Make the pool again; what was under way waits in front, unless it did so too often."""
        kept = {f: u for f, u in self._futures.items() if f.done() and f.exception() is None}
        lost = [unit for future, unit in self._futures.items() if future not in kept]
        self._futures = kept
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._make()
        for unit in reversed(lost):
            self._suspects[unit] = self._suspects.get(unit, 0) + 1
            if self._suspects[unit] < _TRIES:
                self._waiting.appendleft(unit)
            else:
                del self._suspects[unit]
                reason = f"its worker died {_TRIES} times (killed, or out of memory)"
                self._failed.append(Outcome(unit, 0.0, failure=reason))

    def close(self, *, now: bool) -> None:
        """Let the processes go; ``now`` ends them in the middle of what they do."""
        # Python's end wakes the pool's thread by a pipe that the thread may be closing just then:
        # so it should be over before.  The pool forgets it at the shutdown.
        thread = getattr(self._pool, "_executor_manager_thread", None)
        try:
            self._pool.shutdown(wait=not now, cancel_futures=True)
        finally:
            self._children.kill()  # also if the waiting is interrupted
            if thread is not None:
                thread.join(_GONE_S)


@cache
def _worker() -> Worker:
    """Return this process's worker.  Not made by `begin`: what fails there breaks the pool."""
    return Worker(Campaign.model_validate_json(campaign_json()))


def _work(unit: Unit) -> Outcome:
    return _worker().work(unit)
