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
    lines = [
        f"`make faults`, {seconds / 60:.0f} minutes, {machine()}.",
        "",
        "| trial | tried | survived | rows lost or doubled | |",
        "|---|---:|---:|---:|---|",
    ]
    lines += [
        f"| {t.what} | {t.tried:,} | {t.survived:,} | {t.lost + t.doubled:,} | {_cell(t.remark)} |"
        for t in trials
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def put_table(page: Path, table: str) -> None:
    """Replace the table of a page.  Raises `ValueError` if the page has no place for it."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
