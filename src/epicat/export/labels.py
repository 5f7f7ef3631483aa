"""Station labels for programs that have no network codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from epicat._util.lists import list_some
from epicat.errors import InputError
from epicat.model import Station
from epicat.table_rows import stations_of

__all__ = ["Labels", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label is."""

    label: str
    """Its name in the exported files."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    elevation_m: float
    """Metres above sea level."""


class Labels:
    """The label of every station: its code, or network and code where networks share a code.

    Where one code has two places, the location code is added too.
    """

    def __init__(self, stations: pa.Table) -> None:
        rows = sorted(stations_of(stations), key=lambda s: (_name(s), s.id))
        labels = _labels(rows)
        self.places: tuple[Place, ...] = tuple(
            {
                labels[_name(s)]: Place(labels[_name(s)], s.latitude, s.longitude, s.elevation_m)
                for s in reversed(rows)
            }.values()
        )[::-1]
        """Each label once, with the first of its rows."""
        self.moved: tuple[str, ...] = tuple(
            sorted({labels[_name(s)] for s in rows if s.placements})
        )
        """Labels of stations that moved, of which ``places`` has the last position only."""
        self._of = {f"{s.network}.{s.code}": labels[_name(s)] for s in reversed(rows)}
        self._of.update({s.id: labels[_name(s)] for s in rows})

    def notes(self) -> tuple[str, ...]:
        """Return what the user should know about the positions."""
        if not self.moved:
            return ()
        return (
            f"{len(self.moved)} station(s) moved; the station file has only their last positions: "
            f"{list_some(self.moved)}",
        )

    def of(self, trace_id: str) -> str:
        """Return the label of a trace ``NET.STA.LOC``; raise `InputError` for an unknown one.

        A location code that the table of stations does not name is at the station's place.
        """
        network, station, *_ = [*trace_id.split("."), ""]
        found = self._of.get(trace_id) or self._of.get(f"{network}.{station}")
        if found is None:
            raise InputError(
                f"there is an arrival at {trace_id}, which is not in the store's table of stations"
            )
        return found


def _name(station: Station) -> str:
    return station.name or f"{station.network}.{station.code}"


def _labels(stations: Sequence[Station]) -> Mapping[str, str]:
    """Return the label of each place by its name."""
    names: dict[str, set[str]] = defaultdict(set)
    for station in stations:
        names[station.code].add(_name(station))
    labels = {
        name: code if len(shared) == 1 else name.replace(".", "")
        for code, shared in names.items()
        for name in shared
    }
    if len(set(labels.values())) < len(labels):
        raise InputError(
            "station names without dots are not unique: two of "
            f"{list_some(sorted(labels))} have the same label"
        )
    return labels
