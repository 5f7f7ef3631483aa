"""Surroundings that nobody has thought of: time zones, languages, homes, masks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faults.machines.bed import Bed, Case, Done, Run
from faults.trial import Form

__all__ = ["surrounding_cases"]


def surrounding_cases(form: Form) -> Iterator[Case]:
    """Yield the faults."""
    odd = {"TZ": "Pacific/Apia", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}
    yield Case("time zone Pacific/Apia, language C", partial(_in, odd))
    if form is Form.LONG:
        yield Case("a time zone that is none", partial(_in, {"TZ": "Nowhere/At_All"}))
        yield Case("umask 077", _masked)
        yield Case("a home that is not there", partial(_in, {"HOME": "/nowhere", "USER": None}))
        yield Case("no variables but PATH", _bare)


def _in(environment: dict[str, str | None], bed: Bed, run: Run) -> Done:
    return bed.run(Run(run.store, environment=environment))


def _bare(bed: Bed, run: Run) -> Done:
    """Leave the variables that name the interpreter's own folders and the cache."""
    kept = ("PATH", "PYTHONPATH", "EPICAT_CACHE", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    return _in(dict.fromkeys(set(os.environ) - set(kept)), bed, run)


def _masked(bed: Bed, run: Run) -> Done:
    """Run with a mask that keeps others out, and look whether they are."""

    def masked() -> None:
        os.umask(0o077)

    done = bed.run(Run(run.store, limit=masked))
    open_to_others = [p for p in _files(run.store) if p.stat().st_mode & 0o077]
    return Done(-1, f"{open_to_others[0]} is open to others") if open_to_others else done


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
