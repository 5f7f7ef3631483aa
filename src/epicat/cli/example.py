"""``epicat example``: a first real catalog from public data."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.file import read_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import make_options
from epicat.cli.messages import report
from epicat.cli.progress import report_next_steps
from epicat.cli.run import make_catalog
from epicat.errors import NameChoiceError

if TYPE_CHECKING:
    from epicat.examples import Example

__all__ = ["example"]

_PICTURE = "events.png"


def example(
    name: Annotated[str, typer.Argument(metavar="NAME", help="holuhraun.")],
    folder: Annotated[
        Path | None, typer.Argument(help="Output folder.  Default: a folder named NAME.")
    ] = None,
    model: Annotated[str, typer.Option(help="As for `run`.")] = "PhaseNet",
    weight: Annotated[
        str, typer.Option("--weight", "--weights", help="As for `run`.")
    ] = "original",
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Download only, and print the command to run.")
    ] = False,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="EPICAT_EXAMPLE_URL",
            help="A server with the same files.  Default: the public repository.",
        ),
    ] = None,
) -> None:
    """Download public data, verify them, and build a real catalog with a map.

    holuhraun: nine minutes of August 2014 from twelve stations in Iceland, 8 MB.  Every file is
    verified by its SHA-256; files that are there are not downloaded again.  Needs the extra
    `example`, and the extra `plot` for the map.
    """
    from epicat.examples import EXAMPLES, prepare

    if name not in EXAMPLES:
        raise NameChoiceError("example", name, EXAMPLES)
    chosen = EXAMPLES[name]
    place = Path(name) if folder is None else folder
    report(f"{chosen.notice}{len(chosen.files)} files, {chosen.megabytes:.1f} MB")
    campaign = prepare(
        chosen, place, model=model, weight=weight, base_url=base_url, progress=_report_files
    )
    report(f"\nepicat run {campaign}")
    if not no_run:
        _build(chosen, campaign, place / _PICTURE)


def _report_files(done: int, total: int) -> None:
    """Report how many files are there: on a terminal continually, else at the end."""
    if sys.stderr.isatty():
        typer.echo(f"\rdownloading: {done} of {total} files", err=True, nl=done == total)
    elif done == total:
        report(f"downloaded and verified {total} files")


def _build(example: Example, campaign: Path, picture: Path) -> None:
    """Run the campaign, draw the map, and say what to do next."""
    from epicat.catalog.catalog import open_catalog

    options = make_options(CampaignOptions, read_campaign(campaign))
    make_catalog(options)
    if find_spec("matplotlib") is None:
        report("no map: it needs matplotlib; pip install 'epicat[plot]'")
    else:
        open_catalog(options.store).plot(picture, title=example.title)
        report(f"map: {picture}")
    report_next_steps(options.store, has_picture=True)
