"""Limits that the machine sets: the size of a file, memory, open files."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from faults.machines.bed import Bed, Case, Done, Run
from faults.trial import Form

__all__ = ["limit_cases"]

_ANY = frozenset({0, 1, 2})
_MEMORY = r"memory|allocate|killed"


def limit_cases(form: Form) -> Iterator[Case]:
    """Yield the faults."""
    few = partial(_limited, resource.RLIMIT_NOFILE, 64)
    yield Case("64 open files", few)
    if form is Form.LONG:
        for size in (0, 300, 2000):
            strike = partial(_limited, resource.RLIMIT_FSIZE, size)
            yield Case(f"files of {size} bytes at most", strike, _ANY, "File too large")
        yield Case("1,000 units with 64 open files", _many_units)
        for size in (600, 900, 1200):
            strike = partial(_limited, resource.RLIMIT_AS, size << 20)
            yield Case(f"{size} MB of addresses", strike, _ANY, _MEMORY)


def _limited(kind: int, limit: int, bed: Bed, run: Run) -> Done:
    def limited() -> None:
        resource.setrlimit(kind, (limit, limit))

    return bed.run(replace(run, limit=limited))


def _many_units(bed: Bed, run: Run) -> Done:
    """Run a campaign of many days, each station-day a unit of its own."""
    run.days = {"start": "2019-09-01", "end": "2020-01-04"}
    run.more = ("--days-per-unit", "1")
    return _limited(resource.RLIMIT_NOFILE, 64, bed, run)
