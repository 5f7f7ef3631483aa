"""The options of a model, one by one, as the command line and the campaign file show them.

A frozen pydantic model holds options.  A field that is such a model itself is a table of the
campaign file and a panel of ``--help``; the name of any other field, or its alias, is a key of the
file and a flag.  A model that is marked as `Assigned`, such as PyOcto's parameters, is a table of
the file, too, but one flag that takes ``NAME=VALUE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

__all__ = ["Assigned", "KeyPath", "Option", "Place", "Shown", "Table", "options_of", "tables_of"]

KeyPath = tuple[str, ...]
"""The tables that lead to an option, and its key: ``("pick", "p_threshold")``."""


def _never(text: str) -> bool:
    del text
    return False


@dataclass(frozen=True, slots=True)
class Shown:
    """Marks a field that its name and its type do not say enough about."""

    metavar: str = ""
    """What stands for the value in ``--help``."""
    kind: str = ""
    """What the value is, in words."""
    negative: str = ""
    """The flag that says no, of an option that is true or false."""
    variable: str = ""
    """The environment variable that gives it too."""


@dataclass(frozen=True, slots=True)
class Place:
    """Marks a field that is a file or a folder: in a campaign file it is relative to the file."""

    is_name: Callable[[str], bool] = _never
    """Tells what is no path, but a name that epicat knows."""
    mark: str = ""
    """What stands in front of the path of a file in which the value is."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Marks a field that is a model whose options are one flag, which takes ``NAME=VALUE``."""

    example: str
    """An assignment."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a person may set."""

    table: KeyPath
    """The tables that it is in; none for the top of the file."""
    key: str
    """Its name in the file."""
    field: FieldInfo
    """What pydantic knows about it."""
    is_assigned: bool = False
    """Whether its table is one flag."""

    @property
    def path(self) -> KeyPath:
        """Its table and its key."""
        return (*self.table, self.key)

    @property
    def dotted(self) -> str:
        """Its path in words: ``pick.p_threshold``."""
        return ".".join(self.path)

    @property
    def flag(self) -> str:
        """Its name on the command line: ``--p-threshold``, or ``--pyocto n_picks``."""
        name = self.table[-1] if self.is_assigned else self.key
        return f"--{name.replace('_', '-')}" + (f" {self.key}" if self.is_assigned else "")

    @property
    def shown(self) -> Shown:
        """What is marked about it."""
        return next((m for m in self.field.metadata if isinstance(m, Shown)), Shown())

    @property
    def place(self) -> Place | None:
        """Whether it is marked as a place."""
        return next((m for m in self.field.metadata if isinstance(m, Place)), None)

    @property
    def description(self) -> str:
        """What it means."""
        return self.field.description or ""

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.field.is_required()

    @property
    def default(self) -> Any:
        """Its default; None if it has none, or if it is derived from other things."""
        value = self.field.get_default(call_default_factory=True)
        return None if value is PydanticUndefined else value

    @property
    def example(self) -> Any:
        """A value that it may have: the default, else the model's example; None without both."""
        return (
            self.default if self.default not in (None, ()) else (self.field.examples or [None])[0]
        )

    @property
    def type(self) -> Any:
        """Its type, without None."""
        return _without_none(self.field.annotation)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may be; nothing if it may be any."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def is_list(self) -> bool:
        """Whether it is a list of texts."""
        return get_origin(self.type) is tuple

    @property
    def bounds(self) -> dict[str, float]:
        """Its limits, under the names ``gt``, ``ge``, ``lt`` and ``le``."""
        found: dict[str, float] = {}
        for mark in self.field.metadata:
            for name in ("gt", "ge", "lt", "le"):
                if (limit := getattr(mark, name, None)) is not None:
                    found[name] = limit
        return found

    @property
    def kind(self) -> str:
        """What its value is, in words."""
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        plain = {str: "text", bool: "true or false", int: "whole number", float: "number"}
        named = "list of texts" if self.is_list else plain.get(self.type, "table")
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        limits = [f"{words[name]} {limit:g}" for name, limit in self.bounds.items()]
        return ", ".join([self.shown.kind or named, *limits])


@dataclass(frozen=True, slots=True)
class Table:
    """The options of one model."""

    path: KeyPath
    """Its name in the file; none for the top."""
    title: str
    """Heading of its panel."""
    description: str
    """What its options are about."""
    assigned: Assigned | None
    """How it is marked if it is one flag."""
    options: tuple[Option, ...] = ()
    """Its options, in the order of the model."""

    @property
    def flag(self) -> str:
        """The flag for all of it, if it is one: ``--pyocto``."""
        return f"--{self.path[-1].replace('_', '-')}"


def tables_of(model: type[BaseModel]) -> list[Table]:
    """Return the tables of a model, the top first, each before those inside it."""
    title = str(model.model_config.get("title") or "")
    return list(_tables(model, Table((), title, model.__doc__ or "", None)))


def options_of(model: type[BaseModel]) -> dict[KeyPath, Option]:
    """Return all options of a model by their paths."""
    return {option.path: option for table in tables_of(model) for option in table.options}


def _tables(model: type[BaseModel], bare: Table) -> Iterator[Table]:
    named = {field.alias or name: field for name, field in model.model_fields.items()}
    options = {key: field for key, field in named.items() if not _is_model(field)}
    is_assigned = bare.assigned is not None
    yield replace(
        bare, options=tuple(Option(bare.path, k, f, is_assigned) for k, f in options.items())
    )
    for key, field in named.items():
        if key not in options:
            mark = next((m for m in field.metadata if isinstance(m, Assigned)), None)
            path = (*bare.path, key)
            below = Table(path, field.title or "", field.description or "", mark)
            yield from _tables(_without_none(field.annotation), below)


def _is_model(field: FieldInfo) -> bool:
    kind = _without_none(field.annotation)
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (arm for arm in get_args(kind) if arm is not type(None))
    return kind
