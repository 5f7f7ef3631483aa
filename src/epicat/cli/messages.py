"""Messages on stderr, confirmation by the user, and plain-text formatting."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog
    from epicat.catalog.selection import Selection

__all__ = [
    "aligned",
    "confirm",
    "counted",
    "format_flags",
    "report",
    "report_location",
    "report_next",
    "report_rejected",
    "report_selection",
    "waiting",
    "warnings_as_messages",
]


_SILENT_S = 1.0
"""Seconds that a command works without saying what it does."""


def report(text: str) -> None:
    """Print a message on stderr; stdout is for data."""
    typer.echo(text, err=True)


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Say what the command is doing if it takes longer than a second, and how long it took."""
    begin = time.monotonic()
    timer = threading.Timer(_SILENT_S, lambda: report(f"{words} ..."))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        seconds = time.monotonic() - begin
        if seconds > 10 * _SILENT_S:
            report(f"{words}: {seconds:.0f} s")


class warnings_as_messages(warnings.catch_warnings):  # noqa: N801 - a context manager, used as one
    """Print warnings as messages, without their place in the code."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: report(f"warning: {message}")


def report_next(steps: Sequence[tuple[str, str]]) -> None:
    """Print what to do next: commands, each with what it is for."""
    width = max(len(command) for command, _ in steps)
    for number, (command, purpose) in enumerate(steps):
        report(f"{'' if number else 'next:':<6}{command:<{width}}  # {purpose}")


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation; raise `InputError` without a terminal, exit with status 1 on "no"."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"cannot ask for confirmation without a terminal ({question}?); use --yes")
    typer.echo(f"{question}? [y/N]", err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise typer.Exit(1)


def report_selection(chosen: Selection, wanted: str | None) -> None:
    """Report which results were chosen if there are others and the user named none."""
    if chosen.others and not wanted:
        typer.echo(
            f"catalog {chosen.name}; the store has {chosen.others} more: `epicat runs` lists "
            "them, choose with --run",
            err=True,
        )


def report_location(catalog: Catalog, wanted: str | None) -> None:
    """Report which location was chosen if there are others and the user named none."""
    if wanted:
        return
    found = catalog.locations()
    if len(found) > 1:
        others = ", ".join(one.label for one in found[1:])
        typer.echo(
            f"places of location {found[0].label}; the store also has {others} "
            "(choose with --location)",
            err=True,
        )


def report_rejected(rejected: int) -> None:
    """Report the number of events that quality control rejected, if any."""
    if rejected:
        typer.echo(
            f"{rejected:,} events rejected by quality control are excluded "
            "(--with-rejected includes them)",
            err=True,
        )


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts.

    >>> counted(1, "station-day"), counted(2000, "block")
    ('1 station-day', '2,000 blocks')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def format_flags(flags: Mapping[str, int], rejected: int) -> str:
    """Format how often each criterion failed, and the number of rejected events."""
    counts = ", ".join(f"{name} {n:,}" for name, n in sorted(flags.items()))
    return f"{counts} ({rejected:,} events rejected)" if rejected else counts


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    width: int | None = None,
) -> Iterator[str]:
    """Yield the lines of a table, its first ``left`` columns left-aligned.

    Columns are two blanks apart, or one if lines would be longer than ``width`` otherwise.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    is_tight = width is not None and sum(widths) + 2 * (len(widths) - 1) > width
    for row in (header, *rows):
        cells = [
            cell.ljust(room) if at < left else cell.rjust(room)
            for at, (cell, room) in enumerate(zip(row, widths, strict=True))
        ]
        yield (" " if is_tight else "  ").join(cells).rstrip()
