"""Write one station-day: its objects, all or none, and the earthquakes recorded in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from epicat.model import Span
from epicat.synthetic.faults import Gap, gaps
from epicat.synthetic.miniseed_objects import Packer, atomic_object, key_of
from epicat.synthetic.network import Place, Sensor
from epicat.synthetic.recording import RecordedEarthquake, Recorder
from epicat.synthetic.scenario import Scenario
from epicat.time import DAY_NS, SECOND_NS, day_start

__all__ = ["StationDayResult", "StationDayTask", "write_station_day"]

I32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StationDayTask:
    """A station-day to be written."""

    folder: Path
    """Root of the archive."""
    layout: str
    """Layout of the archive."""
    record_length: int
    """Bytes in a record: a power of two."""
    place: Place
    """The station."""
    day: date
    """The UTC day."""
    faults: tuple[tuple[str, str], ...] = ()
    """Faults of objects: pairs of object name and ``corrupt`` or ``empty``."""


@dataclass(frozen=True, slots=True)
class StationDayResult:
    """The result of a task."""

    task: StationDayTask
    """The task."""
    earthquakes: tuple[RecordedEarthquake, ...]
    """Earthquakes on the first sensor whose P arrives on that day, in order of time."""
    missing: tuple[tuple[str, Span], ...]
    """Components of the first sensor, and spans in which they have no usable data."""
    keys: tuple[str, ...]
    """Names of the objects written."""
    size: int
    """Their size in bytes."""
    samples: int
    """Samples in them."""


def write_station_day(scenario: Scenario, task: StationDayTask) -> StationDayResult:
    """Write a station-day.

    Raises `InputError` if the folder cannot be written to.
    """
    midnight = day_start(task.day)
    span = Span(max(scenario.span.start_ns, midnight), min(scenario.span.end_ns, midnight + DAY_NS))
    recorded: list[RecordedEarthquake] = []
    samples = 0
    first = task.place.sensors[0]
    dead = ""
    with _Objects(task) as objects:
        for sensor in task.place.sensors:
            recorder = Recorder(scenario, task.place, sensor)
            samples += _record(scenario, task, recorder, sensor, span, objects)
            if sensor is first:
                recorded, dead = recorder.earthquakes, recorder.dead_component
    own = [h for h in recorded if span.start_ns <= h.time_ns("P") < span.end_ns]
    return StationDayResult(
        task,
        tuple(sorted(own, key=lambda h: h.time_ns("P"))),
        tuple(_missing(scenario, task, span, dead)),
        tuple(objects.keys),
        objects.size,
        samples,
    )


def _record(
    scenario: Scenario,
    task: StationDayTask,
    recorder: Recorder,
    sensor: Sensor,
    span: Span,
    objects: _Objects,
) -> int:
    """Write a day of one sensor; return the number of samples."""
    place, written = task.place, 0
    packers = {
        c: Packer(
            (place.network, place.code, sensor.location, sensor.band + c),
            recorder.rate,
            task.record_length,
        )
        for c in sensor.components
    }
    gaps_here = _gaps(scenario, task)
    for start, counts in recorder.hops(span):
        for component in sensor.components:
            row = counts["ZNE".index(component)]
            packer = packers[component]
            for at, piece in _without_gaps(start, row, recorder.rate, component, gaps_here):
                objects.write(sensor, component, packer.add(at, piece))
                written += len(piece)
    for component, packer in packers.items():
        objects.write(sensor, component, packer.flush())
    return written


def _gaps(scenario: Scenario, task: StationDayTask) -> list[Gap]:
    if "gaps" not in scenario.faults:
        return []
    days = (task.day - timedelta(days=1), task.day)
    return [gap for day in days for gap in gaps(scenario.seed, task.place.name, day)]


def _without_gaps(
    start_ns: int, row: I32, rate: int, component: str, gaps_here: list[Gap]
) -> Iterator[tuple[int, I32]]:
    """Yield the pieces of a row outside the gaps, with the time of their first sample."""
    there = np.ones(len(row), bool)
    for gap in gaps_here:
        if component in gap.components:
            low, high = (
                int(np.clip(-((start_ns - t) * rate // SECOND_NS), 0, len(row)))
                for t in (gap.span.start_ns, gap.span.end_ns)
            )
            there[low:high] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    for low, high in edges.reshape(-1, 2).tolist():
        yield start_ns + low * SECOND_NS // rate, row[low:high]


def _missing(
    scenario: Scenario, task: StationDayTask, span: Span, dead: str
) -> Iterator[tuple[str, Span]]:
    """Yield the components of the first sensor and spans in which they cannot be used."""
    sensor = task.place.sensors[0]
    for gap in _gaps(scenario, task):
        yield from ((component, gap.span) for component in gap.components)
    for component in "ZNE":
        is_absent = component == dead or component not in sensor.components
        if is_absent or _key(task, sensor, component) in dict(task.faults):
            yield component, span


def _key(task: StationDayTask, sensor: Sensor, component: str) -> str:
    place = task.place
    nslc = (place.network, place.code, sensor.location, sensor.band + component)
    return key_of(task.layout, nslc, task.day)


class _Objects:
    """The open objects of a station-day: renamed when all are complete, removed otherwise."""

    def __init__(self, task: StationDayTask) -> None:
        self._task = task
        self._stack = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self.size = 0

    @property
    def keys(self) -> list[str]:
        """Names of the objects."""
        return list(self._files)

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def write(self, sensor: Sensor, component: str, body: bytes) -> None:
        """Append records of a channel to its object."""
        key = _key(self._task, sensor, component)
        if key not in self._files:
            fault = dict(self._task.faults).get(key, "")
            path = self._task.folder / key
            self._files[key] = self._stack.enter_context(atomic_object(path, fault))
        self.size += self._files[key].write(body)
