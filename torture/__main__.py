"""``python -m torture``: all trials, or those that are named, and the table of what they cost."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from torture.table import put_table, table_of
from torture.trial import Form, Trial

KINDS = ("cuts", "kills", "objects", "network", "machines")
"""Modules of this package; ``trials(form, folder)`` of each gives one trial after another."""


def main() -> None:
    asked = _arguments()
    begin = time.monotonic()
    found = []
    for trial in _run(asked.kinds or KINDS, Form(asked.form)):
        found.append(trial)
        print(f"{trial.what}: {trial.survived} of {trial.tried}, {trial.seconds:.0f} s",
              file=sys.stderr, flush=True)  # fmt: skip
    table = table_of(found, time.monotonic() - begin)
    print(table)
    if asked.write:
        put_table(asked.write, table)
    bad = [t for t in found if t.lost or t.doubled or t.survived != t.tried]
    raise SystemExit(f"{len(bad)} of {len(found)} trials cost something" if bad else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"some of {', '.join(KINDS)}; default: all")
    parser.add_argument("--form", choices=[form.value for form in Form], default="short")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into a page")
    asked = parser.parse_args()
    unknown = sorted(set(asked.kinds) - set(KINDS))
    if unknown:
        parser.error(f"unknown: {unknown[0]}; known: {', '.join(KINDS)}")
    return asked


def _run(kinds: tuple[str, ...], form: Form) -> Iterator[Trial]:
    for kind in kinds:
        module = importlib.import_module(f"torture.{kind}")
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            yield from module.trials(form, Path(folder))


if __name__ == "__main__":
    main()
