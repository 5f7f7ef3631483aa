"""Run epicat in a separate process that records its actions; see ``watched/``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"


@dataclass(frozen=True, slots=True)
class Watched:
    """Actions of a process and its children."""

    code: int
    """Exit code."""
    out: str
    """What it wrote to stdout."""
    err: str
    """What it wrote to stderr."""
    written: frozenset[Path]
    """Paths that were written, made, renamed or removed."""
    network: tuple[str, ...]
    """Connections, and names that were looked up, as Python saw them."""
    processes: tuple[str, ...]
    """Programs that were started, but for Python's own way to start its processes."""

    def outside(self, *folders: Path) -> set[Path]:
        """Return the paths written outside of these folders."""
        allowed = (*folders, Path(os.devnull), Path("/dev/tty"), Path("/dev/shm"))
        return {p for p in self.written if not any(p.is_relative_to(f) for f in allowed)}


_DRIVER = """
import json, sys
from epicat.cli.app import main
for command in json.loads(sys.argv[1]):
    try:
        main(command)
    except SystemExit as left:
        if left.code:
            raise
"""


def watched(log: Path, *commands: Sequence[object], **variables: str) -> Watched:
    """Run commands of epicat in one process, until one fails.

    ``variables`` are added to the environment, in which the caches and temporary files of others
    lie in the folder of the log, too.
    """
    log.unlink(missing_ok=True)
    home = log.parent / "home"
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home / "tmp"), **variables,
                   "PYTHONPATH": os.pathsep.join(map(str, (HERE / "watched", SOURCE))),
                   "EPICAT_WATCHED": str(log), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, json.dumps([list(map(str, c)) for c in commands])],
        capture_output=True, text=True, env=environment, timeout=300, check=False, cwd=home,
    )  # fmt: skip
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return Watched(
        code=done.returncode,
        out=done.stdout,
        err=done.stderr,
        written=frozenset(Path(line[1]) for line in lines if line[0] == "write") - {log},
        network=tuple(" ".join(line[1:]) for line in lines if line[0] == "network"),
        processes=tuple(" ".join(line[1:]) for line in lines if line[0] == "process"),
    )
