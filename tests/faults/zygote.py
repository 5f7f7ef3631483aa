"""A process that has imported what `epicat run` needs, and forks it: a start takes no second.

What it forks is `epicat` as the shell starts it: a process that leads a session of its own, whose
main module is ``epicat.__main__``, with real worker processes.  Only the start of Python and its
imports are left out, of the command itself and not of its workers.

Asked by lines of JSON on stdin, it answers each with one on stdout: the number of the process that
it has started, or the status with which one has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

HEAVY = (
    "epicat.cli.app", "epicat.campaign.campaign", "epicat.pipeline.process_pool",
    "epicat.pipeline.runner", "epicat.store.open",
    "epicat.store.mongo.opened", "epicat.cli.progress", "obstore.store", "rich.progress", "pandas",
)  # fmt: skip
"""What `epicat run` imports at its beginning."""


def main() -> None:
    command = importlib.import_module("epicat.__main__")
    for name in HEAVY:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            _check_threads()
            answer = os.fork()
            if answer == 0:
                sys.modules["__main__"] = command
                _become(asked["log"], asked["environment"])
                sys.argv = ["epicat", *asked["arguments"]]
                command.main()  # ends this process, as a command
            while os.getsid(answer) != answer:  # until it leads a session
                time.sleep(0.001)
        print(json.dumps(answer), flush=True)


def _check_threads() -> None:
    """Raise `RuntimeError` if a thread would be missing in what is forked.

    The one of Arrow's allocator is made again by itself.
    """
    threads = Path("/proc/self/task").iterdir()
    names = sorted((thread / "comm").read_text().strip() for thread in threads)
    if len([name for name in names if not name.startswith("jemalloc")]) != 1:
        raise RuntimeError(f"a process with threads is not forked: {names}")


def _become(log: str, environment: Mapping[str, str]) -> None:
    """Leave everything of the parent's behind."""
    os.setsid()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    read = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((read, 0), (written, 1), (written, 2)):
        os.dup2(source, target)
    os.environ.update(environment)


if __name__ == "__main__":
    main()
