"""Make command-line flags from option models: one Typer parameter for each option."""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from epicat._util.option_models import KeyPath, Option, Table, tables_of
from epicat.campaign.parse import Given
from epicat.errors import InputError, NameChoiceError

__all__ = ["flags_of", "parameter", "read_flags"]

_PLAIN = (bool, int, float)


def flags_of(model: type[BaseModel], without: Collection[str] = ()) -> list[inspect.Parameter]:
    """Return the parameters of a command for the options of a model, except some keys.

    Their defaults, those of the model, are for ``--help``; `read_flags` returns what was given.
    """
    tables = tables_of(model)
    titles = {table.path: table.title or None for table in tables}
    made = []
    for table in tables:
        if table.assigned:
            made.append(_assignments(table, table.assigned.example, titles[table.path[:-1]]))
        else:
            wanted = [option for option in table.options if option.key not in without]
            made += [_flag(option, table.title or None) for option in wanted]
    return made


def read_flags(
    model: type[BaseModel], context: typer.Context, values: Mapping[str, Any]
) -> dict[KeyPath, Given]:
    """Return only the values from the command line or the environment, not the defaults."""
    sources = {name: context.get_parameter_source(name) for name in values}
    given = {name: source.name for name, source in sources.items() if source is not None}
    found: dict[KeyPath, Given] = {}
    for table in tables_of(model):
        if table.assigned:
            assignments = values.get(table.path[-1]) or ()
            found.update(_assigned(table, table.assigned.example, assignments))
            continue
        for option in table.options:
            if given.get(option.key) in ("COMMANDLINE", "ENVIRONMENT"):
                value = values[option.key]
                is_from_environment = given[option.key] == "ENVIRONMENT"
                named = f"{option.flag} ({option.dotted})" if option.table else option.flag
                found[option.path] = Given(
                    tuple(value) if option.is_list else value,
                    option.shown.variable if is_from_environment else named,
                    is_from_environment,
                )
    return found


def parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    """Return a parameter by name."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


def _flag(option: Option, panel: str | None) -> inspect.Parameter:
    shown, kind = option.shown, option.type
    typed = kind if kind in _PLAIN else list[str] if option.is_list else str
    default = None if option.is_list else option.default
    made = typer.Option(
        *_names(option),
        metavar=shown.metavar or "|".join(option.choices) or None,
        help=_help(option),
        min=option.bounds.get("ge") if kind is int else None,
        envvar=shown.variable or None,
        rich_help_panel=panel,
    )
    return parameter(option.key, Annotated[typed | None, made], default)


def _names(option: Option) -> list[str]:
    shown = option.shown
    named = f"{option.flag}/{shown.negative}" if shown.negative else option.flag
    return [named, *filter(None, [shown.alias])]


def _help(option: Option) -> str:
    repeated = "  May be repeated." if option.is_list else ""
    required = "  Required." if option.is_required else ""
    return f"{option.description}{repeated}{required}"


def _assignments(table: Table, example: str, panel: str | None) -> inspect.Parameter:
    made = typer.Option(
        table.flag,
        metavar="NAME=VALUE",
        help=f"{table.description}  For example {example}; may be repeated.",
        rich_help_panel=panel,
    )
    return parameter(table.path[-1], Annotated[list[str] | None, made], None)


def _assigned(
    table: Table, example: str, assignments: Collection[str]
) -> Iterator[tuple[KeyPath, Given]]:
    flag = table.flag
    known = {option.key: option for option in table.options}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise InputError(f"{flag} {assignment!r}: write NAME=VALUE, such as {example}")
        if name not in known:
            raise NameChoiceError(f"{table.title} parameter", name, known)
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{flag} {assignment!r}: {text!r} is not a number") from error
        yield known[name].path, Given(value, f"{flag} {name}")
