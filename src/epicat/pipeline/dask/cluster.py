"""Connect to a Dask cluster, or start one on this machine."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from epicat._util.processes import deferred_interrupts
from epicat.errors import ClusterError, InputError, one_line

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

__all__ = ["DaskCluster", "connected"]

_CONNECT_S = 10.0
_SETTINGS = {
    # The memory of a unit is no data of Dask's that it could move to disk: pausing would only
    # stop the worker.  The nanny ends one that takes too much, and starts another.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # Nobody looks at these: they would take processor time from the units, and memory here.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.log-length": 10,
    "distributed.admin.log-length": 100,
    "distributed.admin.low-level-log-length": 100,
    "distributed.comm.timeouts.connect": f"{_CONNECT_S}s",
    "distributed.admin.tick.limit": "1h",
    "distributed.logging.distributed": "critical",
}


class DaskCluster:
    """A client, and the cluster behind it if it was started here."""

    def __init__(self, client: Client, local: LocalCluster | None = None, workers: int = 0) -> None:
        self.client = client
        self._local = local
        self._workers = workers
        self._was_missing = False

    @property
    def address(self) -> str:
        """Address of the scheduler."""
        scheduler: Any = self.client.scheduler
        return str(scheduler.address) if scheduler else "?"

    def local_processes(self) -> list[int]:
        """Return the ids of the worker processes that were started here and run now."""
        nannies = self._local.workers.values() if self._local else ()
        found = (getattr(nanny.process, "pid", None) for nanny in nannies if nanny.process)
        return [process for process in found if process]

    def revive(self) -> None:
        """Replace workers that were started here and are not restarted.

        A nanny restarts its worker; but it gives up if the new one dies while it starts.  A worker
        that is missing at two consecutive calls is replaced.
        """
        if self._local is None:
            return
        is_missing = len(self.local_processes()) < self._workers
        if is_missing and self._was_missing:
            for name, nanny in list(self._local.workers.items()):
                if getattr(nanny.process, "pid", None) is None:
                    self._local.workers.pop(name, None)  # closing such a nanny may never end
            self._local.scale(self._workers)
        self._was_missing = is_missing and not self._was_missing

    def kill_workers(self) -> None:
        """Kill the worker processes that were started here."""
        for process in self.local_processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def abandon(self) -> None:
        """Leave at once, without an orderly end that takes seconds."""
        self.kill_workers()
        if self._local is not None:
            self._local.shutdown_on_close = False  # Dask's hook at exit would wait for 10 s

    def close(self) -> None:
        """Disconnect, and stop the cluster if it was started here; never raises."""
        with suppress(Exception):
            self.client.close(timeout=1)
        if self._local is not None:
            with suppress(Exception):
                self._local.close(timeout=2)


@contextmanager
def connected(
    scheduler: str | None, workers: int, report: Callable[[str], None]
) -> Iterator[DaskCluster]:
    """Yield a cluster: that of a scheduler, or else one of ``workers`` processes here.

    ``scheduler`` is an address, such as ``tls://HOST:8786``, or a scheduler file ``*.json``.
    Raises `InputError` if Dask is not installed or there is no such file, `ClusterError` if the
    scheduler does not answer.
    """
    try:
        import dask
        import distributed  # noqa: F401 - whether it is there
    except ImportError as error:
        raise InputError("--executor dask needs Dask: pip install 'epicat[dask]'") from error
    _silence_logs()
    with dask.config.set(_SETTINGS):
        cluster = _remote(scheduler, report) if scheduler else _local(workers)
        _silence_logs()  # of the modules that were imported since
        try:
            yield cluster
        except KeyboardInterrupt:
            cluster.abandon()
            raise
        except BaseException:
            cluster.close()
            raise
        cluster.close()


def _silence_logs() -> None:
    """Silence Dask's log: what went wrong is an error of epicat with one message."""
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _remote(scheduler: str, report: Callable[[str], None]) -> DaskCluster:
    from distributed import Client

    is_file = scheduler.endswith(".json")
    if is_file and not Path(scheduler).is_file():
        raise InputError(f"--scheduler {scheduler!r}: there is no such scheduler file")
    where: dict[str, Any] = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    try:
        client = Client(**where, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(
            f"the Dask scheduler at {scheduler!r} does not answer ({one_line(error)}): start it, "
            "or give the address that it prints"
        ) from error
    cluster = DaskCluster(client)
    if warning := _insecure(cluster.address):
        report(warning)
    return cluster


def _local(workers: int) -> DaskCluster:
    """Start a cluster on the loopback; with TLS, so that no other user can send it a task."""
    from distributed import Client, LocalCluster
    from distributed.security import Security

    with deferred_interrupts():  # the threads and processes that start here never see Ctrl-C
        local = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls://",
            security=Security.temporary(),
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
        return DaskCluster(Client(local, set_as_default=False), local, workers)


def _insecure(address: str) -> str:
    """Return a warning if tasks travel over a network unencrypted; empty if they do not."""
    parts = urlsplit(address)
    if parts.scheme in ("tls", "wss", "inproc") or _is_loopback(parts.hostname or ""):
        return ""
    return (
        f"warning: the connection to {address} is not encrypted, and whoever reaches the scheduler "
        "can run code on its workers: use TLS outside of a trusted network (tls://..., see "
        "docs/howto/clusters.md)"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
