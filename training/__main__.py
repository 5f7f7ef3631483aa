"""Train the built-in picker: run ``python -m training`` in the project folder.

Without a step, all are run in order; finished results in the work folder are not repeated, and an
interrupted training resumes.  `pool` and `fit` may run at the same time.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from training.choose import choose_thresholds
from training.draw import Source
from training.evaluate import table
from training.fit import Schedule, fit, load_average, refinement
from training.pool import make_pool
from training.ship import in_half_precision, ship
from training.student import write_pair

_PROJECT = Path(__file__).resolve().parents[1]
_PAIR = _PROJECT / "weights" / "epicat-mini"
_BUNDLE = _PROJECT / "src" / "epicat" / "pick" / "epicat-mini"
_FIRST_THRESHOLDS = {"P": 0.3, "S": 0.3}


def main() -> None:
    """Read the options and run the steps."""
    given = _parser().parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] - a log to follow
    given.data = given.data.expanduser().resolve()
    if not (given.data / "norcal_windows").is_dir():
        sys.exit(f"no real data in {str(given.data)!r}: name their folder by --data")
    given.work.mkdir(parents=True, exist_ok=True)
    for step in given.step or list(_STEPS):
        _STEPS[step](given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    data = Path(os.environ.get("EPICAT_REALDATA") or _PROJECT.parent / "shared" / "data")
    work = _PROJECT / "build" / "training"
    parser.add_argument("step", nargs="*", help=", ".join(_STEPS), choices=_STEPS)
    parser.add_argument("--data", type=Path, default=data, help="real data (EPICAT_REALDATA)")
    parser.add_argument("--work", type=Path, default=work, help="pool and checkpoint (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that make the pool")
    parser.add_argument("--refine", action="store_true", help="begin with the present weights")
    return parser


def _schedule(given: argparse.Namespace) -> Schedule:
    return refinement(_PAIR) if given.refine else Schedule()


def _pool(given: argparse.Namespace) -> None:
    files = _schedule(given).all_files
    for path in make_pool(Source(given.data), given.work / "pool", files, given.workers):
        print(f"pool: {path.name} of {files}", flush=True)


def _fit(given: argparse.Namespace) -> None:
    fit(given.work / "pool", given.work / "student.ckpt", _schedule(given))


def _write(given: argparse.Namespace) -> None:
    """Write weights and bundle twice: the bundle is needed to choose the thresholds."""
    model = in_half_precision(load_average(given.work / "student.ckpt"))
    first = ship(write_pair(model, given.work / "first", _FIRST_THRESHOLDS), given.work / "bundle")
    thresholds = choose_thresholds(first, given.data)
    shipped = ship(write_pair(model, _PAIR, thresholds), _BUNDLE)
    print(f"wrote {shipped.folder} and {_PAIR}.pt with its .json", flush=True)


def _evaluate(given: argparse.Namespace) -> None:
    print(table(given.data))


_STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "pool": _pool,
    "fit": _fit,
    "write": _write,
    "evaluate": _evaluate,
}

if __name__ == "__main__":
    main()
