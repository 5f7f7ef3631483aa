"""Station labels for programs that have no network codes, and one position for each label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from string import ascii_lowercase
from typing import Final

import pyarrow as pa

from epicat._util.lists import list_some
from epicat.errors import InputError
from epicat.geo import distance_azimuth
from epicat.model import Placement, Station
from epicat.table_rows import stations_of

__all__ = ["Labels", "Place"]

_APART_KM: Final = 0.1
"""Positions of a station that are farther apart, also in depth, have a label each."""


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

    def is_near(self, position: Placement) -> bool:
        """Return whether a position may have its label."""
        if abs(self.elevation_m - position.elevation_m) > 1000 * _APART_KM:
            return False
        here, there = (self.latitude, self.longitude), (position.latitude, position.longitude)
        return here == there or float(distance_azimuth(*here, *there)[0]) <= _APART_KM


class Labels:
    """The label of every station: its code, or network and code where networks share a code.

    Where one code has two places, the location code is added too.  A station that moved, or has
    sensors at several depths, has a label for each position: that of the first location code in
    the last epoch without a letter, the others with ``a``, ``b`` and so on.
    """

    def __init__(self, stations: pa.Table) -> None:
        rows = sorted(stations_of(stations), key=lambda s: (_name(s), s.id))
        labels = _labels(rows)
        self._places = {
            name: _places(labels[name], list(own)) for name, own in groupby(rows, key=_name)
        }
        self.places: tuple[Place, ...] = tuple(chain.from_iterable(self._places.values()))
        """Each label once, those of a station one after the other."""
        _check_unique(place.label for place in self.places)
        self._stations = {f"{s.network}.{s.code}": s for s in reversed(rows)}
        self._stations.update({s.id: s for s in rows})

    def notes(self) -> tuple[str, ...]:
        """Return what the user should know about the positions."""
        several = [places for places in self._places.values() if len(places) > 1]
        if not several:
            return ()
        names = [place.label for places in several for place in places]
        return (
            f"{len(several)} station(s) have several positions, with a label for each: "
            f"{list_some(names)}",
        )

    def at(self, trace_id: str, time_ns: int) -> Place:
        """Return where a trace ``NET.STA.LOC`` was; raise `InputError` for an unknown one.

        A location code that the table of stations does not name is at the station's place.
        """
        network, station, *_ = [*trace_id.split("."), ""]
        found = self._stations.get(trace_id) or self._stations.get(f"{network}.{station}")
        if found is None:
            raise InputError(
                f"there is an arrival at {trace_id}, which is not in the store's table of stations"
            )
        places = self._places[_name(found)]
        if len(places) == 1:
            return places[0]
        position = found.position_at(time_ns)
        return next(place for place in places if place.is_near(position))


def _name(station: Station) -> str:
    return station.name or f"{station.network}.{station.code}"


def _labels(stations: Sequence[Station]) -> Mapping[str, str]:
    """Return the label of each place by its name."""
    names: dict[str, set[str]] = defaultdict(set)
    for station in stations:
        names[station.code].add(_name(station))
    return {
        name: code if len(shared) == 1 else name.replace(".", "")
        for code, shared in names.items()
        for name in shared
    }


def _places(label: str, stations: Sequence[Station]) -> tuple[Place, ...]:
    """Return the places of the stations of a name: the first is where the first one is last."""
    positions = chain(stations[0].positions[-1:], *(s.positions for s in stations))
    places: list[Place] = []
    for position in positions:
        if not any(place.is_near(position) for place in places):
            number = len(places) - 1
            letters = ascii_lowercase[number % 26] * (number // 26 + 1) if places else ""
            where = (position.latitude, position.longitude, position.elevation_m)
            places.append(Place(label + letters, *where))
    return tuple(places)


def _check_unique(labels: Iterable[str]) -> None:
    """Raise `InputError` if two positions have one label."""
    counts = Counter(labels)
    twice = [label for label, count in counts.items() if count > 1]
    if twice:
        raise InputError(
            f"station names without dots are not unique: two places have the same label "
            f"{list_some(twice)}"
        )
