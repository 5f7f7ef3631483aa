"""Write an archive: waveforms in a layout, stations, velocities and the truth.

The folder holds ``waveforms/`` (the archive), ``stations.csv``, ``stations.xml``,
``velocity.txt``, ``truth/`` and, last, ``synthetic.json``, which tells what was made.
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

from epicat._util.processes import Children, follow_parent, without_interrupts
from epicat._version import __version__
from epicat.errors import InputError
from epicat.model import digest_of
from epicat.synthetic.naming import check_layout, key_of
from epicat.synthetic.scenario import Scenario
from epicat.synthetic.station_days import Made, Task, make
from epicat.synthetic.station_xml import station_xml
from epicat.synthetic.truth_files import TruthFiles
from epicat.synthetic.whole import whole
from epicat.time import iso

__all__ = ["RECORD_LENGTHS", "Written", "write_archive"]

RECORD_LENGTHS = (512, 4096)
"""Bytes in a record that archives use."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    folder: str
    """Where it is."""
    layout: str
    """How the objects are named."""
    stations: int
    """Stations."""
    station_days: int
    """Station-days."""
    objects: int
    """Objects of waveforms."""
    bytes: int
    """Their size."""
    samples: int
    """Samples in them."""
    events: int
    """Earthquakes."""
    detectable: int
    """Those that five or more stations recorded with a signal-to-noise ratio of P above 3."""
    arrivals: int
    """Arrivals in the truth."""


def write_archive(
    folder: Path,
    scenario: Scenario,
    layout: str = "sds",
    *,
    record_length: int = 512,
    workers: int = 1,
    progress: Callable[[Made], object] | None = None,
) -> Written:
    """Write a scenario.  The same scenario gives the same bytes, with any number of workers.

    ``progress`` is told each station-day that is done.  Files are whole or not there.  Raises
    `InputError` for a record length or a layout that is none, and for a folder that cannot be
    written to or has waveforms already: the truth would not be that of both.
    """
    if record_length not in RECORD_LENGTHS:
        raise InputError(f"record length {record_length}: choose 512 or 4096 bytes")
    check_layout(layout)
    _check_folder(folder)
    _write_beside(folder, scenario)
    tasks = _tasks(folder / "waveforms", scenario, layout, record_length)
    days = objects = size = samples = 0
    truth = TruthFiles(folder / "truth")
    with truth:
        for made in _done(scenario, tasks, workers):
            truth.add(made)
            days += 1
            objects += len(made.keys)
            size += made.size
            samples += made.samples
            if progress is not None:
                progress(made)
    events = truth.finish(scenario.quakes)
    written = Written(
        str(folder), layout, len(scenario.places), days, objects, size, samples,
        events.num_rows, _detectable(events), truth.arrivals,
    )  # fmt: skip
    with whole(folder / "synthetic.json") as file:
        file.write(_described(scenario, written).encode())
    return written


def _check_folder(folder: Path) -> None:
    waveforms = folder / "waveforms"
    if waveforms.is_dir() and any(waveforms.iterdir()):
        raise InputError(
            f"{str(waveforms)!r} has waveforms already, of which the truth would not tell: give "
            "another folder, or remove that one"
        )


def _tasks(folder: Path, scenario: Scenario, layout: str, record_length: int) -> Iterator[Task]:
    bad = _bad_objects(scenario, layout)
    for day in scenario.span.days():
        for place in scenario.places:
            task = Task(folder, layout, record_length, place, day)
            yield replace(task, bad=bad.get((place.name, day.isoformat()), ()))


def _bad_objects(
    scenario: Scenario, layout: str
) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Choose one object for each kind of bad files, at different stations on the first day."""
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


def _done(scenario: Scenario, tasks: Iterator[Task], workers: int) -> Iterator[Made]:
    """Give what is made in the order of the tasks; a few are under way at a time."""
    if workers == 1:
        yield from (make(scenario, task) for task in tasks)
        return
    children = Children()
    pool = ProcessPoolExecutor(workers, mp_context=children, initializer=follow_parent)

    def begin(count: int) -> list[Future[Made]]:
        with without_interrupts():
            return [pool.submit(make, scenario, task) for task in islice(tasks, count)]

    try:
        running = deque(begin(2 * workers))
        while running:
            yield running.popleft().result()
            running.extend(begin(1))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        children.kill()


def _write_beside(folder: Path, scenario: Scenario) -> None:
    lines = ["id,network_code,station_code,location_code,channels,latitude,longitude,elevation"]
    for place in scenario.places:
        lines += [
            f'{s.id},{s.network},{s.code},{s.location},"{",".join(s.channels)}",'
            f"{s.latitude:.6f},{s.longitude:.6f},{s.elevation_m:.1f}"
            for s in place.stations
        ]
    with whole(folder / "stations.csv") as file:
        file.write("\n".join([*lines, ""]).encode())
    with whole(folder / "stations.xml") as file:
        file.write(station_xml(scenario.places, scenario.span).encode())
    layers = scenario.crust.layers
    rows = zip(layers.depth_km, layers.vp, layers.vs, strict=True)
    kind = "tops of uniform layers" if layers.constant else "nodes, linear in between"
    text = "".join(f"{depth:g} {vp:g} {vs:g}\n" for depth, vp, vs in rows)
    with whole(folder / "velocity.txt") as file:
        file.write(f"# {kind}: use with --velocity-layers "
                   f"{'constant' if layers.constant else 'gradient'}\n"
                   f"depth_km vp vs\n{text}".encode())  # fmt: skip


def _detectable(events: pa.Table) -> int:
    return sum(count >= 5 for count in events["n_detectable"].to_pylist())


def _described(scenario: Scenario, written: Written) -> str:
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
