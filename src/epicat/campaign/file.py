"""Read a campaign file: TOML whose keys are the flags and whose tables are the panels of --help."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from epicat._util.option_models import KeyPath, Option, options_of, tables_of
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Given, Values, join_messages
from epicat.errors import InputError, NameChoiceError

__all__ = ["SUFFIX", "parse_campaign", "read_campaign", "resolve_place"]

SUFFIX = ".toml"
"""Suffix of campaign files."""

_SECRET = re.compile(r"://[^/?#]*:[^/?#]*@")


def read_campaign(path: Path) -> Values:
    """Return the values of a campaign file, with paths relative to the file resolved.

    `make_options` checks the values, together with those from elsewhere.  Raises `InputError` for
    a file that is not valid TOML, for unknown keys, with near matches, and for passwords, which
    the message does not repeat.
    """
    return parse_campaign(_text(path), path)


def parse_campaign(text: str, path: Path) -> Values:
    """Return the values of the text of a campaign file, as `read_campaign` does."""
    name = str(path)
    problems: list[str] = []
    values: dict[KeyPath, Given] = {}
    for option, value in _options(_parsed(text, path), (), problems):
        source = f"{name}: {option.dotted}"
        if value == "":
            problems.append(f"{source} is empty: give it a value or delete the line")
        elif isinstance(value, str) and _SECRET.search(value):
            problems.append(f"{source} {_no_password(option)}")
        else:
            values[option.path] = Given(_plain(option, value, os.path.dirname(name)), source)  # noqa: PTH120 - Path drops ./
    if problems:
        messages = [p if p.startswith(name) else f"{name}: {p}" for p in problems]
        raise InputError(join_messages(messages))
    return values


def resolve_place(text: str, option: Option, folder: str) -> str:
    """Return a path in a campaign file relative to the working directory; names stay names.

    ``./ncedc`` stays a folder: the result is never mistaken for a name.
    """
    if option.place is None or "://" in text or option.place.is_name(text):
        return text
    mark = option.place.mark
    if mark and text.startswith(mark):
        return mark + os.path.join(folder, os.path.expanduser(text.removeprefix(mark)))  # noqa: PTH111, PTH118 - Path drops ./
    return os.path.join(folder, os.path.expanduser(text))  # noqa: PTH111, PTH118 - Path drops ./


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            f"campaign file {str(path)!r} does not exist; `epicat init {path}` writes a template"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a UTF-8 text file") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        # Decimals keep the 0 of 2019.180, which is a day.
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        # ArithmeticError: numbers of thousands of digits.  RecursionError: deeply nested lists.
        raise InputError(
            f"{path} is not valid TOML: {error}.  Strings need quotation marks, lists brackets, "
            "and each key may occur once"
        ) from error


def _options(
    tree: Mapping[str, Any], table: KeyPath, problems: list[str]
) -> Iterator[tuple[Option, Any]]:
    """Yield the options of a table and its subtables; add unknown keys to the problems."""
    tables = {t.path for t in tables_of(CampaignOptions)}
    options = options_of(CampaignOptions)
    for key, value in tree.items():
        path = (*table, key)
        option = options.get(path)
        if path in tables:
            if isinstance(value, dict):
                yield from _options(value, path, problems)
            else:
                problems.append(
                    f"{'.'.join(path)} is a table: write [{'.'.join(path)}] above its keys"
                )
        elif option is None:
            problems.append(_unknown(table, key, options, tables))
        elif isinstance(value, dict) and option.kind != "table":
            problems.append(
                f"{option.dotted} is not a table: write {key} = ...; it must be {option.kind}"
            )
        else:
            yield option, value


def _unknown(
    table: KeyPath, key: str, options: Mapping[KeyPath, Option], tables: set[KeyPath]
) -> str:
    """Return the message for an unknown key, with where it belongs or near matches."""
    named = f"[{'.'.join(table)}]: " if table else ""
    elsewhere = [path[:-1] for path in (*options, *tables) if path[-1:] == (key,)]
    if elsewhere and elsewhere[0]:
        return f"{named}{key} belongs in [{'.'.join(elsewhere[0])}]"
    if elsewhere:
        return f"{named}{key} belongs at the top of the file, before the first [table]"
    near = [path[-1] for path in (*options, *tables) if path[:-1] == table and path]
    return f"{named}{NameChoiceError('key', key, near)}"


def _no_password(option: Option) -> str:
    advice = "contains a password, and campaign files are shared: remove it and "
    if option.shown.variable:
        return f"{advice}set the environment variable {option.shown.variable}"
    return f"{advice}put credentials in the environment (AWS_ACCESS_KEY_ID, ...)"


def _plain(option: Option, value: Any, folder: str) -> Any:
    """Return a value as the models expect it: tuples, floats, resolved paths."""
    if isinstance(value, str):
        return resolve_place(value, option, folder)
    if option.is_list and isinstance(value, list):
        return tuple(value)
    return value if option.shown.kind else _without_decimals(value)


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _without_decimals(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return value
