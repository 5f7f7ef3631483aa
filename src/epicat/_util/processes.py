"""Processes that stop when they should: at a signal, with their parent, and at once when told."""

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
    "Handed",
    "follow_parent",
    "leave",
    "sigterm_as_interrupt",
    "without_interrupts",
]

_GONE_S = 5.0
_UNWRITTEN = 120
"""Python's own exit code where the last of the output could not be written."""


class Children(SpawnContext):
    """The manner in which a pool starts its processes, which remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[BaseProcess] = []

    def Process(self, *args: Any, **options: Any) -> BaseProcess:  # type: ignore[override]  # noqa: N802
        """Return a process to start, as `multiprocessing.Process`."""
        process = _Child(*args, **options)
        self._started.append(process)
        return process

    def kill(self) -> None:
        """End them in the middle of what they do, and nobody else's processes."""
        for process in self._started:
            if process.is_alive():
                process.kill()
        for process in self._started:
            if process.is_alive():
                process.join(_GONE_S)


class _Child(SpawnProcess):
    """A process that does not import the main module of its parent.

    It needs nothing of that module, and a user's script may start processes at its top level,
    without ``if __name__ == "__main__"``.
    """

    def start(self) -> None:
        """Start it."""
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = main


class Handed:
    """A text for processes that are started later, however long it is.

    It is in a file without a name.  What `multiprocessing` itself hands to a new process goes
    through a pipe: a text that does not fit there would keep the parent waiting for ever if the
    process were killed before it has read it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def from_text(cls, text: str) -> Handed:
        """Keep a text to hand it over."""
        file = TemporaryFile()  # noqa: SIM115 - as long as this lives
        file.write(text.encode())
        file.flush()
        return cls(file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (DupFd(self._file.fileno()),)

    def text(self) -> str:
        """Return the text."""
        number = self._file.fileno()
        # Not by the position in the file, which all the processes share.
        return os.pread(number, os.fstat(number).st_size, 0).decode()


def _received(duplicate: Any) -> Handed:
    return Handed(os.fdopen(duplicate.detach(), "rb"))


def follow_parent() -> None:
    """Let this process end with its parent, however that ends, and not by Ctrl-C: it is told."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Start processes in peace; interrupts that come meanwhile count when it is over.

    A process that is only half started would complain.  And the new ones inherit what this thread
    blocks, so that Ctrl-C does not reach them before they come to `follow_parent`.
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
    """Put a handler in the place of those that interrupt; return them."""
    if threading.current_thread() is not threading.main_thread():
        return {}  # signals are somebody else's
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    return {number: signal.signal(number, handler) for number, h in found.items() if callable(h)}


def leave(code: int) -> NoReturn:
    """End this process with an exit code, which nothing holds up or changes any more.

    Whoever presses Ctrl-C twice may have kept it from ending its children.  And Python is not
    taken down: a thread of Arrow's that lets go of something of Python's meanwhile aborts the
    process, though all is done.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for child in multiprocessing.active_children():
        child.kill()
    atexit._run_exitfuncs()  # as Python's own end does
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or _UNWRITTEN
    os._exit(code)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM (a Spot interruption, a scheduler) as Ctrl-C."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise KeyboardInterrupt

    before = None
    with suppress(ValueError):  # not in the main thread: signals are somebody else's
        before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
