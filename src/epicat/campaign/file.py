"""Read a campaign file: TOML whose keys are the flags and whose tables are the panels of --help."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from epicat._util.option_fields import KeyPath, Option, options_of, tables_of
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Given, Values, together
from epicat.errors import InputError, NameChoiceError

__all__ = ["ENDING", "parse_campaign", "placed", "read_campaign"]

ENDING = ".toml"
"""How the name of a campaign file ends."""

_SECRET = re.compile(r"://[^/?#]*:[^/?#]*@")


def read_campaign(path: Path) -> Values:
    """Return what a file gives: known keys only, paths made relative to the file.

    Whether the values can be used is for `asked` to say, together with what was given elsewhere.
    Raises `InputError` for a file that is no TOML, and for unknown keys, each with the near match;
    for a password, without telling it.
    """
    return parse_campaign(_text(path), path)


def parse_campaign(text: str, path: Path) -> Values:
    """Return what the text of a file gives, as `read_campaign` does."""
    name = str(path)
    problems: list[str] = []
    values: dict[KeyPath, Given] = {}
    for option, value in _options(_parsed(text, path), (), problems):
        by = f"{name}: {option.dotted}"
        if value == "":
            problems.append(f"{by} is empty: give it a value or leave it out")
        elif isinstance(value, str) and _SECRET.search(value):
            problems.append(f"{by} {_no_password(option)}")
        else:
            values[option.path] = Given(_plain(option, value, os.path.dirname(name)), by)  # noqa: PTH120 - Path drops ./
    if problems:
        told = [p if p.startswith(name) else f"{name}: {p}" for p in problems]
        raise InputError(together(told))
    return values


def placed(text: str, option: Option, folder: str) -> str:
    """Return where a file says that something is, seen from here; a name as it stands.

    ``./ncedc`` stays a folder: what comes back is never taken for a name.
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
            f"there is no campaign file {str(path)!r}; `epicat init {path}` writes one to fill in"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        # Decimals keep the 0 of 2019.180, which is a day.
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Beside what is no TOML: numbers of thousands of digits, lists in lists without end.
        raise InputError(
            f"{path} is no TOML: {error}; text stands in quotation marks, a list in "
            "brackets, each key once"
        ) from error


def _options(
    tree: Mapping[str, Any], table: KeyPath, problems: list[str]
) -> Iterator[tuple[Option, Any]]:
    """Give the options of a table and of those below it; add what is none to the problems."""
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
                f"{option.dotted} is no table: write {key} = ...; it takes {option.kind}"
            )
        else:
            yield option, value


def _unknown(
    table: KeyPath, key: str, options: Mapping[KeyPath, Option], tables: set[KeyPath]
) -> str:
    """Say that a key is unknown, and what may have been meant."""
    named = f"[{'.'.join(table)}]: " if table else ""
    elsewhere = [path[:-1] for path in (*options, *tables) if path[-1:] == (key,)]
    if elsewhere and elsewhere[0]:
        return f"{named}{key} belongs into [{'.'.join(elsewhere[0])}]"
    if elsewhere:
        return f"{named}{key} belongs to the top of the file, before the first [table]"
    near = [path[-1] for path in (*options, *tables) if path[:-1] == table and path]
    return f"{named}{NameChoiceError('key', key, near)}"


def _no_password(option: Option) -> str:
    told = "holds a password, and campaign files are shared: leave it out, and "
    if option.shown.variable:
        return f"{told}set the environment variable {option.shown.variable}"
    return f"{told}put credentials into the environment (AWS_ACCESS_KEY_ID, ...)"


def _plain(option: Option, value: Any, folder: str) -> Any:
    """Return a value as the models want it: lists as tuples, numbers as floats, paths from here."""
    if isinstance(value, str):
        return placed(value, option, folder)
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
