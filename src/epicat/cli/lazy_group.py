"""The commands of ``epicat``: names, modules and one-line help.

The module of a command is imported when the command is called, so that no command waits for the
imports of others.  A test compares the lines with the help of the commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from epicat.cli.short_help import command_class

__all__ = ["COMMANDS", "Commands", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command or group that is imported lazily."""

    place: str
    """Module in `epicat.cli` and name in it: a function, or the ``app`` of a group."""
    line: str
    """The first line of its help."""

    def load(self, name: str) -> Any:
        """Import it and return the command object of Typer."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(f"epicat.cli.{module}"), attribute)
        around = typer.Typer()
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=name)
        else:
            around.command(name, cls=command_class(found))(found)
        command = typer.main.get_group(around).commands[name]
        from epicat.cli.examples import add_examples

        add_examples(command, name)
        _unwrap(command)
        return command


def _unwrap(command: Any) -> None:
    """Make each paragraph of the help one line, of a command or a group and its commands."""
    for child in getattr(command, "commands", {}).values():
        _unwrap(child)
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(text.split()) for text in paragraphs)


COMMANDS: Mapping[str, Entry] = {
    "init": Entry(
        "init:init",
        "Write a campaign file with the options that most need; given values are filled in.",
    ),
    "demo": Entry(
        "demo:demo",
        "Make a synthetic archive and its catalog, and compare it with the known earthquakes.",
    ),
    "example": Entry(
        "example:example", "Download public data, verify them, and build a real catalog with a map."
    ),
    "run": Entry("run:run", "Pick the stations inside EXTENT and associate the picks into events."),
    "associate": Entry(
        "associate:associate",
        "Associate the picks of a store at its stations inside EXTENT into events.",
    ),
    "locate": Entry("locate:locate", "Locate the events of a store, with their uncertainty."),
    "terms": Entry(
        "locate:terms",
        "Compute station terms from the events of a store, for `epicat locate --terms`.",
    ),
    "magnitudes": Entry(
        "magnitudes:app", "Compute local magnitudes of the events of a store from its amplitudes."
    ),
    "plan": Entry(
        "plan:plan",
        "Show the units of work that `run` would do with the same arguments, or write them.",
    ),
    "status": Entry(
        "status:status",
        "Show the status of station-days and blocks by run and associator, with reasons.",
    ),
    "runs": Entry(
        "runs:runs",
        "List the catalogs of a store, the newest first: names, dates, counts and digests.",
    ),
    "export": Entry(
        "export:export",
        "Write a table or the catalog of the newest run, or of the run given by --run.",
    ),
    "plot": Entry(
        "plot:plot", "Draw a map, two depth sections and the number of events over time."
    ),
    "report": Entry(
        "report:report",
        "Write the catalog as a page that needs no server: map, sections, timelines and list.",
    ),
    "view": Entry(
        "view:view",
        "Show the catalog in a browser: the page of `epicat report`, with review, from a server.",
    ),
    "compare": Entry(
        "compare:compare", "Match the events of two catalogs one to one, and say how they differ."
    ),
    "query": Entry(
        "query:query",
        "Ask the views of a store by SQL.",
    ),
    "compact": Entry(
        "compact:compact",
        "Merge the many small files of a store, and delete superseded data.",
    ),
    "doctor": Entry(
        "doctor:doctor",
        "Check the installation, or verify a store: files are readable, rows match the ledger.",
    ),
    "copy": Entry(
        "copy:copy",
        "Copy a store into another of any kind, then read both and compare them.",
    ),
    "synth": Entry(
        "synth:synth",
        "Write synthetic waveforms of earthquakes and noise, with responses and the truth.",
    ),
    "submit": Entry(
        "submit:submit",
        "Submit the work of `run` with the same arguments to AWS Batch or to a SLURM cluster.",
    ),
    "retry": Entry(
        "submit:retry", "Submit the failed and missing work of the last submission again."
    ),
    "cancel": Entry(
        "jobs:cancel",
        "Cancel all running and waiting jobs of a campaign; finished work is kept.",
    ),
    "logs": Entry("jobs:logs", "Show the logs of the jobs of a unit, one attempt after the other."),
    "cost": Entry("jobs:cost", "Show the estimated and the actual time and cost of jobs."),
    "work": Entry("work:work", "Run one unit of a submission and print its outcome as JSON."),
    "stations": Entry("stations:app", "Import stations into a store."),
    "velocity": Entry("velocity:app", "Show the built-in velocity models, and fit one to picks."),
    "picks": Entry("picks:app", "Import picks into a store."),
    "events": Entry("events:app", "Import an existing catalog into a store."),
    "models": Entry("models:app", "See and compile pickers."),
    "cloud": Entry(
        "cloud:app",
        "A campaign on AWS: queues, job definitions, roles, logs and a bucket as one stack.",
    ),
}
"""All commands, in the order of the help."""


class _LazyCommands(Mapping[str, Any]):
    """The commands by name, each imported on access."""

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
    """The group of all commands, which imports only the one that is called."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _LazyCommands()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help from the lines of the commands, without importing them."""
        shown = TyperGroup(
            name=self.name,
            help=self.help,
            params=self.params,
            commands={name: TyperCommand(name, help=e.line) for name, e in COMMANDS.items()},
            rich_markup_mode=self.rich_markup_mode,
        )
        shown.format_help(ctx, formatter)
