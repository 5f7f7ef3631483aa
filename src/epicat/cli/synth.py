"""``epicat synth``: a synthetic archive with known earthquakes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epicat.cli.messages import report, warnings_as_messages
from epicat.errors import InputError, NameChoiceError

if TYPE_CHECKING:
    from epicat.model import Span, Station
    from epicat.synthetic import ArchiveSummary, Scenario, ScenarioOptions
    from epicat.synthetic.propagation import Crust

__all__ = ["synth"]

_NETWORK, _QUAKES, _FILES = "Stations and earth", "Earthquakes", "Files and faults"
_DEFAULT_START = "2024.061"


_Folder = Annotated[Path, typer.Argument(help="Output folder; created if needed.")]
_Start = Annotated[
    str, typer.Argument(metavar="[START]", help="2019.172, 2019-06-21 or a UTC time.")
]
_End = Annotated[
    str | None,
    typer.Argument(metavar="[END]", help="End (exclusive), as START.  Default: --hours later."),
]
_Hours = Annotated[float, typer.Option(min=0.01, help="Duration if END is not given.")]
_Seed = Annotated[int, typer.Option(help="Random seed.")]
_Stations = Annotated[
    Path | None,
    typer.Option(help="Real stations: .csv or StationXML.", rich_help_panel=_NETWORK),
]
_Count = Annotated[
    int,
    typer.Option(
        "--station-count", min=1, help="Number of synthetic stations.", rich_help_panel=_NETWORK
    ),
]
_Center = Annotated[
    str,
    typer.Option(help="LATITUDE,LONGITUDE of synthetic stations.", rich_help_panel=_NETWORK),
]
_Radius = Annotated[
    float,
    typer.Option(min=1.0, help="Radius of the synthetic network in km.", rich_help_panel=_NETWORK),
]
_Velocity = Annotated[
    Path | None,
    typer.Option(
        help="Table of depth_km vp vs.  Default: GIL7, Northern California.",
        rich_help_panel=_NETWORK,
    ),
]
_VelocityLayers = Annotated[
    str, typer.Option(help="gradient or constant, as for `run`.", rich_help_panel=_NETWORK)
]
_Events = Annotated[
    int | None,
    typer.Option(
        min=0, help="Fixed number of earthquakes, at random times.", rich_help_panel=_QUAKES
    ),
]
_Rate = Annotated[
    float,
    typer.Option(min=0, help="Mean number of earthquakes per day.", rich_help_panel=_QUAKES),
]
_BValue = Annotated[
    float,
    typer.Option(
        min=0.1, help="b-value of the Gutenberg-Richter relation.", rich_help_panel=_QUAKES
    ),
]
_MinMagnitude = Annotated[
    float, typer.Option(help="Smallest moment magnitude.", rich_help_panel=_QUAKES)
]
_MaxMagnitude = Annotated[
    float, typer.Option(help="Largest moment magnitude.", rich_help_panel=_QUAKES)
]
_Depth = Annotated[str, typer.Option(help="MIN,MAX of the depth in km.", rich_help_panel=_QUAKES)]
_QuakeRadius = Annotated[
    float | None,
    typer.Option(
        help="Radius of the epicentres in km.  Default: 0.8 RADIUS.", rich_help_panel=_QUAKES
    ),
]
_Separation = Annotated[
    float,
    typer.Option(min=0, help="Minimum time between origins in s.", rich_help_panel=_QUAKES),
]
_Mainshock = Annotated[
    float | None,
    typer.Option(help="Magnitude of a mainshock, with aftershocks.", rich_help_panel=_QUAKES),
]
_Layout = Annotated[
    str,
    typer.Option(help="ncedc, scedc, earthscope, geonet, sds or files.", rich_help_panel=_FILES),
]
_RecordLength = Annotated[
    int, typer.Option(help="miniSEED record length, 512 or 4096 bytes.", rich_help_panel=_FILES)
]
_Faults = Annotated[
    str,
    typer.Option(
        help="none, all, or some of gaps, spikes, glitches, dead, clipping, jitter, bands, "
        "strong-motion, corrupt, empty, comma-separated.",
        rich_help_panel=_FILES,
    ),
]
_Workers = Annotated[
    int | None, typer.Option(min=1, help="Worker processes.  Default: one per core.")
]
_Json = Annotated[bool, typer.Option("--json", help="Summary as JSON on stdout.")]


def synth(
    folder: _Folder,
    start: _Start = _DEFAULT_START,
    end: _End = None,
    hours: _Hours = 3.0,
    seed: _Seed = 0,
    stations: _Stations = None,
    count: _Count = 12,
    center: _Center = "40,-124",
    radius: _Radius = 50.0,
    velocity: _Velocity = None,
    velocity_layers: _VelocityLayers = "constant",
    events: _Events = None,
    rate: _Rate = 200.0,
    b_value: _BValue = 0.9,
    min_magnitude: _MinMagnitude = 1.0,
    max_magnitude: _MaxMagnitude = 5.0,
    depth: _Depth = "2,16",
    quake_radius: _QuakeRadius = None,
    separation: _Separation = 0.0,
    mainshock: _Mainshock = None,
    layout: _Layout = "sds",
    record_length: _RecordLength = 512,
    faults: _Faults = "none",
    workers: _Workers = None,
    as_json: _Json = False,
) -> None:
    """Write synthetic waveforms of earthquakes and noise, with responses and the truth.

    Writes waveforms/ (the archive), stations.csv, stations.xml, velocity.txt, truth/ and, last,
    synthetic.json to FOLDER.  The same seed and options give the same bytes.
    """
    from epicat._util.processes import usable_cores
    from epicat.synthetic import make_scenario, write_archive

    begin = time.monotonic()
    scenario = make_scenario(_scenario_options(locals()))
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
            workers=workers or usable_cores(),
            progress=advance,
        )
    seconds = time.monotonic() - begin
    if as_json:
        typer.echo(json.dumps({**asdict(written), "seconds": round(seconds, 3)}))
    else:
        _report_summary(written, seconds)


def _scenario_options(given: Mapping[str, Any]) -> ScenarioOptions:
    """Return the scenario of the command's parameters, by their names."""
    from epicat.synthetic import Faults, ScenarioOptions, Seismicity

    radius, quake_radius = given["radius"], given["quake_radius"]
    return ScenarioOptions(
        span=_span(given["start"], given["end"], given["hours"]),
        seed=given["seed"],
        center=_pair(given["center"], "--center", "40,-124"),
        stations=given["count"],
        radius_km=radius,
        listed=_listed(given["stations"]),
        crust=_crust(given["velocity"], given["velocity_layers"]),
        seismicity=Seismicity(
            radius_km=0.8 * radius if quake_radius is None else quake_radius,
            per_day=given["rate"],
            count=given["events"],
            b_value=given["b_value"],
            min_magnitude=given["min_magnitude"],
            max_magnitude=given["max_magnitude"],
            depth_km=_pair(given["depth"], "--depth", "2,16"),
            separation_s=given["separation"],
            mainshock=given["mainshock"],
        ),
        faults=Faults.parse(given["faults"]),
    )


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
