"""The picks of events in columns, as the locator takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epicat.locate.arrivals import Arrivals
from epicat.locate.design import LocationDesign
from epicat.locate.grids import PHASES
from epicat.locate.pick_errors import confidence_class
from epicat.time import SECOND_NS

__all__ = ["EventPicks", "SensorPick", "SiteOf", "has_enough"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LEAST_PICKS, LEAST_SITES = 4, 3
"""With fewer picks or sites an event is not located."""

SiteOf = Callable[[str, int], str | None]
"""Name of the site of a trace at a time; None if it has none."""
SensorPick = tuple[int, dict[str, Any]]
"""Number of the sensor of a pick, and its row: ``pick_id``, ``trace_id``, ``phase``, ``time``
in nanoseconds, and if known ``confidence``."""


@dataclass(frozen=True, slots=True)
class EventPicks:
    """Events that can be located, with their picks in columns."""

    events: list[dict[str, Any]]
    """Rows of ``events``."""
    rows: list[dict[str, Any]]
    """Rows of picks at known sites, as in `SensorPick`."""
    arrivals: Arrivals
    """The same picks, sorted: ``arrivals.row`` is their place in ``rows``."""
    grade: I64
    """Class of confidence of each pick of ``arrivals``."""
    too_few: int = 0
    """Events that have too few picks or sites."""
    without_site: int = 0
    """Picks of the events whose station is none of the sites."""

    @classmethod
    def from_tables(
        cls,
        events: pa.Table,
        arrivals: pa.Table,
        design: LocationDesign,
        site_of: SiteOf,
        confidence: Mapping[str, float] | None = None,
    ) -> EventPicks:
        """Collect the picks of events; the order of rows does not matter.

        ``confidence`` is that of picks by id.
        """
        number = {name: i for i, (name, *_) in enumerate(design.sites)}
        known = confidence or {}
        without_site = 0
        by_event: dict[str, list[SensorPick]] = {}
        times = arrivals["time"].cast(pa.int64()).to_pylist()
        for row, time_ns in zip(arrivals.to_pylist(), times, strict=True):
            site = site_of(row["trace_id"], time_ns)
            if site in number and row["phase"] in PHASES:
                row |= {"time": time_ns, "confidence": known.get(row["pick_id"])}
                by_event.setdefault(row["event_id"], []).append((number[site], row))
            else:
                without_site += 1
        located, picks, too_few = [], [], 0
        origins = events["time"].cast(pa.int64()).to_pylist()
        for event, time_ns in zip(events.to_pylist(), origins, strict=True):
            own = by_event.get(event["event_id"], [])
            if not has_enough(own):
                too_few += 1
                continue
            located.append(event | {"time": time_ns})
            picks.append(own)
        return cls.from_rows(located, picks, design, too_few, without_site)

    @classmethod
    def from_rows(
        cls,
        events: list[dict[str, Any]],
        picks: Sequence[Sequence[SensorPick]],
        design: LocationDesign,
        too_few: int = 0,
        without_site: int = 0,
    ) -> EventPicks:
        """Make columns of events that have enough picks; ``time`` of events in nanoseconds."""
        rows = [row for own in picks for _, row in own]
        sensor = np.array([sensor for own in picks for sensor, _ in own], dtype=np.int64)
        event = np.repeat(np.arange(len(events)), [len(own) for own in picks])
        phase = np.array([PHASES.index(row["phase"]) for row in rows], dtype=np.int64)
        reference = np.array([e["time"] for e in events], dtype=np.int64)
        time_ns = np.array([row["time"] for row in rows], dtype=np.int64)
        time = (time_ns - reference[event]) / SECOND_NS
        confidence = np.array([row.get("confidence") for row in rows], dtype=float)
        grade = confidence_class(confidence)
        sigma = np.array(design.expected_s)[phase, grade]
        arrivals = Arrivals.from_columns(event, sensor, phase, time, sigma)
        return cls(events, rows, arrivals, grade[arrivals.row], too_few, without_site)

    @classmethod
    def none(cls, design: LocationDesign) -> EventPicks:
        """Return no events."""
        return cls.from_rows([], [], design)

    @property
    def start_km(self) -> F64:
        """Places of the events at present, x, y and depth in the local plane: (events, 3)."""
        columns = ("x_km", "y_km", "depth_km")
        return np.array([[e[name] for name in columns] for e in self.events], dtype=float).reshape(
            -1, 3
        )

    @property
    def ids(self) -> list[str]:
        """Ids of the events."""
        return [str(event["event_id"]) for event in self.events]


def has_enough(picks: Sequence[SensorPick]) -> bool:
    """Return whether an event with these picks can be located."""
    return len(picks) >= LEAST_PICKS and len({sensor for sensor, _ in picks}) >= LEAST_SITES
