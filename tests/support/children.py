"""The worker processes of a process, as reported by the kernel."""

from __future__ import annotations

import time
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """Return the `multiprocessing` children of a process."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # After the name, which is in parentheses: state, parent (proc(5)).
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == pid and b"spawn_main" in line:
                found.append(int(folder.name))
    return found


def awaited_children(pid: int, limit_s: float = 60.0) -> list[int]:
    """Wait until a process has such children and return them."""
    until = time.monotonic() + limit_s
    while not (found := children_of(pid)):
        assert time.monotonic() < until, f"process {pid} starts no other"
    return found
