"""Write docs/reference/commands.md from the command line itself: `make reference`.

A command, argument or option without a word of help is an error; a test keeps the page fresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "commands.md"

_INTRODUCTION = """\
# Commands

Made from the program itself by `make reference`: `epicat COMMAND --help` says the same. Data go to
stdout, messages go to stderr; [exit status](../using.md#exit-status).
"""
_VALUES = {"int": "N", "float": "NUMBER", "Path": "FILE"}


def reference(app: typer.Typer) -> str:
    """Return the page; raise ValueError with the names of what has no help."""
    root: Any = typer.main.get_command(app)
    if missing := list(undocumented(app)):
        raise ValueError(f"without help: {', '.join(missing)}")
    commands = list(_commands(root, "epicat"))
    index = [f"| [`{name}`](#{_anchor(name)}) | {_summary(c)} |" for name, c in commands]
    table = ["| command | |", "|---|---|", *index]
    sections = [_section(name, command) for name, command in commands]
    return "\n".join([_INTRODUCTION, *table, "", *sections]).rstrip() + "\n"


def undocumented(app: typer.Typer) -> Iterator[str]:
    """Give the commands, arguments and options that nothing is said about."""
    for name, command in _commands(typer.main.get_command(app), "epicat"):
        if not command.help:
            yield name
        for parameter in _shown(command):
            if not parameter.help:
                yield f"{name} {parameter.opts[0]}"


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Give every command that does something, with its full name, in the program's order."""
    for part, child in getattr(command, "commands", {}).items():
        yield from _commands(child, f"{name} {part}")
    if not hasattr(command, "commands"):
        yield name, command


def _shown(command: Any) -> list[Any]:
    return [p for p in command.params if p.name != "help" and not p.hidden]


def _section(name: str, command: Any) -> str:
    arguments = [p for p in _shown(command) if p.param_type_name == "argument"]
    options = [p for p in _shown(command) if p.param_type_name == "option"]
    panels: dict[str, list[Any]] = {}
    for option in options:
        panels.setdefault(option.rich_help_panel or "Options", []).append(option)
    usage = " ".join([name, *(a.metavar or a.name.upper() for a in arguments), "[OPTIONS]"])
    parts = [f"## {name}", f"```text\n{usage}\n```", _prose(command.help)]
    if arguments:
        parts.append(_table("argument", arguments))
    for panel, members in panels.items():
        title = [f"**{panel}**"] if len(panels) > 1 else []
        parts += [*title, _table("option", members)]
    return "\n\n".join(parts) + "\n"


def _table(kind: str, parameters: list[Any]) -> str:
    rows = [f"| {_spelled(p)} | {_escaped(p.help)} | {default(p)} |" for p in parameters]
    return "\n".join([f"| {kind} | | default |", "|---|---|---|", *rows])


def _spelled(parameter: Any) -> str:
    """Return an option as one writes it, such as ``--model TEXT``."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    value = "" if parameter.is_flag else f" {parameter.metavar or _value(parameter)}"
    return "<br>".join(f"`{name}{value}`" for name in names)


def _value(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    return _VALUES.get(getattr(kind, "__name__", ""), "TEXT")


def default(parameter: Any) -> str:
    """Return what holds if the option is not given, in Markdown."""
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False):
        return f"`{parameter.opts[0]}`" if parameter.default else ""
    given = parameter.default
    return "" if given is None else f"`{given:g}`" if isinstance(given, float) else f"`{given}`"


def _summary(command: Any) -> str:
    return _escaped(re.split(r"(?<=\.)\s", command.help.strip(), maxsplit=1)[0])


def _prose(text: str) -> str:
    """Return a docstring's paragraphs, their lines joined."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(re.sub(r"\s+", " ", paragraph) for paragraph in paragraphs)


def _escaped(text: str) -> str:
    return re.sub(r"([|*<>])", r"\\\1", re.sub(r"\s+", " ", text))


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


if __name__ == "__main__":
    from epicat.cli.app import app as epicat

    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(epicat), encoding="utf-8")
