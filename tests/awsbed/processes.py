"""A container's life as a process: start, lines, SIGTERM, SIGKILL, exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

Sink = Callable[[str], None]


class Process:
    """One attempt's process, with a session of its own, so that nothing of it is left.

    As in a container, SIGTERM goes to the first process alone, and whatever is alive when it
    ends is killed.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path | None,
        sink: Sink,
    ) -> None:
        """Start it.  Raises `OSError` if there is no such program."""
        self._popen = subprocess.Popen(
            list(arguments), env=dict(environment), cwd=folder, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        assert self._popen.stdout is not None
        self._lines = threading.Thread(target=_pump, args=(self._popen.stdout, sink), daemon=True)
        self._lines.start()

    def wait(self, seconds: float | None) -> int | None:
        """Return the exit code as a container tells it, 128 + signal; None if out of time."""
        try:
            code = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.kill()
        self._lines.join()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)


def _pump(stream: IO[str], sink: Sink) -> None:
    with stream:
        for line in stream:
            sink(line.rstrip("\n"))
