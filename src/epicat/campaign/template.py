"""Write a campaign file template: every option described, defaults commented out."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from typing import Any

from epicat._util.option_models import Option, Table, tables_of
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Given, Values
from epicat.geo import Extent

__all__ = ["campaign_text", "toml_value"]

_WIDTH = 96
_HEAD = """\
An epicat campaign: `epicat run FILE` makes the catalog, `epicat plan FILE` shows the work.

Lines like #key = value show the default, or an example where marked; remove the # to set them.
Each key is also a flag that overrides it: `p_threshold` is --p-threshold.  Paths are relative
to this file.  Passwords do not belong here: see EPICAT_STORE.
"""
_MORE = """
These are the options that most campaigns need; `epicat init --full` writes all of them.
"""
_COMMON = frozenset(
    ("layout", "stations", "name", "model", "weight", "p_threshold", "s_threshold", "velocity",
     "workers")
)  # fmt: skip
"""Keys of optional options that the short file has."""


def campaign_text(values: Values, folder: str = "", *, full: bool = False) -> str:
    """Return a campaign file for a folder, with the given values filled in.

    ``folder`` is where the file will be; relative paths are made relative to it.  ``full``: with
    every option, rather than those that are required, given, or needed by most.
    """
    lines = list(_comment(_HEAD if full else f"{_HEAD}{_MORE}"))
    for table in tables_of(CampaignOptions):
        options = [o for o in table.options if full or _is_common(o, values)]
        lines += ["", *_heading(table)] if options else []
        for option in options:
            lines += ["", *_comment(_described(option)), _line(option, values, folder)]
    return "\n".join([*lines, ""])


def _is_common(option: Option, values: Values) -> bool:
    return option.is_required or option.path in values or option.key in _COMMON


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{k} = {toml_value(v)}' for k, v in value.items())} }}"
    return str(value)


def _heading(table: Table) -> Iterator[str]:
    yield f"# {table.title} ".ljust(_WIDTH, "-")
    yield from _comment(table.description.partition("\n\n")[0])
    if table.path:
        yield f"[{'.'.join(table.path)}]"


def _described(option: Option) -> str:
    required = "  Required." if option.is_required else ""
    choices = f"  {option.kind}." if option.choices else ""
    return f"{option.description}{choices}{required}"


def _line(option: Option, values: Values, folder: str) -> str:
    given = values.get(option.path)
    if given is not None:
        return f"{option.key} = {toml_value(_from(folder, option, given))}"
    remark = "" if option.default not in (None, ()) else "  # an example"
    return f"#{option.key} = {toml_value(option.example)}{remark}"


def _from(folder: str, option: Option, given: Given) -> Any:
    """Return a value as a file in a folder must write it."""
    value, place = given.value, option.place
    if option.type is Extent:
        box = value if isinstance(value, Extent) else Extent.parse(str(value))
        edges = (box.south, box.north, box.west, box.east)
        return [int(edge) if edge.is_integer() else edge for edge in edges]
    if not folder or place is None or "://" in value or place.is_name(value):
        return value
    if os.path.isabs(value):  # noqa: PTH117 - Path drops ./, which tells a folder from a name
        return value
    moved = os.path.relpath(value, folder)
    return f"./{moved}" if place.is_name(moved) else moved


def _comment(text: str) -> Iterator[str]:
    for paragraph in text.splitlines():
        yield from (
            (f"# {line}" for line in textwrap.wrap(paragraph, _WIDTH - 2)) if paragraph else "#"
        )
