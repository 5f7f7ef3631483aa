"""The executor on a Dask cluster."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from distributed import KilledWorker

from epicat.errors import AwayError, ClusterError, unforeseen
from epicat.pipeline.dask.events import key_of, outcome_of
from epicat.pipeline.dask.task_size import TaskSize
from epicat.pipeline.dask.worker_plugin import (
    CampaignPlugin,
    RefusedWorkerError,
    check_worker,
    run_units,
)
from epicat.pipeline.outcome import FinishedKey, Outcome

if TYPE_CHECKING:
    from distributed import Future

    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.dask.cluster import DaskCluster
    from epicat.pipeline.plan import Unit

__all__ = ["DaskExecutor"]

_Answer: TypeAlias = "list[dict[str, Any]] | Exception | None"
"""The counts of a task's units, what it raised, or None if it is lost with the scheduler."""

_POLL_S = 1.0
_ANSWER_S = 5.0
_THREADS_AGE_S = 2.0
_REGISTRATIONS = 5
_DIED = "its workers died (killed, or out of memory), also when it ran alone"


class DaskExecutor:
    """Units as tasks of Dask, twice as many tasks as the cluster has threads.

    A task has one unit, or several while units take only milliseconds (`TaskSize`).
    If a worker dies, Dask runs its tasks again elsewhere.  It gives up a task whose workers died
    four times; but that may have been the fault of another task on the same workers.  Such units
    are suspects: each is run again with no other unit, so that the one that kills its workers is
    identified and fails alone.
    """

    def __init__(
        self, cluster: DaskCluster, campaign: Campaign, report: Callable[[str], None]
    ) -> None:
        """Give the campaign to the workers and check them.

        Raises `ClusterError` if a worker cannot be used: before any work.
        """
        self._cluster = cluster
        self._client = cluster.client
        self._address = cluster.address
        self._report = report
        self._name = f"epicat-{uuid.uuid4().hex[:12]}"
        self._count = 0
        self._waiting: deque[Unit] = deque()
        self._suspects: deque[Unit] = deque()
        self._tasks: dict[str, list[Unit]] = {}
        self._size = TaskSize()
        self._ready: deque[Outcome] = deque()
        self._alone: Unit | None = None
        self._done: SimpleQueue[tuple[str, _Answer]] = SimpleQueue()
        self._counts: dict[str, list[dict[str, Any]]] = {}  # by task, until it is done
        self._threads, self._threads_at = 0, 0.0
        self._keys: SimpleQueue[FinishedKey] = SimpleQueue()
        self._on_key: Callable[[FinishedKey], None] = lambda _: None
        self._is_closing = False
        self._prepare(campaign)

    def _prepare(self, campaign: Campaign) -> None:
        """Send the campaign and wait for the first worker; check those that are there."""
        files = _bundle_files(campaign.bundle)
        bundle = Path(campaign.bundle.name) if campaign.bundle else None
        text = campaign.model_copy(update={"bundle": bundle}).model_dump_json()
        plugin = CampaignPlugin(self._name, text, files)
        self._register(plugin)
        with suppress(Exception):  # without events, results are fetched
            self._client.subscribe_topic(self._name, self._receive_event)
        self._wait_for_workers()
        found = self._asked(lambda: self._client.run(check_worker, self._name, on_error="return"))
        for address, error in found.items():
            # One that dies meanwhile is none to refuse: others are checked with their first task.
            if isinstance(error, BaseException) and not isinstance(error, OSError):
                raise _refused(address, error)

    def _register(self, plugin: CampaignPlugin) -> None:
        """Send the campaign to the workers; again if one dies while it receives it."""
        for _ in range(_REGISTRATIONS - 1):
            try:
                self._client.register_plugin(plugin, name=self._name)
            except OSError:
                self._count_threads()  # raises if it is the scheduler that is gone
                time.sleep(_POLL_S)
            except (ImportError, AttributeError):
                break
            else:
                return
        self._asked(lambda: self._client.register_plugin(plugin, name=self._name))

    def _wait_for_workers(self) -> None:
        has_reported = False
        while not self._count_threads():
            if not has_reported:
                self._report(f"waiting for workers of {self._address}")
                has_reported = True
            self._cluster.revive()
            time.sleep(_POLL_S)

    @property
    def capacity(self) -> int:
        """How many units to submit at once: for twice the threads, which may come and go."""
        return self._most_tasks * self._size.units

    @property
    def _most_tasks(self) -> int:
        return max(2 * self._threads, 2)

    def _count_threads(self) -> int:
        """Ask the scheduler for the threads of its workers; this shows that it is alive, too."""
        ncores: Any = self._asked(
            lambda: self._client.sync(self._client.scheduler.ncores, callback_timeout=_ANSWER_S)
        )
        self._threads, self._threads_at = sum(ncores.values()), time.monotonic()
        return self._threads

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Return the answer of the cluster; raise `ClusterError` if there is none."""
        try:
            return ask()
        except (ImportError, AttributeError) as error:
            raise ClusterError(
                f"a worker of {self._address} has no epicat, or another version of it "
                f"({unforeseen(error)}): install the same version on all machines"
            ) from error
        except (OSError, TimeoutError) as error:
            raise self._gone() from error

    def _gone(self) -> ClusterError:
        return ClusterError(
            f"the Dask scheduler at {self._address} is gone; finished work is kept: run the same "
            "command to resume"
        )

    def report_keys(self, on_key: Callable[[FinishedKey], None]) -> None:
        """Report each finished key that the workers log, but for the last of each unit."""
        self._on_key = on_key

    def _receive_event(self, event: tuple[float, dict[str, Any]]) -> None:
        """Take an event of a worker; runs in the client's event loop."""
        _, message = event
        if "key" in message:
            self._keys.put(key_of(message["key"]))
        else:
            self._counts[message["task"]] = message["outcomes"]

    def _report_keys(self) -> None:
        with suppress(Empty):
            while True:
                self._on_key(self._keys.get_nowait())

    def submit(self, unit: Unit) -> None:
        """Queue a unit; `next_outcome` sends those that wait together."""
        self._waiting.append(unit)

    def _feed(self) -> None:
        """Send waiting units; while there are suspects, one of these at a time."""
        if self._suspects:
            if not self._tasks:
                self._alone = self._suspects.popleft()
                self._send([[self._alone]])
        elif self._alone is None and self._waiting:
            units = list(self._waiting)
            self._waiting.clear()
            self._send(self._size.split(units, self._most_tasks - len(self._tasks)))

    def _send(self, tasks: list[list[Unit]]) -> None:
        keys = [f"{self._name}-{self._count + 1 + i}" for i in range(len(tasks))]
        self._count += len(tasks)
        self._tasks.update(zip(keys, tasks, strict=True))
        names = [self._name] * len(tasks)
        for future in self._client.map(run_units, names, tasks, key=keys, pure=False):
            future.add_done_callback(self._receive)

    def _receive(self, future: Future) -> None:
        """Queue the answer of a task; runs in a thread of Dask.

        The counts of a unit have come with an event before.  If they have not, they are fetched.
        """
        counts = self._counts.pop(future.key, None)
        if counts is not None and future.status == "finished":
            self._done.put((future.key, counts))
        else:
            self._client.loop.add_callback(self._fetch, future)

    async def _fetch(self, future: Future) -> None:
        """Queue the result of a task, or its error; runs in the client's event loop.

        A task whose worker died before its result was fetched is run again by Dask.
        """
        answer: _Answer
        try:
            answer = await self._client.gather(future, asynchronous=True)
        except Exception as error:
            answer = error
        is_lost = future.status == "cancelled"  # with the scheduler
        self._done.put((future.key, None if is_lost else answer))

    def next_outcome(self) -> Outcome:
        """Wait for the next outcome; a unit that raised or killed its workers has one, too.

        Raises `AwayError` if the archive, and `ClusterError` if the scheduler is gone.
        """
        while not self._ready:
            if self._done.empty():  # so that units are sent together if several tasks are done
                self._feed()
            key, answer = self._next_done()
            if answer is None:
                raise self._gone()
            units = self._tasks.pop(key)
            if isinstance(answer, Exception):
                self._take_error(units, answer)
            else:
                self._take(units, answer)
        return self._ready.popleft()

    def _take(self, units: list[Unit], counts: list[dict[str, Any]]) -> None:
        """Take the outcomes of a task; units that it has not run wait again."""
        outcomes = [outcome_of(unit, each) for unit, each in zip(units, counts, strict=False)]
        self._size.add(len(units), len(outcomes), sum(each.seconds for each in outcomes))
        self._ready += outcomes
        self._put_back(units[len(outcomes) :])
        self._alone = None  # if a unit was alone, it was this one

    def _take_error(self, units: list[Unit], error: Exception) -> None:
        """Take what the first unit of a task raised, or what became of its workers."""
        was_alone, self._alone = self._alone is not None, None
        if isinstance(error, AwayError):
            raise error
        if isinstance(error, RefusedWorkerError):
            self._retire(error)
            self._put_back(units)
        elif isinstance(error, KilledWorker) and not was_alone:
            self._suspects += units
        else:
            reason = _DIED if isinstance(error, KilledWorker) else unforeseen(error)
            self._ready.append(Outcome(units[0], 0.0, failure=reason))
            self._put_back(units[1:])

    def _put_back(self, units: Sequence[Unit]) -> None:
        self._waiting.extendleft(reversed(units))

    def _next_done(self) -> tuple[str, _Answer]:
        """Wait for the answer of a task; meanwhile see that the scheduler is alive."""
        while True:
            self._watch()
            self._report_keys()
            with suppress(Empty):
                return self._done.get(timeout=_POLL_S)

    def _watch(self) -> None:
        """See from time to time that there are a scheduler and workers."""
        if self._client.status != "running":
            raise self._gone()
        if time.monotonic() - self._threads_at > _THREADS_AGE_S:
            self._cluster.revive()
            before = self._threads
            if not self._count_threads() and before:
                self._report(f"{self._address} has no workers now: waiting for others")

    def _retire(self, error: RefusedWorkerError) -> None:
        """Send away a worker that joined later and cannot be used."""
        self._report(f"{error}; it is not used")
        self._asked(lambda: self._client.retire_workers([error.address], close_workers=True))
        if not self._count_threads():
            raise error

    def close(self, *, now: bool) -> None:
        """Forget the units.  ``now``: kill workers that were started here.

        Workers elsewhere finish the units that they have begun, and commit them.
        """
        if now:
            self._cluster.kill_workers()
            return
        with suppress(Exception):
            self._client.sync(self._client.unregister_worker_plugin, self._name, callback_timeout=1)


def _bundle_files(folder: Path | None) -> dict[str, bytes]:
    """Return the files of a compiled picker by name."""
    if folder is None:
        return {}
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _refused(address: str, error: BaseException) -> ClusterError:
    if isinstance(error, RefusedWorkerError):
        return error
    return RefusedWorkerError(address, unforeseen(error))
