"""Make options of values from flags, a campaign file and the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from epicat._util.lists import first_and_more
from epicat._util.option_models import KeyPath, Option, options_of, tables_of
from epicat.errors import InputError, NameChoiceError

__all__ = [
    "Given",
    "Values",
    "check",
    "from_mapping",
    "join_messages",
    "make_options",
    "without_password",
]

_MOST = 10
_USER = re.compile(r"(?<=://)[^/?#]*@")

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Given:
    """The value of an option, and its source."""

    value: Any
    """As in TOML or on the command line; lists of strings are tuples."""
    source: str
    """How messages name it: ``--p-threshold`` or ``campaign.toml: pick.p_threshold``."""
    is_from_environment: bool = False
    """Whether it comes from an environment variable, which the user may have forgotten."""


Values = Mapping[KeyPath, Given]
"""The values by the path of the option."""


def make_options(model: type[Model], values: Values) -> Model:
    """Make options of values; those that the model does not have are ignored.

    Raises `InputError` that lists every invalid value with its source and what is allowed.
    """
    try:
        return model.model_validate(_tree(values, options_of(model)), strict=True)
    except ValidationError as error:
        messages = [_message(problem, model, values) for problem in error.errors()]
        raise InputError(join_messages(messages)) from error


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
            join_messages([str(NameChoiceError("option", ".".join(u), names)) for u in unknown])
        )
    return make_options(model, given)


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
    """Raise `InputError` as `make_options` does, but not for missing values."""
    try:
        model.model_validate(_tree(values, options_of(model)), strict=True)
    except ValidationError as error:
        found = [problem for problem in error.errors() if problem["type"] != "missing"]
        if found:
            raise InputError(join_messages([_message(p, model, values) for p in found])) from error


def join_messages(messages: list[str]) -> str:
    """Return several messages as one, the first ten in full."""
    if len(messages) == 1:
        return messages[0]
    return "\n  ".join(["invalid options:", *first_and_more(messages)])


def without_password(text: str) -> str:
    """Mask credentials, as in ``mongodb://user:password@host``."""
    return _USER.sub("...@", text)


def _tree(values: Values, options: Mapping[KeyPath, Option]) -> dict[str, Any]:
    """Return the values nested like the models, without those that are not among the options."""
    tree: dict[str, Any] = {}
    for path, given in ((path, given) for path, given in values.items() if path in options):
        table = tree
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = given.value
    return tree


def _message(problem: ErrorDetails, model: type[BaseModel], values: Values) -> str:
    """Return the message for one error of pydantic, with the source of the value."""
    option = _option_at(problem["loc"], options_of(model))
    reason = str(problem.get("ctx", {}).get("error") or problem["msg"])
    if option is None:
        return reason
    if problem["type"] == "missing":
        return f"{option.flag} is missing, here or in a campaign file: {option.description}"
    given = values.get(option.path) or Given(problem["input"], option.dotted)
    source, value = given.source, _shown(problem["input"])
    if problem["type"] == "value_error":
        return f"{source}: {reason}"
    if problem["type"] == "literal_error":
        return f"{source}: {NameChoiceError(option.key, str(problem['input']), option.choices)}"
    if problem["type"].endswith(("_type", "_pattern_mismatch")):
        return f"{source} is {value}, but must be: {option.kind}"
    return f"{source} is {value}: {reason.replace('Input should', 'it must')}"


def _option_at(place: tuple[int | str, ...], options: Mapping[KeyPath, Option]) -> Option | None:
    """Return the option that an error is about; for items of a list or table, the option itself."""
    names = tuple(str(part) for part in place)
    found = (options.get(names[:length]) for length in range(len(names), 0, -1))
    return next((option for option in found if option is not None), None)


def _shown(value: Any) -> str:
    return without_password(repr(value) if isinstance(value, (str, list, tuple)) else str(value))
