"""Commands as real processes: started, looked at, killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Command", "Commands", "commands"]

_ZOMBIE = "Z"


@dataclass(frozen=True, slots=True)
class Command:
    """A process that leads a session, and those that it has started."""

    pid: int
    log: Path
    """What it and they have said."""
    pidfd: int

    def ends_within(self, seconds: float) -> bool:
        """Wait for the process itself; tell whether it has ended."""
        found, _, _ = select.select([self.pidfd], [], [], max(seconds, 0.0))
        return bool(found)

    def others(self) -> list[int]:
        """Return the processes of its session that are alive, without itself."""
        return [pid for pid in _session(self.pid) if pid != self.pid]

    def workers(self) -> list[int]:
        """Return those among them that work on units."""
        return [pid for pid in self.others() if b"spawn_main" in _line(pid)]

    def is_alone_within(self, seconds: float) -> bool:
        """Wait for the other processes; tell whether all have ended."""
        until = time.monotonic() + seconds
        while self.others():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def kill(self, pids: Sequence[int], number: int = signal.SIGKILL) -> None:
        """Send a signal to processes; one that is gone already does not matter."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_group(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to all of them at once, as a terminal does."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Commands:
    """Starts `epicat` by the zygote of `faults.zygote`."""

    def __init__(self, zygote: subprocess.Popen[str], folder: Path) -> None:
        self._zygote = zygote
        self._folder = folder
        self._count = 0
        self._under_way: dict[int, Command] = {}

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
        """Start a command."""
        self._count += 1
        log = self._folder / f"command-{self._count}.log"
        pid = self._ask(arguments=list(arguments), environment=dict(environment), log=str(log))
        self._under_way[pid] = Command(pid, log, os.pidfd_open(pid))
        return self._under_way[pid]

    def exit_code(self, command: Command) -> int:
        """Return the exit code of a command that has ended; a signal's is negative."""
        os.close(command.pidfd)
        del self._under_way[command.pid]
        return self._ask(wait=command.pid)

    def kill(self) -> None:
        """End what is under way, when a trial itself has failed."""
        for command in self._under_way.values():
            command.kill_group()

    def _ask(self, **asked: Any) -> int:
        talk, answers = self._zygote.stdin, self._zygote.stdout
        assert talk is not None
        assert answers is not None
        talk.write(json.dumps(asked) + "\n")
        talk.flush()
        return int(json.loads(answers.readline()))


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Run a zygote; what commands say goes into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    zygote = subprocess.Popen(
        [sys.executable, "-m", "faults.zygote"],
        env={**os.environ, **quiet, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    started = Commands(zygote, folder)
    try:
        yield started
    finally:
        started.kill()
        zygote.kill()
        zygote.communicate()


def _session(leader: int) -> list[int]:
    """Return the processes of a session that are alive."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in numbers if _alive_in(pid) == leader]


def _alive_in(pid: int) -> int | None:
    """Return the session of a process; None if it is gone, or only its number is left."""
    with suppress(OSError):
        # After the name, which is in parentheses: state, parent, group, session (proc(5)).
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
        if state != _ZOMBIE:
            return int(session)
    return None


def _line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
