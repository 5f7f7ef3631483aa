"""The executor on a Dask cluster."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker

from epicat.errors import AwayError, ClusterError, unforeseen
from epicat.ledger import Stage
from epicat.pipeline.dask.worker_plugin import (
    CampaignPlugin,
    RefusedWorkerError,
    check_worker,
    run_unit,
)
from epicat.pipeline.outcome import FinishedKey, Outcome

if TYPE_CHECKING:
    from distributed import Future

    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.dask.cluster import DaskCluster
    from epicat.pipeline.plan import Unit

__all__ = ["DaskExecutor"]

_POLL_S = 1.0
_ANSWER_S = 5.0
_THREADS_AGE_S = 2.0
_REGISTRATIONS = 5
_DIED = "its workers died (killed, or out of memory), also when it ran alone"


class DaskExecutor:
    """Units as tasks of Dask, twice as many as the cluster has threads.

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
        self._units: dict[str, Unit] = {}
        self._alone: Unit | None = None
        self._done: SimpleQueue[tuple[str, Outcome | Exception | None]] = SimpleQueue()
        self._threads, self._threads_at = 0, 0.0
        self._keys: SimpleQueue[dict[str, Any]] = SimpleQueue()
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
        """How many units to submit at once: twice the threads, which may come and go."""
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
        """Report each finished key that the workers log."""
        self._on_key = on_key
        with suppress(Exception):  # progress by units is enough
            self._client.subscribe_topic(self._name, lambda event: self._keys.put(event[1]))

    def _report_keys(self) -> None:
        with suppress(Empty):
            while True:
                event = self._keys.get_nowait()
                # Dask adds the address of the worker
                given = {field.name: event[field.name] for field in fields(FinishedKey)}
                self._on_key(FinishedKey(**{**given, "stage": Stage(event["stage"])}))

    def submit(self, unit: Unit) -> None:
        """Queue a unit for the next free thread."""
        self._waiting.append(unit)
        self._feed()

    def _feed(self) -> None:
        """Send waiting units; while there are suspects, one of these at a time."""
        if self._suspects:
            if not self._units:
                self._alone = self._suspects.popleft()
                self._send(self._alone)
            return
        if self._alone is None:
            while self._waiting:
                self._send(self._waiting.popleft())

    def _send(self, unit: Unit) -> None:
        self._count += 1
        key = f"{self._name}-{self._count}"
        future = self._client.submit(run_unit, self._name, unit, key=key, pure=False)
        self._units[key] = unit
        self._client.loop.add_callback(self._receive, future)

    async def _receive(self, future: Future) -> None:
        """Queue the answer of a task as soon as it is there; runs in the client's event loop.

        So the answers of several tasks are fetched at once, while others are submitted.  A task
        whose worker died before its answer was fetched is run again by Dask.
        """
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
        while True:
            self._feed()
            key, answer = self._next_done()
            if answer is None:
                raise self._gone()
            unit = self._units.pop(key)
            was_alone = unit is self._alone
            self._alone = None if was_alone else self._alone
            if isinstance(answer, KilledWorker) and not was_alone:
                self._suspects.append(unit)
            elif isinstance(answer, RefusedWorkerError):
                self._retire(answer)
                self._waiting.appendleft(unit)
            elif isinstance(answer, AwayError):
                raise answer
            elif isinstance(answer, Exception):
                reason = _DIED if isinstance(answer, KilledWorker) else unforeseen(answer)
                return Outcome(unit, 0.0, failure=reason)
            else:
                return answer

    def _next_done(self) -> tuple[str, Outcome | Exception | None]:
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
