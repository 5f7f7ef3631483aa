"""A pool of worker processes on this machine.

A new process imports this module before anything else, so it imports nothing heavy: that takes
seconds, during which the process could not yet end with its parent.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from epicat._util.processes import (
    Children,
    Mailbox,
    SharedNumber,
    SharedText,
    deferred_interrupts,
    follow_parent,
    usable_cores,
)
from epicat.errors import AwayError, EpicatError, unforeseen

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.outcome import FinishedKey, Outcome
    from epicat.pipeline.plan import Unit
    from epicat.pipeline.worker import Worker

__all__ = ["Pool"]

_TRIES = 3
_DIED = f"its worker died {_TRIES} times (killed, or out of memory)"
_JOIN_S = 2.0
_POLL_S = 0.5
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """Worker processes with one inference thread each, or more while there is less work.

    When fewer units are left than processes, the idle cores compute windows of these units.

    If a worker dies (killed, or out of memory), the executor of the standard library breaks.  It
    is replaced, and the units that were running are submitted one at a time, so that the one that
    kills its worker is identified and fails alone after three tries.
    """

    def __init__(self, campaign: Campaign | None, workers: int) -> None:
        """Make a pool; without a campaign yet, `assign` must come before the first unit."""
        self._campaign = SharedText.from_text(campaign.model_dump_json() if campaign else "")
        self._threads = SharedNumber.from_value(1)
        self._children = Children()
        self._mailbox = Mailbox.opened()
        self._on_key: Callable[[FinishedKey], None] | None = None
        self._assigned, self._assigning = self._children.Pipe(duplex=False)
        self._early: Future[None] | None = None
        self.workers = workers
        self.capacity = 2 * workers
        self._waiting: deque[Unit] = deque()
        self._futures: dict[Future[Outcome], Unit] = {}
        self._suspects: dict[Unit, int] = {}
        self._failed: list[Outcome] = []
        self._pool = self._make()

    def _make(self) -> ProcessPoolExecutor:
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        return ProcessPoolExecutor(
            self.workers,
            mp_context=self._children,
            initializer=_start,
            initargs=(_Shared(self._campaign, self._threads, self._mailbox, self._assigned),),
        )

    @classmethod
    @contextmanager
    def started_early(cls, workers: int) -> Iterator[Pool]:
        """Give a pool without a campaign yet whose first process gets ready meanwhile.

        It imports what a worker needs while this process resolves the campaign, and loads the
        picker while this process makes the plan.  With one core alone there is nothing to gain,
        and no process is started.
        """
        pool = cls(None, workers)
        try:
            if usable_cores() > 1:
                with deferred_interrupts():
                    pool._early = pool._pool.submit(_get_ready)
            yield pool
        finally:
            pool.close(now=True)

    def assign(self, campaign: Campaign) -> None:
        """Give a pool that was started early its campaign, before the first unit."""
        self._campaign.set(campaign.model_dump_json())
        station_days = len(campaign.names) * len(list(campaign.span.days()))
        self._share_cores(station_days)
        self._assigning.send_bytes(b"1")

    def report_keys(self, on_key: Callable[[FinishedKey], None]) -> None:
        """Report each finished key of units that are running, from `next_outcome`."""
        self._on_key = on_key

    def submit(self, unit: Unit) -> None:
        """Queue a unit, which starts when the next outcome is waited for, or later."""
        self._waiting.append(unit)
        self._share_cores(len(self._waiting) + len(self._futures))

    def _share_cores(self, unfinished: int) -> None:
        """Give every unfinished unit its share of the cores."""
        self._threads.set(max(1, self.workers // max(unfinished, 1)))

    def next_outcome(self) -> Outcome:
        """Wait for the next outcome; a unit that raised or killed its worker has one, too."""
        while True:
            self._feed()
            if self._failed:
                return self._failed.pop()
            future = self._next_done()
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                self._remake()
                continue
            unit = self._futures.pop(future)
            self._share_cores(len(self._waiting) + len(self._futures))
            self._suspects.pop(unit, None)
            if error is None:
                return future.result()
            if isinstance(error, AwayError):
                raise error
            return _failed(unit, unforeseen(error))

    def _next_done(self) -> Future[Outcome]:
        """Wait for a unit; report keys meanwhile."""
        while True:
            done, _ = wait(self._futures, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for line in self._mailbox.take():
                if self._on_key is not None:
                    self._on_key(_key_of(line))
            if done:
                return next(iter(done))

    def _feed(self) -> None:
        """Submit waiting units; while there are suspects, one unit at a time.

        A unit alone waits for the process that was started early: another one would be ready
        later, and take a core from it until then.
        """
        if self._early is not None and len(self._waiting) == 1 and not self._futures:
            wait([self._early])
        self._early = None
        while self._waiting and not (self._suspects and self._futures):
            try:
                with deferred_interrupts():  # may start a process
                    future = self._pool.submit(_work, self._waiting[0])
            except BrokenProcessPool:
                self._remake()
            else:
                self._futures[future] = self._waiting.popleft()

    def _remake(self) -> None:
        """Replace the executor; queue lost units first, unless they were lost too often."""
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
                self._failed.append(_failed(unit, _DIED))

    def close(self, *, now: bool) -> None:
        """Stop the processes; ``now`` kills them without waiting for running units.

        Processes that have nothing to do are killed as well: what they did is committed, and the
        end of an interpreter takes a quarter of a second.
        """
        now = now or not (self._waiting or self._futures)
        # At exit, Python wakes the executor's thread through a pipe that the thread may be closing
        # at that moment: so join it first.  The executor forgets it at the shutdown.
        thread = getattr(self._pool, "_executor_manager_thread", None)
        try:
            self._pool.shutdown(wait=not now, cancel_futures=True)
        finally:
            self._children.kill()  # also if the wait is interrupted
            if thread is not None:
                thread.join(_JOIN_S)
            self._mailbox.close()


def _failed(unit: Unit, reason: str) -> Outcome:
    from epicat.pipeline.outcome import Outcome

    return Outcome(unit, 0.0, failure=reason)


def _key_of(line: str) -> FinishedKey:
    from epicat.ledger import Stage
    from epicat.pipeline.outcome import FinishedKey

    stage, key, status, n_rows = line.split("\t")
    return FinishedKey(Stage(stage), key, status, int(n_rows))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the processes of a pool share with the one that made it."""

    campaign: SharedText
    """The campaign as JSON."""
    threads: SharedNumber
    """How many threads a unit may use."""
    mailbox: Mailbox
    """Where a process reports finished keys."""
    assigned: Connection
    """Can be read as soon as there is a campaign."""


_shared: _Shared | None = None


def _start(shared: _Shared) -> None:
    """Initialize a worker process."""
    global _shared  # noqa: PLW0603 - the only state of a worker process, set once
    follow_parent()
    _shared = shared


def _get_ready() -> None:
    """Import what a worker needs; load the picker when there is a campaign."""
    import_module("epicat.pipeline.worker")
    core = import_module("epicat.pick.openvino.runtime").core
    core()
    if _shared is not None:
        _shared.assigned.poll(None)
        with suppress(EpicatError):  # reported by the first unit
            _worker().get_ready()


@cache
def _worker() -> Worker:
    """Return the worker of this process; not made by `_start`, where an error breaks the pool."""
    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.worker import Worker

    if _shared is None:
        raise RuntimeError("this process was not started by a pool")
    shared = _shared

    def put(done: FinishedKey) -> None:
        shared.mailbox.put(f"{done.stage.value}\t{done.key}\t{done.status}\t{done.n_rows}")

    campaign = Campaign.model_validate_json(shared.campaign.text())
    return Worker(campaign, shared.threads.get, put)


def _work(unit: Unit) -> Outcome:
    return _worker().work(unit)
