"""Whether the same campaign is being run in a store by another process at this moment.

It is only reported and never refused: several processes may write at once, and after a kill a
campaign must resume at once.  In a folder a lock of the operating system tells, which ends with
its process.  Elsewhere a record in the store is renewed while a run is active; a record that is
old, or whose process on this machine is gone, means nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, Self, runtime_checkable

from epicat.errors import StoreError
from epicat.store.base import ReadableStore

__all__ = ["Holder", "LeaseRecords", "held"]

_BEAT_S: Final = 15.0
"""Seconds between renewals of a record."""
_FRESH_S: Final = 60.0
"""Age at which a record means nothing any more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that runs a campaign."""

    host: str
    """Name of its machine."""
    pid: int
    """Its process number there."""
    since: str
    """When it began, ISO 8601 UTC."""
    seen: str = ""
    """When it was last active, ISO 8601 UTC."""

    @classmethod
    def of_this_process(cls) -> Self:
        """Return this process, from now on."""
        now = _now()
        return cls(socket.gethostname(), os.getpid(), now, now)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Holder | None:
        """Read a record; None if it is of another form."""
        try:
            return cls(str(record["host"]), int(record["pid"]), str(record["since"]),
                       str(record.get("seen") or ""))  # fmt: skip
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def is_active(self) -> bool:
        """Whether it was active within the last minute, and is not a dead process of here."""
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(self.seen)
        except (TypeError, ValueError):
            return False
        is_gone = self.host == socket.gethostname() and not _is_alive(self.pid)
        return abs(age.total_seconds()) <= _FRESH_S and not is_gone

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since[:16].replace('T', ' ')} UTC"


@runtime_checkable
class LeaseRecords(Protocol):
    """A store that keeps a record of the run that is active."""

    def lease_folder(self) -> Path | None:
        """Return the folder of the store on this machine; None if it is elsewhere."""
        ...

    def read_lease(self, name: str) -> Mapping[str, Any] | None:
        """Return a record; None if there is none."""
        ...

    def write_lease(self, name: str, record: Mapping[str, Any]) -> None:
        """Write a record, in place of an earlier one."""
        ...

    def delete_lease(self, name: str) -> None:
        """Delete a record, if it exists."""
        ...


@contextmanager
def held(store: ReadableStore, name: str) -> Iterator[Holder | None]:
    """Mark a campaign as being run by this process; yield another process that runs it.

    ``name`` is that of the campaign, such as a digest.
    """
    if not isinstance(store, LeaseRecords):
        yield None
        return
    folder = store.lease_folder()
    with _locked(folder / f".{name}.lock") if folder else _renewed(store, name) as other:
        yield other


@contextmanager
def _locked(path: Path) -> Iterator[Holder | None]:
    """Lock a file, which the system unlocks when this process ends in any way."""
    try:
        number = _opened(path)
    except OSError:  # a file system without locks, or one that cannot be written
        yield None
        return
    if number is None:
        yield _holder_in(path)
        return
    try:
        os.write(number, json.dumps(asdict(Holder.of_this_process())).encode())
        yield None
    finally:
        path.unlink(missing_ok=True)
        os.close(number)


def _holder_in(path: Path) -> Holder:
    """Return the process that a locked file names."""
    found = None
    with suppress(OSError, ValueError):
        found = Holder.from_record(json.loads(path.read_text()))
    return found or Holder("this machine", 0, "")


def _opened(path: Path) -> int | None:
    """Return a locked file; None if another process has locked it."""
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(number)):
                os.truncate(number, 0)
                return number
        except BlockingIOError:
            os.close(number)
            return None
        except OSError:
            os.close(number)
            raise
        os.close(number)  # its former owner has just deleted it


@contextmanager
def _renewed(store: LeaseRecords, name: str) -> Iterator[Holder | None]:
    """Renew a record in the store from a thread; errors of the store are no reason to stop."""
    other, own, stopped = None, Holder.of_this_process(), threading.Event()
    with suppress(StoreError):
        found = Holder.from_record(store.read_lease(name) or {})
        other = found if found is not None and found.is_active else None

    def renew() -> None:
        with suppress(StoreError):
            store.write_lease(name, {**asdict(own), "seen": _now()})

    def keep_renewing() -> None:
        while not stopped.wait(_BEAT_S):
            renew()

    thread = threading.Thread(target=keep_renewing, daemon=True)
    if other is None:
        renew()
        thread.start()
    try:
        yield other
    finally:
        stopped.set()
        if other is None:
            thread.join(_BEAT_S)
            with suppress(StoreError):
                store.delete_lease(name)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
