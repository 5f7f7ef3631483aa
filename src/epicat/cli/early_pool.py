"""Worker processes that start while the rest of the command line is still being imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from epicat._util.processes import usable_cores

if TYPE_CHECKING:
    from epicat.pipeline.process_pool import Pool

__all__ = ["pool_for", "pool_of_command"]

_ELSEWHERE = ("-h", "--help", "--executor", "--scheduler", "--workers")
"""Options with which a pool of a process for each core may not be what is needed."""

_early: ContextVar[Pool | None] = ContextVar("early_pool", default=None)


@contextmanager
def pool_of_command(arguments: Sequence[str]) -> Iterator[None]:
    """Keep a pool for `pool_for` if the arguments are those of ``epicat run``."""
    if arguments[:1] != ["run"] or any(given.startswith(_ELSEWHERE) for given in arguments):
        yield
        return
    from epicat.pipeline.process_pool import Pool

    with Pool.started_early(usable_cores()) as pool:
        before = _early.set(pool)
        try:
            yield
        finally:
            _early.reset(before)


@contextmanager
def pool_for(workers: int) -> Iterator[Pool]:
    """Give the pool that was started early if it has so many workers, otherwise another one."""
    from epicat.pipeline.process_pool import Pool

    early = _early.get()
    if early is not None and early.workers == workers:
        yield early
        return
    if early is not None:
        early.close(now=True)
    with Pool.started_early(workers) as pool:
        yield pool
