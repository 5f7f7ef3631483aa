"""Messages that several commands print, and the question for consent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.catalog.selection import Selection

__all__ = ["agreed", "said_which", "say_left_out"]


def agreed(question: str, *, yes: bool) -> None:
    """Ask a person; raise `InputError` where there is none, leave with 1 at a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{question}? Nobody is there to say so: use --yes")
    typer.echo(f"{question}? [y/N]", err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise typer.Exit(1)


def said_which(chosen: Selection, wanted: str | None) -> None:
    """Say which designs were chosen if there are others and nobody has named one."""
    if chosen.others and not wanted:
        typer.echo(
            f"the store has {chosen.others} more pair(s) of run and associator; this is run "
            f"{chosen.run}, associator {chosen.associator} (choose with --run)",
            err=True,
        )


def say_left_out(rejected: int) -> None:
    """Say that there are events which quality control rejects, if there are any."""
    if rejected:
        typer.echo(
            f"{rejected:,} events that quality control rejects are left out "
            "(--with-rejected takes them in)",
            err=True,
        )
