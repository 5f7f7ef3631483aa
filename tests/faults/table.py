"""The table of trials, as text and in a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import machine

from faults.trial import Trial

__all__ = ["BEGIN", "END", "put_table", "table_of"]

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
"""Between these lines of a page is the table."""


def table_of(trials: Sequence[Trial], seconds: float) -> str:
    """Return the table in Markdown."""
    lost, doubled = sum(t.lost for t in trials), sum(t.doubled for t in trials)
    lines = [
        f"`make faults`, {seconds / 60:.0f} minutes, {machine()}. "
        f"Rows lost: {lost:,}, doubled: {doubled:,}.",
        "",
        "| trial | tried | survived | |",
        "|---|---:|---:|---|",
    ]
    lines += [f"| {t.what} | {t.tried:,} | {t.survived:,} | {_remark(t)} |" for t in trials]
    return "\n".join(lines)


def _remark(trial: Trial) -> str:
    rows = f"rows lost: {trial.lost:,}, doubled: {trial.doubled:,}; "
    text = (rows if trial.lost or trial.doubled else "") + trial.remark
    return text.replace("|", "\\|")


def put_table(page: Path, table: str) -> None:
    """Replace the table of a page.  Raises `ValueError` if the page has no place for it."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
