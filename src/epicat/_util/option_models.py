"""Models of options, as the command line and the campaign file show them.

A frozen pydantic model holds options.  A field whose type is such a model is a table of the
campaign file and a panel of ``--help``; any other field is a key of the file and a flag, under its
name or alias.  A model that is marked as `Assigned`, such as PyOcto's parameters, is a table of the
file, too, but a single flag that takes ``NAME=VALUE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

__all__ = [
    "Assigned",
    "KeyPath",
    "Limits",
    "Option",
    "Place",
    "Shown",
    "Table",
    "options_of",
    "tables_of",
]

KeyPath = tuple[str, ...]
"""The tables that lead to an option, and its key: ``("pick", "p_threshold")``."""


def _never(text: str) -> bool:
    del text
    return False


@dataclass(frozen=True, slots=True)
class Shown:
    """Adds to a field what its name and type do not say."""

    metavar: str = ""
    """Placeholder of the value in ``--help``."""
    kind: str = ""
    """Description of the type of the value."""
    negative: str = ""
    """The flag for false, of a boolean option."""
    variable: str = ""
    """The environment variable that sets it, too."""
    alias: str = ""
    """A second name of the flag."""


@dataclass(frozen=True, slots=True)
class Place:
    """Marks a field that is a file or a folder: in a campaign file it is relative to the file."""

    is_name: Callable[[str], bool] = _never
    """Whether a value is a known name instead of a path."""
    mark: str = ""
    """Prefix of the path of a file that contains the value."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Marks a field whose model is one flag that takes ``NAME=VALUE``."""

    example: str
    """An example of an assignment."""


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of the user."""

    table: KeyPath
    """The tables that contain it; empty at the top of the file."""
    key: str
    """Its name in the file."""
    field: FieldInfo
    """The field of the pydantic model."""
    is_assigned: bool = False
    """Whether its table is a single flag."""

    @property
    def path(self) -> KeyPath:
        """Its table and its key."""
        return (*self.table, self.key)

    @property
    def dotted(self) -> str:
        """Its path as in TOML: ``pick.p_threshold``."""
        return ".".join(self.path)

    @property
    def flag(self) -> str:
        """Its name on the command line: ``--p-threshold``, or ``--pyocto n_picks``."""
        name = self.table[-1] if self.is_assigned else self.key
        return f"--{name.replace('_', '-')}" + (f" {self.key}" if self.is_assigned else "")

    @property
    def shown(self) -> Shown:
        """Its `Shown` metadata."""
        return next((m for m in self.field.metadata if isinstance(m, Shown)), Shown())

    @property
    def place(self) -> Place | None:
        """Its `Place` metadata; None if it is not a path."""
        return next((m for m in self.field.metadata if isinstance(m, Place)), None)

    @property
    def description(self) -> str:
        """Its meaning."""
        return self.field.description or ""

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.field.is_required()

    @property
    def default(self) -> Any:
        """Its default; None if it has none or a derived one."""
        value = self.field.get_default(call_default_factory=True)
        return None if value is PydanticUndefined else value

    @property
    def example(self) -> Any:
        """The default, otherwise the example in the model; None without both."""
        return (
            self.default if self.default not in (None, ()) else (self.field.examples or [None])[0]
        )

    @property
    def type(self) -> Any:
        """Its type, without None."""
        return _without_none(self.field.annotation)

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed words; empty if there is no such list."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def is_list(self) -> bool:
        """Whether it is a list of strings."""
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
        """Description of its type and bounds."""
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
    """Title of its panel."""
    description: str
    """What its options have in common."""
    assigned: Assigned | None
    """Its `Assigned` metadata; None if each option is a flag."""
    options: tuple[Option, ...] = ()
    """Its options, in the order of the model."""

    @property
    def flag(self) -> str:
        """The flag of a table that is a single flag: ``--pyocto``."""
        return f"--{self.path[-1].replace('_', '-')}"


def tables_of(model: type[BaseModel]) -> list[Table]:
    """Return the tables of a model, the top first, each before its subtables."""
    title = str(model.model_config.get("title") or "")
    return list(_tables(model, Table((), title, _summary(model), None)))


def _summary(model: type[BaseModel]) -> str:
    """Return the first paragraph of a model's docstring."""
    return " ".join((model.__doc__ or "").partition("\n\n")[0].split())


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


class Limits(BaseModel):
    """Base of the options of quality control, each of which is None unless it is set.

    Digests omit limits that are not set, so that a new kind of limit does not change the digests
    of earlier results.
    """

    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )

    @property
    def given(self) -> tuple[str, ...]:
        """The limits that are set, as ``name=value`` in the order of names."""
        return tuple(f"{name}={value!r}" for name, value in sorted(self) if value is not None)
