"""What is drawn: events and stations as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["F64", "I64", "Quakes", "Sites", "read_quakes", "read_sites"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quakes:
    """The events as arrays, the deepest first, so that the shallow ones end up on top."""

    time_ns: I64
    latitude: F64
    longitude: F64
    depth: F64
    edge: NDArray[np.bool_]
    label: str = "Event"

    def __len__(self) -> int:
        return len(self.time_ns)


@dataclass(frozen=True, slots=True)
class Sites:
    """The physical stations, each once, by name."""

    names: tuple[str, ...]
    latitude: F64
    longitude: F64

    def __len__(self) -> int:
        return len(self.names)


def read_quakes(events: pa.Table, label: str = "Event") -> Quakes:
    """Read a table of events; raise `InputError` for a position that is not a number.

    ``label`` names them in the legend.  Without a column ``edge``, none is at an edge.
    """
    latitude, longitude, depth = (
        events[name].to_numpy() for name in ("latitude", "longitude", "depth_km")
    )
    known = np.isfinite(latitude) & np.isfinite(longitude) & np.isfinite(depth)
    if not known.all():
        name = events["event_id"][int(np.argmin(known))].as_py()
        raise InputError(f"event {name} cannot be drawn: its position is not a number")
    time_ns = events["time"].cast("int64").to_numpy()
    order = np.lexsort((longitude, latitude, time_ns, -depth))
    has_edge = "edge" in events.column_names
    edge = events["edge"].to_numpy() if has_edge else np.zeros(len(order), bool)
    time_ns, latitude, longitude, depth, edge = (
        values[order] for values in (time_ns, latitude, longitude, depth, edge)
    )
    return Quakes(time_ns, latitude, longitude, depth, edge, label)


def read_sites(stations: pa.Table) -> Sites:
    """Read a table of stations; raise `InputError` for a position that is not a number."""
    columns = ("station", "network_code", "station_code", "latitude", "longitude")
    rows = zip(*(stations[name].to_pylist() for name in columns), strict=True)
    first: dict[str, tuple[float, float]] = {}
    for name, network, code, latitude, longitude in rows:
        first.setdefault(name or f"{network}.{code}", (latitude, longitude))
    names = tuple(sorted(first))
    places = np.array([first[name] for name in names], float).reshape(-1, 2)
    if not np.isfinite(places).all():
        name = names[int(np.argmin(np.isfinite(places).all(axis=1)))]
        raise InputError(f"station {name} cannot be drawn: its position is not a number")
    return Sites(names, places[:, 0], places[:, 1])
