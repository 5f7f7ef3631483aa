"""The reference page of the campaign file, made of the models of options."""

from __future__ import annotations

from collections.abc import Iterator

from epicat._util.option_fields import Option, Table, tables_of
from epicat.campaign.options import CampaignOptions
from epicat.campaign.template import toml_value

__all__ = ["reference_page"]

_HEAD = """\
# Campaign file: reference

<!-- Made by tools/campaign_reference.py: change the models of options, not this page. -->

Every key of a [campaign file](../campaign.md). The keys of the top come before the first table. A
key is a flag of `epicat run`, too: `p_threshold` is `--p-threshold`, and `n_picks` in
`[associate.pyocto]` is `--pyocto n_picks=8`. Without a default, the meaning says what counts.
"""


def reference_page() -> str:
    """Return the page in Markdown."""
    return "\n".join(
        [_HEAD, *(line for table in tables_of(CampaignOptions) for line in _section(table))]
    )


def _section(table: Table) -> Iterator[str]:
    yield f"## `[{'.'.join(table.path)}]`" if table.path else "## Top of the file"
    yield ""
    yield f"{table.title}. {table.description}"
    yield ""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    yield from map(_row, table.options)
    yield ""


def _row(option: Option) -> str:
    default = f"`{toml_value(option.default)}`" if option.default is not None else ""
    required = "**required**" if option.is_required else default
    meaning = f"{option.description}{_flags(option)}".replace("|", "\\|")
    return f"| `{option.key}` | {option.kind} | {required} | {meaning} |"


def _flags(option: Option) -> str:
    """Say what cannot be guessed about the flag."""
    shown = option.shown
    negative = f" `false` is `{shown.negative}`." if shown.negative else ""
    return negative + (f" Also the variable `{shown.variable}`." if shown.variable else "")
