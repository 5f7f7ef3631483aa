"""``python -m faults``: all trials, or those that are named, and the table of what they cost."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

from faults.table import put_table, table_of
from faults.trial import Form, Trial

KINDS = ("network", "kills", "objects", "machines", "cuts")
"""Modules of this package; ``trials(form, folder)`` of each gives one trial after another.

The longest first, so that those that are tried at once end together.  One that has ``PARTS``
takes some of them as ``parts``; a single one is named such as ``kills:bucket``.
"""


def main() -> None:
    asked = _arguments()
    begin = time.monotonic()
    form = Form(asked.form)
    how = partial(_side_by_side, jobs=asked.jobs) if asked.jobs > 1 else _run
    run = how(asked.kinds, form)
    found = []
    for trial in run:
        found.append(trial)
        if asked.json:
            print(json.dumps(asdict(trial)), flush=True)
        print(f"{trial.what}: {trial.survived} of {trial.tried}, {trial.seconds:.0f} s",
              file=sys.stderr, flush=True)  # fmt: skip
    table = table_of(found, time.monotonic() - begin)
    if not asked.json:
        print(table)
    if asked.write:
        put_table(asked.write, table)
    bad = [t for t in found if t.lost or t.doubled or t.survived != t.tried]
    raise SystemExit(f"{len(bad)} of {len(found)} trials cost something" if bad else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=KINDS,
                        help=f"some of {', '.join(KINDS)}; default: all")  # fmt: skip
    parser.add_argument("--form", choices=[form.value for form in Form], default="short")
    parser.add_argument("--jobs", type=int, default=1, help="kinds that are tried at once")
    parser.add_argument("--json", action="store_true", help="print each trial as it ends")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into a page")
    asked = parser.parse_args()
    known = [name for kind in KINDS for name in (kind, *parts_of(kind))]
    unknown = sorted(set(asked.kinds) - set(known))
    if unknown:
        parser.error(f"unknown: {unknown[0]}; known: {', '.join(known)}")
    return asked


def parts_of(kind: str) -> list[str]:
    """Return the names of a kind's parts, such as ``kills:bucket``."""
    if ":" in kind:
        return []
    module = importlib.import_module(f"faults.{kind}")
    return [f"{kind}:{part}" for part in getattr(module, "PARTS", ())]


def _run(kinds: Sequence[str], form: Form) -> Iterator[Trial]:
    for name in kinds:
        kind, _, part = name.partition(":")
        module = importlib.import_module(f"faults.{kind}")
        given = {"parts": [part]} if part else {}
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            yield from module.trials(form, Path(folder), **given)


def _side_by_side(kinds: Sequence[str], form: Form, jobs: int) -> Iterator[Trial]:
    """Run each kind, or part of one, in a process of its own, some at once.

    What they say goes to stderr.
    """
    apart = [name for kind in kinds for name in (parts_of(kind) or [kind])]

    def alone(kind: str) -> list[Trial]:
        command = [sys.executable, "-m", "faults", kind, "--form", form.value, "--json"]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        trials = [Trial(**json.loads(line)) for line in ended.stdout.splitlines()]
        broke = ended.returncode not in (0, 1) or not trials
        return [*trials, Trial(f"{kind}: broke off", 1, 0, 0, 0, 0.0)] if broke else trials

    with ThreadPoolExecutor(jobs) as threads:
        for trials in threads.map(alone, apart):
            yield from trials


if __name__ == "__main__":
    main()
