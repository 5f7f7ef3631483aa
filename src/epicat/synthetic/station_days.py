"""One station-day: its objects, written whole or not at all, and what was recorded in it."""

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
from epicat.synthetic.naming import key_of
from epicat.synthetic.network import Place, Sensor
from epicat.synthetic.packing import Packer
from epicat.synthetic.recorder import Heard, Recorder
from epicat.synthetic.scenario import Scenario
from epicat.synthetic.whole import whole
from epicat.time import DAY_NS, SECOND_NS, day_start

__all__ = ["Made", "Task", "make"]

I32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be written."""

    folder: Path
    """Root of the archive."""
    layout: str
    """How its objects are named."""
    record_length: int
    """Bytes in a record: a power of two."""
    place: Place
    """The station."""
    day: date
    """The UTC day."""
    bad: tuple[tuple[str, str], ...] = ()
    """Objects that become bad, by key: ``corrupt`` or ``empty``."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a task."""

    task: Task
    """The task."""
    heard: tuple[Heard, ...]
    """Earthquakes whose P arrived on that day, in the order of time, by the first sensor."""
    missing: tuple[tuple[str, Span], ...]
    """Components of the first sensor, and when they have no usable data."""
    keys: tuple[str, ...]
    """Objects that were written."""
    size: int
    """Their bytes."""
    samples: int
    """Samples in them."""


def make(scenario: Scenario, task: Task) -> Made:
    """Write a station-day.

    Raises `InputError` if the folder cannot be written to.
    """
    midnight = day_start(task.day)
    span = Span(max(scenario.span.start_ns, midnight), min(scenario.span.end_ns, midnight + DAY_NS))
    heard: list[Heard] = []
    samples = 0
    first = task.place.sensors[0]
    dead = ""
    with _Objects(task) as objects:
        for sensor in task.place.sensors:
            recorder = Recorder(scenario, task.place, sensor)
            samples += _record(scenario, task, recorder, sensor, span, objects)
            if sensor is first:
                heard, dead = recorder.heard, recorder.dead_component
    own = [h for h in heard if span.start_ns <= h.time_ns("P") < span.end_ns]
    return Made(
        task,
        tuple(sorted(own, key=lambda h: h.time_ns("P"))),
        tuple(_missing(scenario, task, span, dead)),
        tuple(objects.keys),
        objects.size,
        samples,
    )


def _record(
    scenario: Scenario,
    task: Task,
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
    holes = _gaps(scenario, task)
    for start, counts in recorder.hops(span):
        for component in sensor.components:
            row = counts["ZNE".index(component)]
            packer = packers[component]
            for at, piece in _without_gaps(start, row, recorder.rate, component, holes):
                objects.write(sensor, component, packer.add(at, piece))
                written += len(piece)
    for component, packer in packers.items():
        objects.write(sensor, component, packer.flush())
    return written


def _gaps(scenario: Scenario, task: Task) -> list[Gap]:
    if "gaps" not in scenario.faults:
        return []
    days = (task.day - timedelta(days=1), task.day)
    return [gap for day in days for gap in gaps(scenario.seed, task.place.name, day)]


def _without_gaps(
    start_ns: int, row: I32, rate: int, component: str, holes: list[Gap]
) -> Iterator[tuple[int, I32]]:
    """Give the pieces of a row that no gap takes, with the time of their first sample."""
    there = np.ones(len(row), bool)
    for gap in holes:
        if component in gap.components:
            low, high = (
                int(np.clip(-((start_ns - t) * rate // SECOND_NS), 0, len(row)))
                for t in (gap.span.start_ns, gap.span.end_ns)
            )
            there[low:high] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    for low, high in edges.reshape(-1, 2).tolist():
        yield start_ns + low * SECOND_NS // rate, row[low:high]


def _missing(scenario: Scenario, task: Task, span: Span, dead: str) -> Iterator[tuple[str, Span]]:
    """Give when components of the first sensor cannot be used."""
    sensor = task.place.sensors[0]
    for gap in _gaps(scenario, task):
        yield from ((component, gap.span) for component in gap.components)
    for component in "ZNE":
        is_absent = component == dead or component not in sensor.components
        if is_absent or _key(task, sensor, component) in dict(task.bad):
            yield component, span


def _key(task: Task, sensor: Sensor, component: str) -> str:
    place = task.place
    nslc = (place.network, place.code, sensor.location, sensor.band + component)
    return key_of(task.layout, nslc, task.day)


class _Objects:
    """The open objects of a station-day: renamed when all are whole, removed otherwise."""

    def __init__(self, task: Task) -> None:
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
            bad = dict(self._task.bad).get(key, "")
            path = self._task.folder / key
            self._files[key] = self._stack.enter_context(whole(path, bad))
        self.size += self._files[key].write(body)
