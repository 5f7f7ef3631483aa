"""Write a synthetic archive: waveforms in a layout, stations, velocity model and ground truth.

The folder contains ``waveforms/`` (the archive), ``stations.csv``, ``stations.xml``,
``velocity.txt``, ``truth/`` and ``synthetic.json``, a summary that is written last.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from epicat._util.processes import Children, deferred_interrupts, follow_parent
from epicat._version import __version__
from epicat.errors import InputError
from epicat.model import digest_of
from epicat.synthetic.miniseed_objects import atomic_object, check_layout, key_of
from epicat.synthetic.network import station_xml
from epicat.synthetic.scenario import Scenario
from epicat.synthetic.station_day import StationDayResult, StationDayTask, write_station_day
from epicat.synthetic.truth import TruthFiles
from epicat.time import iso

__all__ = ["RECORD_LENGTHS", "ArchiveSummary", "write_archive"]


RECORD_LENGTHS = (512, 4096)
"""Supported record lengths in bytes."""


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """Summary of a written archive."""

    folder: str
    """Folder of the archive."""
    layout: str
    """Layout of the objects."""
    stations: int
    """Number of stations."""
    station_days: int
    """Number of station-days."""
    objects: int
    """Number of waveform objects."""
    bytes: int
    """Size of the objects in bytes."""
    samples: int
    """Number of samples."""
    events: int
    """Number of earthquakes."""
    detectable: int
    """Number of detectable earthquakes: P signal-to-noise ratio above 3 at 5 or more stations."""
    arrivals: int
    """Number of arrivals in the ground truth."""


def write_archive(
    folder: Path,
    scenario: Scenario,
    layout: str = "sds",
    *,
    record_length: int = 512,
    workers: int = 1,
    progress: Callable[[StationDayResult], object] | None = None,
) -> ArchiveSummary:
    """Write an archive.  The same scenario gives the same bytes, with any number of workers.

    ``progress`` is called with each finished station-day.  Files are written atomically.  Raises
    `InputError` for an invalid record length or layout, and for a folder that cannot be written to
    or already has waveforms, which the ground truth would not cover.
    """
    if record_length not in RECORD_LENGTHS:
        raise InputError(f"record length {record_length}: choose 512 or 4096 bytes")
    check_layout(layout)
    _check_folder(folder)
    _write_metadata(folder, scenario)
    tasks = _tasks(folder / "waveforms", scenario, layout, record_length)
    days = objects = size = samples = 0
    truth = TruthFiles(folder / "truth")
    with truth:
        for result in _results(scenario, tasks, workers):
            truth.add(result)
            days += 1
            objects += len(result.keys)
            size += result.size
            samples += result.samples
            if progress is not None:
                progress(result)
    events = truth.finish(scenario.quakes)
    written = ArchiveSummary(
        str(folder), layout, len(scenario.places), days, objects, size, samples,
        events.num_rows, _detectable(events), truth.arrivals,
    )  # fmt: skip
    with atomic_object(folder / "synthetic.json") as file:
        file.write(_summary_json(scenario, written).encode())
    return written


def _check_folder(folder: Path) -> None:
    waveforms = folder / "waveforms"
    if waveforms.is_dir() and any(waveforms.iterdir()):
        raise InputError(
            f"{str(waveforms)!r} already contains waveforms, which the ground truth would not "
            "cover: give another folder, or remove that one"
        )


def _tasks(
    folder: Path, scenario: Scenario, layout: str, record_length: int
) -> Iterator[StationDayTask]:
    faults = _faulty_objects(scenario, layout)
    for day in scenario.span.days():
        for place in scenario.places:
            task = StationDayTask(folder, layout, record_length, place, day)
            yield replace(task, faults=faults.get((place.name, day.isoformat()), ()))


def _faulty_objects(
    scenario: Scenario, layout: str
) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Choose one object for each file fault, at different stations on the first day."""
    kinds = [kind for kind in ("corrupt", "empty") if kind in scenario.faults]
    places = sorted(scenario.places, key=lambda p: digest_of(scenario.seed, "bad", p.name))
    day = next(scenario.span.days())
    chosen: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    for kind, place in zip(kinds, places, strict=False):
        sensor = place.sensors[0]
        channel = sensor.channels[-1 if kind == "empty" else 0]
        key = key_of(layout, (place.network, place.code, sensor.location, channel), day)
        chosen[place.name, day.isoformat()] = ((key, kind),)
    return chosen


def _results(
    scenario: Scenario, tasks: Iterator[StationDayTask], workers: int
) -> Iterator[StationDayResult]:
    """Yield the results in the order of the tasks, with a few tasks running at a time."""
    if workers == 1:
        yield from (write_station_day(scenario, task) for task in tasks)
        return
    children = Children()
    pool = ProcessPoolExecutor(workers, mp_context=children, initializer=follow_parent)

    def begin(count: int) -> list[Future[StationDayResult]]:
        with deferred_interrupts():
            return [pool.submit(write_station_day, scenario, task) for task in islice(tasks, count)]

    try:
        running = deque(begin(2 * workers))
        while running:
            yield running.popleft().result()
            running.extend(begin(1))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        children.kill()


def _write_metadata(folder: Path, scenario: Scenario) -> None:
    lines = ["id,network_code,station_code,location_code,channels,latitude,longitude,elevation"]
    for place in scenario.places:
        lines += [
            f'{s.id},{s.network},{s.code},{s.location},"{",".join(s.channels)}",'
            f"{s.latitude:.6f},{s.longitude:.6f},{s.elevation_m:.1f}"
            for s in place.stations
        ]
    with atomic_object(folder / "stations.csv") as file:
        file.write("\n".join([*lines, ""]).encode())
    with atomic_object(folder / "stations.xml") as file:
        file.write(station_xml(scenario.places, scenario.span).encode())
    layers = scenario.crust.layers
    rows = zip(layers.depth_km, layers.vp, layers.vs, strict=True)
    kind = "tops of uniform layers" if layers.constant else "nodes, linear in between"
    text = "".join(f"{depth:g} {vp:g} {vs:g}\n" for depth, vp, vs in rows)
    with atomic_object(folder / "velocity.txt") as file:
        file.write(f"# {kind}: use with --velocity-layers "
                   f"{'constant' if layers.constant else 'gradient'}\n"
                   f"depth_km vp vs\n{text}".encode())  # fmt: skip


def _detectable(events: pa.Table) -> int:
    return sum(count >= 5 for count in events["n_detectable"].to_pylist())


def _summary_json(scenario: Scenario, written: ArchiveSummary) -> str:
    return json.dumps(
        {
            "made_by": f"epicat {__version__}",
            "seed": scenario.seed,
            "start": iso(scenario.span.start_ns),
            "end": iso(scenario.span.end_ns),
            "layout": written.layout,
            "faults": sorted(scenario.faults.kinds),
            "stations": written.stations,
            "station_days": written.station_days,
            "events": written.events,
            "detectable": written.detectable,
            "arrivals": written.arrivals,
        },
        indent=2,
    )
