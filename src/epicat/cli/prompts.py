"""What several commands need: a store's designs, and a person's consent."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.store.base import Store

__all__ = ["Chosen", "agreed", "choose_designs", "said_which", "say_left_out"]


def agreed(question: str, *, yes: bool) -> None:
    """Ask a person; raise `InputError` where there is none, leave with 1 at a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{question}? Nobody is there to say so: use --yes")
    typer.echo(f"{question}? [y/N]", err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run and the associator whose results a command is about."""

    run: str | None
    """Digest of the run; None if the store has none."""
    associator: str | None
    """Digest of the associator; None if the store has none."""
    extent: str
    """The extent of the newest invocation with them, or nothing."""
    others: int
    """How many other pairs the store has."""


def choose_designs(store: Store, wanted: str | None) -> Chosen:
    """Return the designs of the newest invocation, or of the one that ``wanted`` names.

    ``wanted`` is the beginning of a digest of a run or of an associator.  Raises `InputError`
    if no invocation or more than one pair fits it.
    """
    invocations: list[dict[str, Any]] = list(store.records("invocation").values())
    fitting = [
        i
        for i in invocations
        if not wanted or i["run"].startswith(wanted) or i["associator"].startswith(wanted)
    ]
    if wanted and not fitting:
        known = sorted({i[name] for i in invocations for name in ("run", "associator")} - {""})
        raise InputError(
            f"no run or associator {wanted!r} in the store; it has {', '.join(known) or 'none'}"
        )
    if not fitting:
        return Chosen(None, None, "", 0)
    from epicat.store.base import in_order

    last = in_order(fitting)[-1]
    # Imports have no associator: they count only until their picks are associated.
    pairs = {(i["run"], i["associator"]) for i in invocations if i["associator"]}
    others = len(pairs - {(last["run"], last["associator"])})
    return Chosen(last["run"], last["associator"], last["extent"], others)


def said_which(chosen: Chosen, wanted: str | None) -> None:
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
