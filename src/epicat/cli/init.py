"""``epicat init``: write a campaign file template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.file import SUFFIX, parse_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Values, check
from epicat.campaign.template import campaign_text
from epicat.cli.campaign_args import spanned_by, takes
from epicat.cli.messages import report
from epicat.cli.short_help import COMMON
from epicat.errors import InputError

__all__ = ["init"]

_NAME = f"campaign{SUFFIX}"


@takes(CampaignOptions, file=False, opens=False, common=COMMON)
def init(
    given: Values,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE START END EXTENT",
            help=f"The file to write (default {_NAME}), and the arguments of `run`, if known.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="With every option, not only those that most need.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a campaign file with the options that most need; given values are filled in.

    --full writes every option.  Defaults are commented out.  Required values that are not given
    are left to fill in.
    """
    file, values = _file_and_values(list(words or ()), given)
    check(CampaignOptions, values)
    folder = str(file.parent) if file.parent != Path() else ""
    text = campaign_text(values, folder, full=full)
    parse_campaign(text, file)  # refuses passwords before they are written
    _write(file, text, force=force)
    report(f"wrote {file}; run it with `epicat run {file}`")


def _file_and_values(words: list[str], flags: Values) -> tuple[Path, Values]:
    """Return the file and its values, without those from the environment."""
    file = words.pop(0) if words and words[0].endswith(SUFFIX) else _NAME
    if len(words) == 1:
        raise InputError(f"{words[0]!r} is not a campaign file (*{SUFFIX})")
    values = {**(spanned_by(words) if words else {}), **flags}
    return Path(file), {
        path: given for path, given in values.items() if not given.is_from_environment
    }


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise InputError(f"{file} already exists; use --force to overwrite it") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from error
