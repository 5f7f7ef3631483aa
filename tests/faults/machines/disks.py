"""Disks that are full, that may only be read, or that are taken away.

A small file system in memory stands for the disk, which only root may mount.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from faults.machines.bed import Bed, Case, Done, Run, Skipped
from faults.trial import Form

__all__ = ["disk_cases"]

_FAILED = frozenset({1, 2})
_FULL = r"No space left on device"


def disk_cases(form: Form) -> Iterator[Case]:
    """Yield the faults."""
    sizes = (8, 16, 24, 32, 40, 48, 56, 64) if form is Form.LONG else (48,)
    for size in sizes:
        yield Case(f"the store's disk full at {size} kB", partial(_full, size), _FAILED, _FULL)
    gone = r"was deleted while in use"
    yield Case("the store taken away", _taken_away, _FAILED, gone)
    if form is Form.LONG:
        yield Case("a store that may only be read", _read_only, _FAILED, "Read-only file system")
        yield Case("the cache's disk full", _full_cache, frozenset({0, 1, 2}), _FULL)
        yield Case("TMPDIR's disk full", _full_tmp, frozenset({0, 1, 2}), _FULL)
        yield Case("TMPDIR not there", _no_tmp)


@contextmanager
def _disk(place: Path, size_kb: int) -> Iterator[None]:
    """Mount a disk of a size."""
    if os.geteuid() != 0:
        raise Skipped("only root may mount a small disk")
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        raise Skipped("this machine lets nobody mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _remount(place: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(place)], check=True)


def _full(size_kb: int, bed: Bed, run: Run) -> Done:
    """Run on a disk that is full at some moment; keep what it has for the next run."""
    place = run.store.parent / "disk"
    with _disk(place, size_kb):
        done = bed.run(Run(place / "store"))
        _keep(place / "store", run.store)
    return done


def _read_only(bed: Bed, run: Run) -> Done:
    """Run once on the store's disk, then once more for other days when it may not be written."""
    place = run.store.parent / "disk"
    with _disk(place, 10_000):
        first = bed.run(Run(place / "store", days={"end": "2020-01-02"}))
        _remount(place, "ro")
        done = bed.run(Run(place / "store"))
        _keep(place / "store", run.store)
    return done if first.code == 0 else first


def _keep(store: Path, target: Path) -> None:
    """Take a store from a disk that goes away."""
    if store.exists():
        shutil.copytree(store, target)


def _taken_away(bed: Bed, run: Run) -> Done:
    """Remove the store as soon as a run has begun to fill it, and see that it stays away."""
    process = bed.begun(run)
    while process.poll() is None:
        if (run.store / "records" / "invocation").exists():
            while run.store.exists():  # what is written just then keeps a folder from going
                shutil.rmtree(run.store, ignore_errors=True)
            break
        time.sleep(0.005)
    done = bed.ended(process)
    return Done(-1, "made anew by who wrote to it") if run.store.exists() else done


def _full_cache(bed: Bed, run: Run) -> Done:
    place = run.store.parent / "cache"
    with _disk(place, 600):
        shutil.copytree(bed.cache, place, dirs_exist_ok=True)
        _fill(place)
        return bed.run(Run(run.store, environment={"EPICAT_CACHE": str(place)}))


def _full_tmp(bed: Bed, run: Run) -> Done:
    place = run.store.parent / "tmp"
    with _disk(place, 8):
        _fill(place)
        return bed.run(Run(run.store, environment={"TMPDIR": str(place)}))


def _fill(place: Path) -> None:
    """Write until nothing more fits."""
    try:
        (place / "filling").write_bytes(bytes(1 << 20))
    except OSError:
        return
    raise Skipped("the disk is larger than was asked for")


def _no_tmp(bed: Bed, run: Run) -> Done:
    return bed.run(Run(run.store, environment={"TMPDIR": str(run.store.parent / "nowhere")}))
