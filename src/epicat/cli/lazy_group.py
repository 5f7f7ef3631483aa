"""The commands of ``epicat``: their names, where they are, and what they do in a line.

A command's module is imported when the command is called, so that none waits for what only the
others need.  The lines are those that the commands' own help begins with: a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["COMMANDS", "Commands", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, or a group of them, that is not imported yet."""

    place: str
    """Its module in `epicat.cli` and its name there: a function, or a group's ``app``."""
    line: str
    """The first sentence of its help."""

    def load(self, name: str) -> Any:
        """Import it, and return it as Typer has it."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(f"epicat.cli.{module}"), attribute)
        around = typer.Typer()
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=name)
        else:
            around.command(name)(found)
        return typer.main.get_group(around).commands[name]


COMMANDS: Mapping[str, Entry] = {
    "init": Entry(
        "init:init",
        "Write a campaign file with every option, described, and what is given here filled in.",
    ),
    "demo": Entry(
        "demo:demo",
        "Make an archive whose earthquakes are known, make its catalog, and say how good that is.",
    ),
    "run": Entry("run:run", "Pick the stations inside EXTENT and associate the picks into events."),
    "associate": Entry(
        "associate:associate",
        "Associate picks that the store has, at the store's stations inside EXTENT, into events.",
    ),
    "plan": Entry(
        "plan:plan",
        "Show the units of work that `run` with the same arguments would do.  Writes nothing.",
    ),
    "status": Entry(
        "status:status",
        "Show, for each run and associator, what became of its station-days and blocks, and why.",
    ),
    "export": Entry(
        "export:export",
        "Write a table or the catalog of the newest run, or of the one that --run names.",
    ),
    "plot": Entry("plot:plot", "Draw a map, two depth sections and the count over time."),
    "query": Entry(
        "query:query",
        "Ask the views picks, events, arrivals, stations, ledger and runs of a store by SQL.",
    ),
    "compact": Entry(
        "compact:compact",
        "Put the many small files of a store together, and delete what has been superseded.",
    ),
    "doctor": Entry(
        "doctor:doctor",
        "Verify a store: can all be read, are the rows those that were marked, is anything left "
        "over.",
    ),
    "copy": Entry(
        "copy:copy",
        "Copy all of a store into another of any kind, then read both and compare them.",
    ),
    "synth": Entry(
        "synth:synth",
        "Write waveforms of made-up earthquakes and noise, with responses and the truth.",
    ),
    "submit": Entry(
        "submit:submit",
        "Submit what `run` with the same arguments would do to the campaign's stack on AWS.",
    ),
    "retry": Entry(
        "submit:retry", "Submit again what failed or is missing of what was submitted last."
    ),
    "cancel": Entry(
        "jobs:cancel",
        "End all jobs of a campaign that are under way; what they have marked as done is kept.",
    ),
    "logs": Entry(
        "jobs:logs", "Show what the jobs of a unit have said, one attempt after the other."
    ),
    "cost": Entry(
        "jobs:cost", "Show what jobs were reckoned to take and cost, beside what they took."
    ),
    "work": Entry(
        "work:work", "Do one unit of a submission; its outcome is a line of JSON on stdout."
    ),
    "stations": Entry("stations:app", "Bring stations into a store."),
    "picks": Entry("picks:app", "Bring picks into a store."),
    "models": Entry("models:app", "See and compile pickers."),
    "cloud": Entry(
        "cloud:app",
        "A campaign on AWS: queues, job definitions, roles, logs and a bucket as one stack.",
    ),
}
"""All of them, in the order in which they are shown."""


class _OnCall(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = COMMANDS[name].load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of all commands, of which only the one that is called is imported."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _OnCall()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order in which they are shown."""
        del ctx
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the help, for which the lines of the commands are enough."""
        shown = TyperGroup(
            name=self.name,
            help=self.help,
            params=self.params,
            commands={name: TyperCommand(name, help=e.line) for name, e in COMMANDS.items()},
            rich_markup_mode=self.rich_markup_mode,
        )
        shown.format_help(ctx, formatter)
