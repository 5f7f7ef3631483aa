"""Events with their arrivals and picks, streamed from tables of any size, and their writers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.model import Arrival

__all__ = ["Part", "Quake", "Writer", "Written", "quakes"]

_AT_ONCE = 1_000
"""Events that are plain Python values at the same time."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a catalog: some events, and at least their arrivals and picks.

    The next piece begins after the last event of this one.
    """

    events: pa.Table
    """Rows of ``epicat.tables.EVENTS``."""
    arrivals: pa.Table
    """Rows of ``epicat.tables.ARRIVALS``; those of other events are ignored."""
    picks: pa.Table
    """Rows of ``epicat.tables.PICKS``; those without an arrival are ignored."""


class Quake(NamedTuple):
    """An event with its arrivals, in the order of time."""

    event_id: str
    """Its identity."""
    time_ns: int
    """Origin time."""
    latitude: float
    """Degrees north; finite."""
    longitude: float
    """Degrees east; finite."""
    depth_km: float
    """Kilometres below sea level; finite."""
    n_stations: int
    """Stations with an arrival."""
    rms_s: float
    """Root mean square of the residuals in seconds."""
    gap_deg: float
    """Largest azimuth without a station."""
    dmin_km: float
    """Epicentral distance of the nearest station."""
    edge: bool
    """Whether the hypocenter lies at the edge of the search box."""
    rejected: str | None
    """Why quality control rejects it; None or empty if it does not."""
    associator: str
    """Digest of the associator that found it."""
    arrivals: tuple[Arrival, ...]
    """Its arrivals with their picks."""
    magnitude: float | None = None
    """Its magnitude, if the table of events has one."""
    magnitude_type: str = ""
    """Kind of the magnitude; ``Mw`` if the table does not say."""


@dataclass(frozen=True, slots=True)
class Written:
    """What is in the file."""

    events: int
    """Events."""
    arrivals: int = 0
    """Arrivals, where the format has them."""
    notes: tuple[str, ...] = ()
    """What was left out or may surprise, in sentences for the user."""


class Writer(Protocol):
    """Writes a catalog to text files, event by event: memory does not grow with the catalog."""

    def __call__(
        self, parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
    ) -> Written:
        """Write the parts, in their order; ``companions`` are the files of `Format.companions`."""
        ...


_EVENT = ("event_id", "time", "latitude", "longitude", "depth_km", "n_stations", "rms_s",
          "gap_deg", "dmin_km", "edge", "rejected", "design")  # fmt: skip
_ARRIVAL = ("pick_id", "trace_id", "phase", "time", "residual_s", "distance_km", "azimuth_deg")
_PICK = ("band", "confidence", "design")


def quakes(parts: Iterable[Part]) -> Iterator[Quake]:
    """Give the events in the order of time; raise `InputError` for one without a position."""
    for part in parts:
        yield from _of_part(part)


def _of_part(part: Part) -> Iterator[Quake]:
    events = part.events.sort_by([("time", "ascending"), ("event_id", "ascending")])
    arrivals = _sorted_arrivals(part.arrivals, events)
    of_event = arrivals["of_event"].to_numpy()
    wanted = pc.index_in(arrivals["pick_id"], value_set=part.picks["pick_id"].combine_chunks())
    for begin in range(0, events.num_rows, _AT_ONCE):
        some = events.slice(begin, _AT_ONCE)
        low, high = of_event.searchsorted([begin, begin + some.num_rows]).tolist()
        rows = [
            *_columns(arrivals.slice(low, high - low), _ARRIVAL),
            *_columns(part.picks.take(wanted[low:high]), _PICK),
        ]
        found = [Arrival(*row) for row in zip(*rows, strict=True)]
        ends = of_event.searchsorted(range(begin, begin + some.num_rows + 1)) - low
        sizes = _magnitudes(some)
        for at, row in enumerate(zip(*_columns(some, _EVENT), strict=True)):
            own = tuple(found[ends[at] : ends[at + 1]])
            yield _checked(Quake._make([*row, own, *sizes[at]]))


def _magnitudes(events: pa.Table) -> list[tuple[float | None, str]]:
    """Return the magnitude and its kind of each event, as far as the table has them."""
    names = ("magnitude", "magnitude_type")
    values, kinds = (
        events[name].to_pylist() if name in events.column_names else [None] * events.num_rows
        for name in names
    )
    return [
        (None if value is None or not math.isfinite(value) else value, kind or "Mw")
        for value, kind in zip(values, kinds, strict=True)
    ]


def _sorted_arrivals(arrivals: pa.Table, events: pa.Table) -> pa.Table:
    """Return the arrivals of the events, with the number of their event, event by event."""
    number = pc.index_in(arrivals["event_id"], value_set=events["event_id"].combine_chunks())
    numbered = arrivals.append_column("of_event", number)
    return numbered.filter(pc.is_valid(number)).sort_by(
        [("of_event", "ascending"), ("time", "ascending"), ("pick_id", "ascending")]
    )


def _columns(table: pa.Table, names: Iterable[str]) -> list[list[Any]]:
    """Return plain values; times as integers, since Python's own lose the nanoseconds."""
    columns = (table[name] for name in names)
    return [(c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist()
            for c in columns]  # fmt: skip


def _checked(quake: Quake) -> Quake:
    if not all(map(math.isfinite, (quake.latitude, quake.longitude, quake.depth_km))):
        raise InputError(f"event {quake.event_id} cannot be exported: its position is not a number")
    return quake
