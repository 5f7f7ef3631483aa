"""A pool of processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for

from epicat.config import Campaign
from epicat.plan import Unit
from epicat.work import Outcome, Worker

__all__ = ["Pool"]

_TRIES = 3
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """Processes with one inference thread each.

    A worker that dies (killed, or out of memory) takes the pool with it: the pool is made
    again and its units are handed over again, each at most three times.
    """

    def __init__(self, campaign: Campaign, workers: int) -> None:
        self._campaign_json = campaign.model_dump_json()
        self._workers = workers
        self.capacity = 2 * workers
        self._futures: dict[Future[Outcome], Unit] = {}
        self._tries: dict[Unit, int] = {}
        self._failed: list[Outcome] = []
        self._pool = self._make()

    def _make(self) -> ProcessPoolExecutor:
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(self._campaign_json,),
        )

    def submit(self, unit: Unit) -> None:
        """Hand a unit to the next process that is free."""
        self._tries[unit] = self._tries.get(unit, 0) + 1
        try:
            self._futures[self._pool.submit(_work, unit)] = unit
        except BrokenProcessPool:
            self._remake([unit])

    def next_outcome(self) -> Outcome:
        """Wait for the next outcome; a unit that raised or killed its worker has one too."""
        while not self._failed:
            done, _ = wait(self._futures, return_when=FIRST_COMPLETED)
            for future in done:
                unit = self._futures.pop(future)
                error = future.exception()
                if error is None:
                    self._tries.pop(unit, None)
                    return future.result()
                if isinstance(error, BrokenProcessPool):
                    self._remake([unit, *self._futures.values()])
                    break
                self._failed.append(Outcome(unit, 0.0, failure=f"{type(error).__name__}: {error}"))
        return self._failed.pop()

    def _remake(self, lost: list[Unit]) -> None:
        self._futures.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._make()
        for unit in lost:
            if self._tries.get(unit, 0) < _TRIES:
                self.submit(unit)
            else:
                reason = f"its worker died {_TRIES} times (killed, or out of memory)"
                self._failed.append(Outcome(unit, 0.0, failure=reason))

    def close(self, *, now: bool) -> None:
        """Let the processes go; ``now`` ends them in the middle of what they do."""
        self._pool.shutdown(wait=not now, cancel_futures=True)
        if now:
            for child in multiprocessing.active_children():
                child.terminate()
            for child in multiprocessing.active_children():
                child.join(timeout=5)


_worker: Worker | None = None


def _start(campaign_json: str) -> None:
    global _worker  # noqa: PLW0603 - the one state of a worker process, set at its start
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = Worker(Campaign.model_validate_json(campaign_json))


def _end_with_parent() -> None:
    """End this process when its parent is gone, however that happened."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _work(unit: Unit) -> Outcome:
    if _worker is None:
        raise RuntimeError("the worker process was not started by the pool")
    return _worker.work(unit)
