"""``epicat demo``: a complete run on a synthetic archive with known earthquakes."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from epicat._util.files import atomic_file
from epicat.campaign.file import read_campaign
from epicat.campaign.options import CampaignOptions
from epicat.campaign.parse import make_options
from epicat.cli.messages import report, report_next, warnings_as_messages
from epicat.cli.picker_download import prepare_with_progress
from epicat.cli.run import make_catalog
from epicat.cli.synth import synth
from epicat.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from epicat.synthetic.scoring import PhaseScore, Score, Truth

__all__ = ["demo"]

_ARCHIVE, _STORE, _CAMPAIGN, _TABLE, _PICTURE = (
    "archive", "catalog", "campaign.toml", "events.csv", "events.png",
)  # fmt: skip
_OWN: Final = frozenset({_ARCHIVE, _STORE, _CAMPAIGN, _TABLE, _PICTURE})
_FIRST: Final = "# The campaign of `epicat demo`."
_TEXT: Final = """\
{first}  `epicat init --full` writes a file with every option.
start = "2024.061"
end = "2024.062"
extent = [39.4, 40.6, -124.8, -123.2]
archive = "{archive}/waveforms"
layout = "sds"
stations = "{archive}/stations.xml"
store = "{store}"

[pick]
model = "{model}"
weight = "{weight}"

[associate]
velocity = "{archive}/velocity.txt"
velocity_layers = "constant"
"""


def demo(
    folder: Annotated[
        Path, typer.Argument(help="Output folder; the files of an earlier demo are replaced.")
    ] = Path("epicat-demo"),
    model: Annotated[str, typer.Option(help="As for `run`.")] = "epicat-mini",
    weight: Annotated[
        str, typer.Option("--weight", "--weights", help="As for `run`.")
    ] = "original",
    seed: Annotated[int, typer.Option(help="Random seed of the earthquakes.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.  Default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The table as JSON on stdout.")] = False,
) -> None:
    """Make a synthetic archive and its catalog, and compare it with the known earthquakes.

    Twelve stations, three hours and fifty earthquakes, with gaps in the waveforms and an
    unreadable object.  Needs no network and no extras.
    """
    _make_room(folder)
    options = _campaign(folder / _CAMPAIGN, model, weight)
    begin = time.monotonic()
    synth(
        folder / _ARCHIVE, seed=seed, events=50, separation=100.0, faults="gaps,corrupt",
        workers=workers,
    )  # fmt: skip
    written = time.monotonic()
    report(f"\nepicat run {folder / _CAMPAIGN}")
    make_catalog(options.model_copy(update={"partition": options.partition.model_copy(
        update={"workers": workers})}))  # fmt: skip
    seconds = {"archive": written - begin, "catalog": time.monotonic() - written}
    score = _scored(folder)
    if as_json:
        typer.echo(json.dumps({"model": model, **score.as_dict(), "seconds": seconds}))
    else:
        _print(score, seconds, model if model == "epicat-mini" else f"{model} {weight}")
        _report_next(folder)


def _report_next(folder: Path) -> None:
    report("")
    if (folder / _PICTURE).exists():
        report(f"the map is {folder / _PICTURE}: true earthquakes are crosses, found ones are dots")
    store = f"--store {shlex.quote(str(folder / _STORE))}"
    report_next(
        [
            (f"epicat view {store}", "events, picks and waveforms in a browser"),
            (f"epicat status {store}", "what became of each station-day"),
            ("epicat example holuhraun", "a real catalog from public data"),
            ("epicat init campaign.toml", "a file for a campaign of your own"),
        ]
    )


def _make_room(folder: Path) -> None:
    """Create the folder and remove the files of an earlier demo; refuse any other folder.

    The campaign file, which is written first, identifies the folder of a demo.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        others = sorted(names - _OWN if _is_demo(folder / _CAMPAIGN) else names)
        if others:
            raise InputError(
                f"{str(folder)!r} contains other files ({others[0]}): give a new or empty folder"
            )
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be used: {error.strerror}") from error


def _is_demo(campaign: Path) -> bool:
    if not campaign.is_file():
        return False
    return campaign.read_bytes().startswith(_FIRST.encode())


def _campaign(file: Path, model: str, weight: str) -> CampaignOptions:
    """Write the campaign file; fail early if the picker is not available."""
    places = {"archive": _ARCHIVE, "store": _STORE}
    text = _TEXT.format(first=_FIRST, **places, model=model, weight=weight)
    file.write_text(text, encoding="utf-8")
    options = make_options(CampaignOptions, read_campaign(file))
    with warnings_as_messages():
        prepare_with_progress(options.pick)
    return options


def _scored(folder: Path) -> Score:
    """Score the catalog against the ground truth; write it as a table and a figure."""
    from epicat.catalog.catalog import open_catalog
    from epicat.synthetic.scoring import read_truth, score_catalog

    catalog = open_catalog(folder / _STORE)
    truth = read_truth(folder / _ARCHIVE)
    events = catalog.events(with_rejected=True)
    _write_table(events, folder / _TABLE)
    _draw(events, catalog.stations(), truth, folder / _PICTURE)
    return score_catalog(truth, events, catalog.picks())


def _write_table(events: pa.Table, path: Path) -> None:
    from epicat.export.rows import write_csv
    from epicat.located import BEST_EVENT_COLUMNS

    with atomic_file(path, "w") as file:
        write_csv(events, BEST_EVENT_COLUMNS, file)


def _draw(events: pa.Table, stations: pa.Table, truth: Truth, path: Path) -> None:
    from epicat.plot import PlotOptions, draw_catalog

    if find_spec("matplotlib") is None:
        report("no figure: it needs matplotlib; pip install 'epicat[plot]'")
        return
    draw_catalog(
        events, stations, path, title="Catalog of a synthetic archive",
        options=PlotOptions(reference=("True event", truth.events)),
    )  # fmt: skip


def _print(score: Score, seconds: dict[str, float], model: str) -> None:
    """Print the score as a table."""
    errors = (
        f"origin time {score.time_error_s:.2f} s, epicenter {score.epicenter_error_km:.2f} km, "
        f"depth {score.depth_error_km:.2f} km"
    )
    times = (
        f"{seconds['archive']:.0f} s for the archive, {seconds['catalog']:.0f} s for the catalog"
    )
    rows = [
        ("earthquakes", f"{score.true}, {score.detectable} detectable at 5 or more stations"),
        ("  found", f"{score.found} of {score.detectable} ({score.recall:.0%})"),
        ("  missed", f"{score.missed}"),
        ("  smaller ones found", f"{score.extra} of {score.true - score.detectable}"),
        ("  false", f"{score.false} ({score.false_share:.1%} of the catalog)"),
        ("median errors", errors),
        ("P picks", _phase(score.p)),
        ("  residuals", _residuals(score.p)),
        ("S picks", _phase(score.s)),
        ("  residuals", _residuals(score.s)),
        ("time", times),
    ]
    typer.echo(f"\nCatalog of {model} compared with the ground truth")
    for name, value in rows:
        typer.echo(f"  {name:<22}{value}")


def _phase(score: PhaseScore) -> str:
    share = score.found / max(score.true, 1)
    unmatched = score.picks - score.matched
    return (
        f"{score.found} of {score.true} clear arrivals found ({share:.0%}); "
        f"{unmatched} of {score.picks} picks match no arrival"
    )


def _residuals(score: PhaseScore) -> str:
    return f"median {score.residual_s:+.3f} s, median absolute {score.spread_s:.3f} s"
