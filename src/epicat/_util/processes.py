"""Child processes that end with their parent, at a signal, or at once when requested."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from tempfile import TemporaryFile
from types import FrameType, ModuleType
from typing import IO, Any, NoReturn

__all__ = [
    "Children",
    "Mailbox",
    "SharedText",
    "deferred_interrupts",
    "exit_process",
    "follow_parent",
    "sigterm_as_interrupt",
    "usable_cores",
]

_JOIN_S = 5.0
_WRITE_FAILED = 120
"""Exit status that Python uses if the last output could not be flushed."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class Children(SpawnContext):
    """A start method of `multiprocessing` that keeps track of the processes that it started."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[BaseProcess] = []

    def Process(self, *args: Any, **options: Any) -> BaseProcess:  # type: ignore[override]  # noqa: N802
        """Return a process, as `multiprocessing.Process`."""
        process = _Child(*args, **options)
        self._started.append(process)
        return process

    def kill(self) -> None:
        """Kill the processes that were started, and no others."""
        for process in self._started:
            if process.is_alive():
                process.kill()
        for process in self._started:
            if process.is_alive():
                process.join(_JOIN_S)


class _Child(SpawnProcess):
    """A process that does not import the main module of its parent.

    It does not need that module, and a user's script may start processes at top level, without
    ``if __name__ == "__main__"``.
    """

    def start(self) -> None:
        """Start it."""
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = main


_NUMBER_BYTES = 8
_PIPE_BYTES = 512


class SharedText:
    """A text of any length for child processes, in an unnamed temporary file.

    `multiprocessing` itself sends data to a new process through a pipe: the parent would block
    forever on a text that exceeds the buffer if the child were killed before reading it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def from_text(cls, text: str) -> SharedText:
        """Write a text to a temporary file."""
        shared = cls(TemporaryFile())  # noqa: SIM115 - closed with this object
        shared.set(text)
        return shared

    def set(self, text: str) -> None:
        """Write the text again, for processes that have not read it yet."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text.encode())
        self._file.flush()

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (DupFd(self._file.fileno()),)

    def text(self) -> str:
        """Return the text."""
        number = self._file.fileno()
        # Without the file position, which all processes share.
        return os.pread(number, os.fstat(number).st_size, 0).decode()


class SharedNumber:
    """An integer that one process sets and its child processes read, in an unnamed file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def from_value(cls, value: int) -> SharedNumber:
        """Write a first value to a temporary file."""
        number = cls(TemporaryFile())  # noqa: SIM115 - closed with this object
        number.set(value)
        return number

    def __reduce__(self) -> tuple[Any, ...]:
        return _received_number, (DupFd(self._file.fileno()),)

    def set(self, value: int) -> None:
        """Set the value, for all processes."""
        os.pwrite(self._file.fileno(), value.to_bytes(_NUMBER_BYTES, "little"), 0)

    def get(self) -> int:
        """Return the value that was set last."""
        return int.from_bytes(os.pread(self._file.fileno(), _NUMBER_BYTES, 0), "little")


class Mailbox:
    """Short messages from child processes to this one, through a pipe.

    No process waits for another: a message is written at once or, if the pipe is full, dropped.
    A message of up to 512 bytes (POSIX ``PIPE_BUF``) arrives in one piece, also if its writer is
    killed right after, so that messages are read line by line.
    """

    def __init__(self, reading: int | None, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._rest = b""

    @classmethod
    def opened(cls) -> Mailbox:
        """Open a pipe; neither end blocks."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        return cls(reading, writing)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received_mailbox, (DupFd(self._writing),)

    def put(self, text: str) -> None:
        """Send one line; it is dropped if it is too long, or the pipe is full."""
        line = text.encode() + b"\n"
        if len(line) <= _PIPE_BYTES:
            with suppress(OSError):
                os.write(self._writing, line)

    def take(self) -> list[str]:
        """Return the lines that have arrived."""
        if self._reading is None:
            return []
        parts = [self._rest]
        with suppress(BlockingIOError):
            while part := os.read(self._reading, 1 << 16):
                parts.append(part)
        *lines, self._rest = b"".join(parts).split(b"\n")
        return [line.decode() for line in lines]

    def close(self) -> None:
        """Close both ends in this process."""
        for end in (self._reading, self._writing):
            if end is not None:
                with suppress(OSError):
                    os.close(end)
        self._reading = None


def _received_mailbox(duplicate: Any) -> Mailbox:
    return Mailbox(None, duplicate.detach())


def _received_number(duplicate: Any) -> SharedNumber:
    return SharedNumber(os.fdopen(duplicate.detach(), "rb"))


def _received(duplicate: Any) -> SharedText:
    return SharedText(os.fdopen(duplicate.detach(), "rb"))


def follow_parent() -> None:
    """End this process when its parent ends, however that happens; ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Defer SIGINT and SIGTERM while child processes are being started.

    An interrupted start prints a traceback.  Children inherit the blocked signals of this thread,
    so that Ctrl-C does not reach them before `follow_parent` is called.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    came: list[int] = []
    handlers = _replaced(lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if came:
            signal.raise_signal(came[0])


def _replaced(handler: Callable[[int, FrameType | None], object]) -> dict[int, Any]:
    """Replace the handlers of SIGINT and SIGTERM; return the previous ones."""
    if threading.current_thread() is not threading.main_thread():
        return {}  # only the main thread may set handlers
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    return {number: signal.signal(number, handler) for number, h in found.items() if callable(h)}


def exit_process(code: int) -> NoReturn:
    """End this process with an exit status that nothing can delay or change any more.

    A second Ctrl-C may have kept it from ending its children, so they are killed.  The
    interpreter is not finalized: a thread of Arrow that releases a Python object during
    finalization would abort the process after everything is done.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for child in multiprocessing.active_children():
        child.kill()
    atexit._run_exitfuncs()  # as at a normal exit
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or _WRITE_FAILED
    os._exit(code)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM (a Spot interruption, a scheduler) as Ctrl-C."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise KeyboardInterrupt

    before = None
    with suppress(ValueError):  # only the main thread may set handlers
        before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
