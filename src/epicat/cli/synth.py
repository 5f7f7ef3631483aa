"""``epicat synth``: a synthetic archive with known earthquakes."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.cli.messages import report, warnings_as_messages
from epicat.errors import InputError, NameChoiceError

if TYPE_CHECKING:
    from epicat.model import Span, Station
    from epicat.synthetic import ArchiveSummary, Scenario
    from epicat.synthetic.propagation import Crust

__all__ = ["synth"]

_NETWORK, _QUAKES, _FILES = "Stations and earth", "Earthquakes", "Files and faults"
_DEFAULT_START = "2024.061"


def synth(
    folder: Annotated[Path, typer.Argument(help="Output folder; created if needed.")],
    start: Annotated[
        str, typer.Argument(metavar="[START]", help="2019.172, 2019-06-21 or a UTC time.")
    ] = _DEFAULT_START,
    end: Annotated[
        str | None,
        typer.Argument(metavar="[END]", help="End (exclusive), as START.  Default: --hours later."),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, help="Duration if END is not given.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    stations: Annotated[
        Path | None,
        typer.Option(help="Real stations: .csv or StationXML.", rich_help_panel=_NETWORK),
    ] = None,
    count: Annotated[
        int,
        typer.Option(
            "--station-count", min=1, help="Number of synthetic stations.", rich_help_panel=_NETWORK
        ),
    ] = 12,
    center: Annotated[
        str,
        typer.Option(help="LATITUDE,LONGITUDE of synthetic stations.", rich_help_panel=_NETWORK),
    ] = "40,-124",
    radius: Annotated[
        float,
        typer.Option(
            min=1.0, help="Radius of the synthetic network in km.", rich_help_panel=_NETWORK
        ),
    ] = 50.0,
    velocity: Annotated[
        Path | None,
        typer.Option(
            help="Table of depth_km vp vs.  Default: GIL7, Northern California.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    velocity_layers: Annotated[
        str, typer.Option(help="gradient or constant, as for `run`.", rich_help_panel=_NETWORK)
    ] = "constant",
    events: Annotated[
        int | None,
        typer.Option(
            min=0, help="Fixed number of earthquakes, at random times.", rich_help_panel=_QUAKES
        ),
    ] = None,
    rate: Annotated[
        float,
        typer.Option(min=0, help="Mean number of earthquakes per day.", rich_help_panel=_QUAKES),
    ] = 200.0,
    b_value: Annotated[
        float,
        typer.Option(
            min=0.1, help="b-value of the Gutenberg-Richter relation.", rich_help_panel=_QUAKES
        ),
    ] = 0.9,
    min_magnitude: Annotated[
        float, typer.Option(help="Smallest moment magnitude.", rich_help_panel=_QUAKES)
    ] = 1.0,
    max_magnitude: Annotated[
        float, typer.Option(help="Largest moment magnitude.", rich_help_panel=_QUAKES)
    ] = 5.0,
    depth: Annotated[
        str, typer.Option(help="MIN,MAX of the depth in km.", rich_help_panel=_QUAKES)
    ] = "2,16",
    quake_radius: Annotated[
        float | None,
        typer.Option(
            help="Radius of the epicentres in km.  Default: 0.8 RADIUS.", rich_help_panel=_QUAKES
        ),
    ] = None,
    separation: Annotated[
        float,
        typer.Option(min=0, help="Minimum time between origins in s.", rich_help_panel=_QUAKES),
    ] = 0.0,
    mainshock: Annotated[
        float | None,
        typer.Option(help="Magnitude of a mainshock, with aftershocks.", rich_help_panel=_QUAKES),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="ncedc, scedc, earthscope, geonet, sds or files.", rich_help_panel=_FILES
        ),
    ] = "sds",
    record_length: Annotated[
        int, typer.Option(help="miniSEED record length, 512 or 4096 bytes.", rich_help_panel=_FILES)
    ] = 512,
    faults: Annotated[
        str,
        typer.Option(
            help="none, all, or some of gaps, spikes, glitches, dead, clipping, jitter, bands, "
            "strong-motion, corrupt, empty, comma-separated.",
            rich_help_panel=_FILES,
        ),
    ] = "none",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.  Default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")] = False,
) -> None:
    """Write synthetic waveforms of earthquakes and noise, with responses and the truth.

    Writes waveforms/ (the archive), stations.csv, stations.xml, velocity.txt, truth/ and, last,
    synthetic.json to FOLDER.  The same seed and options give the same bytes.
    """
    from epicat.synthetic import (
        Faults,
        ScenarioOptions,
        Seismicity,
        make_scenario,
        write_archive,
    )

    begin = time.monotonic()
    listed = _listed(stations)
    scenario = make_scenario(
        ScenarioOptions(
            span=_span(start, end, hours),
            seed=seed,
            center=_pair(center, "--center", "40,-124"),
            stations=count,
            radius_km=radius,
            listed=listed,
            crust=_crust(velocity, velocity_layers),
            seismicity=Seismicity(
                radius_km=0.8 * radius if quake_radius is None else quake_radius,
                per_day=rate,
                count=events,
                b_value=b_value,
                min_magnitude=min_magnitude,
                max_magnitude=max_magnitude,
                depth_km=_pair(depth, "--depth", "2,16"),
                separation_s=separation,
                mainshock=mainshock,
            ),
            faults=Faults.parse(faults),
        )
    )
    report(
        f"{len(scenario.places)} stations, {len(scenario.quakes):,} earthquakes, "
        f"{_days(scenario)} station-days"
    )
    with _Bar(_days(scenario)) as advance:
        written = write_archive(
            folder,
            scenario,
            layout,
            record_length=record_length,
            workers=workers or len(os.sched_getaffinity(0)),
            progress=advance,
        )
    seconds = time.monotonic() - begin
    if as_json:
        typer.echo(json.dumps({**asdict(written), "seconds": round(seconds, 3)}))
    else:
        _report_summary(written, seconds)


def _span(start: str, end: str | None, hours: float) -> Span:
    from epicat.model import Span
    from epicat.time import SECOND_NS, parse_time

    if end is not None:
        return Span.parse(start, end)
    first = parse_time(start)
    return Span(first, first + round(hours * 3600) * SECOND_NS)


def _pair(text: str, option: str, example: str) -> tuple[float, float]:
    try:
        one, other = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{option} {text.strip()!r} is not a pair of numbers; for example {example}"
        ) from error
    return one, other


def _listed(path: Path | None) -> tuple[Station, ...]:
    if path is None:
        return ()
    from epicat.stations import find_stations

    with warnings_as_messages():
        return tuple(find_stations(str(path), None))


def _crust(path: Path | None, kind: str) -> Crust:
    from epicat.synthetic.propagation import Crust
    from epicat.velocity.layers import read_layers

    if kind not in ("gradient", "constant"):
        raise NameChoiceError("kind of layers", kind, ["gradient", "constant"])
    if path is None:
        return Crust()
    return Crust(read_layers(path, constant=kind == "constant"))


def _days(scenario: Scenario) -> int:
    return len(scenario.places) * len(list(scenario.span.days()))


class _Bar:
    """A progress bar on stderr."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("writing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("station-days"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bars.add_task("writing", total=total)

    def __enter__(self) -> Any:
        self._bars.start()
        return lambda _: self._bars.advance(self._task)

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


def _report_summary(written: ArchiveSummary, seconds: float) -> None:
    report(
        f"{written.objects:,} objects ({written.bytes / 1e6:,.1f} MB, layout {written.layout}) of "
        f"{written.stations} stations in {written.folder}/waveforms, in {seconds:.1f} s"
    )
    report(
        f"{written.events:,} earthquakes, {written.detectable:,} of them detectable at 5 or more "
        f"stations, {written.arrivals:,} arrivals in {written.folder}/truth"
    )
