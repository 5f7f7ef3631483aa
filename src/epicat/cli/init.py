"""``epicat init``: a campaign file to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epicat.campaign.file import ENDING, parse_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import Values, check
from epicat.campaign.template import campaign_text
from epicat.cli.campaign_args import spanned_by, takes
from epicat.cli.progress import say
from epicat.errors import InputError

__all__ = ["init"]

_NAME = f"campaign{ENDING}"


@takes(CampaignOptions, file=False, opens=False)
def init(
    given: Values,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE START END EXTENT",
            help=f"The file to write, {_NAME} if it is left out; and what `run` takes, if it is "
            "known already.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write a campaign file with every option, described, and what is given here filled in.

    Defaults are commented out.  What is required and not given is left to fill in.
    """
    file, values = _told(list(words or ()), given)
    check(CampaignOptions, values)
    text = campaign_text(values, str(file.parent) if file.parent != Path() else "")
    parse_campaign(text, file)  # refuses passwords before they are written
    _write(file, text, force=force)
    say(f"{file} is written; `epicat run {file}` runs it")


def _told(words: list[str], flags: Values) -> tuple[Path, Values]:
    """Return the file and what goes into it: nothing that only the environment says."""
    file = words.pop(0) if words and words[0].endswith(ENDING) else _NAME
    if len(words) == 1:
        raise InputError(f"{words[0]!r} is no campaign file: its name ends in {ENDING}")
    values = {**(spanned_by(words) if words else {}), **flags}
    return Path(file), {path: given for path, given in values.items() if not given.is_unseen}


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise InputError(f"{file} is there already; --force writes over it") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from error
