"""What a person gave, wherever it was given, and the options that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from epicat._util.option_fields import KeyPath, Option, options_of, tables_of
from epicat.errors import InputError, NameChoiceError

__all__ = ["Given", "Values", "asked", "check", "from_mapping", "together", "without_password"]

_MOST = 10
_USER = re.compile(r"(?<=://)[^/?#]*@")

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Given:
    """A value and who gave it."""

    value: Any
    """As TOML or the command line has it; lists of texts are tuples."""
    by: str
    """How messages name it: ``--p-threshold`` or ``campaign.toml: pick.p_threshold``."""
    is_unseen: bool = False
    """Whether it comes from the environment, which nobody sees."""


Values = Mapping[KeyPath, Given]
"""What was given, by the paths of the options."""


def asked(model: type[Model], values: Values) -> Model:
    """Make options of what was given; what the model does not have is left alone.

    Raises `InputError` that tells all that cannot be used: who gave it, the value, what is
    allowed.
    """
    try:
        return model.model_validate(_tree(values, options_of(model)), strict=True)
    except ValidationError as error:
        told = [_words(problem, model, values) for problem in error.errors()]
        raise InputError(together(told)) from error


def from_mapping(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Make options of a mapping whose nested mappings are the tables of a campaign file.

    Raises `InputError` that names each key that is unknown or cannot be used.
    """
    given = {path: Given(value, ".".join(path)) for path, value in _flat(values, model)}
    known = options_of(model)
    unknown = [path for path in given if path not in known]
    if unknown:
        names = {".".join(path) for path in known}
        raise InputError(
            together([str(NameChoiceError("option", ".".join(u), names)) for u in unknown])
        )
    return asked(model, given)


def _flat(
    values: Mapping[str, Any], model: type[BaseModel], table: KeyPath = ()
) -> Iterator[tuple[KeyPath, Any]]:
    tables = {found.path for found in tables_of(model)}
    for key, value in values.items():
        path = (*table, key)
        if path in tables and isinstance(value, Mapping):
            yield from _flat(value, model, path)
        else:
            yield path, tuple(value) if isinstance(value, list) else value


def check(model: type[BaseModel], values: Values) -> None:
    """Raise `InputError` as `asked` does, but not for what is missing."""
    try:
        model.model_validate(_tree(values, options_of(model)), strict=True)
    except ValidationError as error:
        found = [problem for problem in error.errors() if problem["type"] != "missing"]
        if found:
            raise InputError(together([_words(p, model, values) for p in found])) from error


def together(told: list[str]) -> str:
    """Return several messages as one."""
    if len(told) == 1:
        return told[0]
    more = f"\n  and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return "several things cannot be used:\n  " + "\n  ".join(told[:_MOST]) + more


def without_password(text: str) -> str:
    """Leave out what may be credentials, as in ``mongodb://user:password@host``."""
    return _USER.sub("...@", text)


def _tree(values: Values, options: Mapping[KeyPath, Option]) -> dict[str, Any]:
    """Return the values as the models nest, without those that are no options of theirs."""
    tree: dict[str, Any] = {}
    for path, given in ((path, given) for path, given in values.items() if path in options):
        table = tree
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = given.value
    return tree


def _words(problem: ErrorDetails, model: type[BaseModel], values: Values) -> str:
    """Say one thing that pydantic refused, in the words of who gave it."""
    option = _option_at(problem["loc"], options_of(model))
    reason = str(problem.get("ctx", {}).get("error") or problem["msg"])
    if option is None:
        return reason
    if problem["type"] == "missing":
        return f"{option.flag} is missing, here or in a campaign file: {option.description}"
    given = values.get(option.path) or Given(problem["input"], option.dotted)
    by, value = given.by, _shown(problem["input"])
    if problem["type"] == "value_error":
        return f"{by}: {reason}"
    if problem["type"] == "literal_error":
        return f"{by}: {NameChoiceError(option.key, str(problem['input']), option.choices)}"
    if problem["type"].endswith("_type"):
        return f"{by} is {value}, but takes: {option.kind}"
    return f"{by} is {value}: {reason.replace('Input should', 'it must')}"


def _option_at(place: tuple[int | str, ...], options: Mapping[KeyPath, Option]) -> Option | None:
    """Return the option that pydantic speaks of: of a list or a table, the whole."""
    names = tuple(str(part) for part in place)
    found = (options.get(names[:length]) for length in range(len(names), 0, -1))
    return next((option for option in found if option is not None), None)


def _shown(value: Any) -> str:
    return without_password(repr(value) if isinstance(value, (str, list, tuple)) else str(value))
