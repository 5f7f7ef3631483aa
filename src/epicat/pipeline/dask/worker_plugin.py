"""What Dask's workers have of a campaign: the campaign, its compiled picker, and checks.

A plugin carries the campaign once to each worker, also to those that join later, so that a task
is nothing but the keys of its unit.  Secrets are not part of a campaign: each worker finds them
where the references in it say, in its own environment or files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin, get_worker

from epicat._version import __version__
from epicat.errors import ClusterError, EpicatError
from epicat.pipeline.dask.events import counts_of, plain_key
from epicat.pipeline.dask.task_size import LONG_S

if TYPE_CHECKING:
    from distributed import Worker as DaskWorker

    from epicat.campaign.campaign import Campaign
    from epicat.pipeline.outcome import FinishedKey
    from epicat.pipeline.plan import Unit
    from epicat.pipeline.worker import Worker

__all__ = ["CampaignPlugin", "RefusedWorkerError", "check_worker", "run_units"]


class RefusedWorkerError(ClusterError):
    """A worker cannot do the work of a campaign; it has not begun any."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"worker {address} cannot be used: {reason}")
        self.address = address


class CampaignPlugin(WorkerPlugin):  # type: ignore[misc]
    """Gives a worker a campaign.  Plain data without secrets."""

    def __init__(self, name: str, campaign: str, bundle: dict[str, bytes]) -> None:
        """Take the campaign as JSON, and the files of its compiled picker by name."""
        self.name = name
        self.version = __version__
        self._campaign = campaign
        self._bundle = bundle

    def setup(self, worker: DaskWorker) -> None:
        """Prepare what belongs to this process; nothing is read yet."""
        self._address = str(worker.address)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._checked: Campaign | None = None

    def work(self, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """Run units in this thread; return the counts of their outcomes, and send them.

        They are sent as an event, which the client receives with the news that the task is done:
        to fetch the result of a task takes four more messages.
        """
        counts = self._run(units)
        worker = get_worker()
        worker.log_event(self.name, {"task": worker.get_current_task(), "outcomes": counts})
        return counts

    def _run(self, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """Run the first unit, and others until one of them raises or much time has passed."""
        worker, begin = self._worker(), time.monotonic()
        counts: list[dict[str, Any]] = []
        for unit in units:
            self._local.last_key = unit.keys[-1]
            try:
                counts.append(counts_of(worker.work(unit)))
            except Exception:
                if not counts:
                    raise
                break  # the client sends it again, as the first unit of a task
            if time.monotonic() - begin > LONG_S:
                break
        return counts

    def _worker(self) -> Worker:
        """Return the worker of this thread, with one inference thread."""
        from epicat.pipeline.worker import Worker

        campaign = self.check()
        if not hasattr(self._local, "worker"):
            self._local.worker = Worker(campaign, on_key=self._report)
        worker: Worker = self._local.worker
        return worker

    def _report(self, finished: FinishedKey) -> None:
        """Send a finished key to the client, for its progress; not the last of a unit."""
        if finished.key != self._local.last_key:
            get_worker().log_event(self.name, {"key": plain_key(finished)})

    def check(self) -> Campaign:
        """Return the campaign as this worker can do it; raise `RefusedWorkerError` if it cannot."""
        with self._lock:
            if self._checked is None:
                try:
                    self._checked = self._prepared()
                except (EpicatError, OSError) as error:
                    raise RefusedWorkerError(self._address, str(error)) from error
            return self._checked

    def _prepared(self) -> Campaign:
        from epicat.campaign.campaign import Campaign

        if self.version != __version__:
            raise ClusterError(
                f"it has epicat {__version__}, and this run is of epicat {self.version}: install "
                "the same version on all machines"
            )
        campaign = Campaign.model_validate_json(self._campaign)
        _check_store(campaign)
        _check_archive(campaign)
        if campaign.bundle is None:
            return campaign
        return campaign.model_copy(update={"bundle": self._unpacked(campaign.bundle.name)})

    def _unpacked(self, name: str) -> Path:
        """Return the folder of the compiled picker in this machine's cache."""
        from epicat._util.files import atomic_folder, cache_folder
        from epicat.pick.openvino.bundle import Bundle

        folder = cache_folder("bundles") / name
        if not folder.is_dir():
            with atomic_folder(folder) as partial:
                for file, content in self._bundle.items():
                    (partial / file).write_bytes(content)
        if reason := Bundle.read(folder).damage():
            raise ClusterError(f"compiled model {str(folder)!r}: {reason}; delete that folder")
        return folder


def check_worker(name: str, dask_worker: Any) -> None:
    """Raise `RefusedWorkerError` if a worker cannot do a campaign; run by ``Client.run``.

    A worker that is only joining gets the campaign before its first task, which checks it.
    """
    plugin = dask_worker.plugins.get(name)
    if plugin is not None:
        plugin.check()


def run_units(name: str, units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Run units on a worker; the task of Dask.

    Returns the counts of the outcomes of the units that were run: of the first, and of those after
    it up to one that raised or until `LONG_S` had passed.  Raises what the first one raises.
    """
    counts: list[dict[str, Any]] = get_worker().plugins[name].work(units)
    return counts


def _check_store(campaign: Campaign) -> None:
    """Raise if the store is not the one of the client, which has recorded the run in it."""
    from epicat.store.open import open_readable

    if campaign.run.digest not in open_readable(campaign.store).records("run"):
        raise ClusterError(
            f"store {campaign.store!r} does not contain run {campaign.run.digest}: it is another "
            "store, which only has the same name here"
        )


def _check_archive(campaign: Campaign) -> None:
    """Raise if the archive is a folder that is not here."""
    if campaign.bundle is not None:
        campaign.open_archive()
