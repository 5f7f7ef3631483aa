"""Stations from the channels of a station list: one for each location code, named for the keys."""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from epicat._util.lists import list_some
from epicat.errors import InputError
from epicat.geo import distance_azimuth
from epicat.model import EVER, Orientation, Placement, Span, Station
from epicat.stations.channel_epoch import ChannelEpoch, Inventory

__all__ = ["merge_epochs", "move_messages", "to_stations", "with_names"]

_SAME_PLACE_KM = 1.0
_SAME_ELEVATION_M = 1.0
_PICKABLE = re.compile("[FGDCESHB][HLNPG].?")
"""10 Hz and more, and an instrument that records ground motion."""

_Position = tuple[float, float, float, float]
"""Latitude, longitude, elevation of the sensor and its depth."""


def to_stations(inventory: Inventory, where: str) -> list[Station]:
    """Return the stations of a station list, in the order of their ids.

    Channels that no picker can use (slow ones, pressure, state of health) are left out.  Raises
    `InputError` if no station remains; warns of rows that are left out and of assumptions.
    """
    rows: dict[str, list[ChannelEpoch]] = defaultdict(list)
    unusable: dict[str, None] = {}
    for row in inventory.channels:
        usable = inventory.keeps_all_channels or _is_pickable(row.channel)
        if usable and row.epoch.start_ns < row.epoch.end_ns:
            rows[row.id].append(row)
        else:
            unusable.setdefault(row.id)
    left_out = [name for name in unusable if name not in rows]
    if left_out:
        inventory.notes["left out, no channel that can be picked"] += left_out
    if not rows:
        reasons = "".join(f"\n  {message}" for message in inventory.messages())
        raise InputError(f"stations {where!r}: no station can be used{reasons}")
    groups = _with_sensor_elevations(rows, inventory)
    stations = [_station(group, inventory) for group in groups.values()]
    for message in inventory.messages():
        warnings.warn(f"stations {where!r}: {message}", stacklevel=2)
    return with_names(stations)


def _is_pickable(channel: str) -> bool:
    return not channel or _PICKABLE.fullmatch(channel) is not None


def _with_sensor_elevations(
    rows: dict[str, list[ChannelEpoch]], inventory: Inventory
) -> dict[str, list[ChannelEpoch]]:
    """Return the rows with elevations of the sensors.

    By the standard (FDSN StationXML 1.2, ``Channel:Elevation``) that is what a list gives.  Many
    give the ground's instead, which shows where the same elevation belongs to different depths at
    one station, or where a buried sensor is as high as the ground at its station.
    """
    depths: dict[tuple[str, float], set[float]] = defaultdict(set)
    for group in rows.values():
        for row in group:
            depths[f"{row.network}.{row.station}", row.elevation_m].add(row.depth_m)
    found = {}
    for name, group in rows.items():
        sensors = []
        for row in group:
            here = depths[f"{row.network}.{row.station}", row.elevation_m]
            is_shared = max(here) - min(here) > _SAME_ELEVATION_M
            is_ground = row.ground_m is not None and (
                abs(row.ground_m - row.elevation_m) <= _SAME_ELEVATION_M < row.depth_m
            )
            if row.depth_m and (is_shared or is_ground):
                note = "the elevation is that of the ground, so the depth was subtracted"
                inventory.notes[note].append(row.id)
                sensors.append(replace(row, elevation_m=row.elevation_m - row.depth_m))
            else:
                sensors.append(row)
        found[name] = sensors
    return found


def _station(rows: Sequence[ChannelEpoch], inventory: Inventory) -> Station:
    placements = _placements(rows, inventory)
    last = placements[-1]
    first = rows[0]
    names = [row.channel for row in rows if row.channel]
    channels = dict.fromkeys(names) if inventory.keeps_all_channels else sorted(set(names))
    return Station(
        network=first.network,
        code=first.station,
        location=first.location,
        channels=tuple(channels),
        latitude=last.latitude,
        longitude=last.longitude,
        elevation_m=last.elevation_m,
        epochs=merge_epochs(row.epoch for row in rows),
        depth_m=last.depth_m,
        placements=tuple(placements) if len(placements) > 1 else (),
        orientations=_orientations(rows),
    )


def _position(row: ChannelEpoch) -> _Position:
    return row.latitude, row.longitude, row.elevation_m, row.depth_m


def _placements(rows: Sequence[ChannelEpoch], inventory: Inventory) -> list[Placement]:
    """Return where a location code was, epoch by epoch.

    Of channels with different positions at one time the later installed ones decide, then the
    position of most of them.
    """
    if len({_position(row) for row in rows}) == 1:
        return [Placement(EVER, *_position(rows[0]))]
    _note_contradictions(rows, inventory)
    edges = sorted({moment for row in rows for moment in (row.epoch.start_ns, row.epoch.end_ns)})
    found: list[Placement] = []
    for start, end in pairwise(edges):
        active = [r for r in rows if r.epoch.start_ns <= start and end <= r.epoch.end_ns]
        if not active:
            continue
        newest = max(row.epoch.start_ns for row in active)
        votes = Counter(_position(row) for row in active if row.epoch.start_ns == newest)
        choices = votes if inventory.keeps_all_channels else sorted(votes)
        position = min(
            choices, key=lambda p, n=votes: -n[p]
        )  # of a list made by hand, the first row
        if found and _position_of(found[-1]) == position:
            found[-1] = replace(found[-1], epoch=Span(found[-1].epoch.start_ns, end))
        else:
            found.append(Placement(Span(start, end), *position))
    return found


def _position_of(placement: Placement) -> _Position:
    return placement.latitude, placement.longitude, placement.elevation_m, placement.depth_m


def _note_contradictions(rows: Sequence[ChannelEpoch], inventory: Inventory) -> None:
    """Note a station that is said to be at two places over one epoch."""
    by_epoch: dict[Span, list[ChannelEpoch]] = defaultdict(list)
    for row in rows:
        by_epoch[row.epoch].append(row)
    for group in by_epoch.values():
        if any(not _are_near(group[0], other) for other in group[1:]):
            note = "rows of the same time are more than 1 km apart, and one position was chosen"
            inventory.notes[note].append(group[0].id)


def _orientations(rows: Iterable[ChannelEpoch]) -> tuple[Orientation, ...]:
    """Return the directions of the channels, with adjoining epochs of one direction joined."""
    epochs: dict[tuple[str, float, float], list[Span]] = defaultdict(list)
    for row in rows:
        if row.channel and row.azimuth_deg is not None and row.dip_deg is not None:
            epochs[row.channel, row.azimuth_deg, row.dip_deg].append(row.epoch)
    return tuple(
        sorted(
            Orientation(channel, epoch, azimuth, dip)
            for (channel, azimuth, dip), spans in epochs.items()
            for epoch in merge_epochs(spans) or (EVER,)
        )
    )


def merge_epochs(epochs: Iterable[Span]) -> tuple[Span, ...]:
    """Return the union of epochs; empty if that is all of time, which says nothing."""
    union: list[Span] = []
    for epoch in sorted(epochs):
        if union and epoch.start_ns <= union[-1].end_ns:
            union[-1] = Span(union[-1].start_ns, max(union[-1].end_ns, epoch.end_ns))
        else:
            union.append(epoch)
    return () if union == [EVER] else tuple(union)


def move_messages(stations: Iterable[Station], span: Span | None = None) -> list[str]:
    """Return a message that names the stations that moved by more than 1 km, if there are any.

    With a ``span``, only moves inside it are named.
    """
    moved = []
    for station in stations:
        for one, other in pairwise(station.placements):
            moment = other.epoch.start_ns
            inside = span is None or span.start_ns < moment < span.end_ns
            if inside and not _are_near(one, other):
                moved.append(station.id)
                break
    if not moved:
        return []
    when = " during the campaign" if span else ""
    return [
        f"{len(moved)} stations moved by more than {_SAME_PLACE_KM:g} km{when}; each pick is "
        f"placed where its station was: {list_some(moved)}"
    ]


def with_names(stations: Iterable[Station]) -> list[Station]:
    """Name the places: ``NET.STA``, or with a location where one code has places 1 km apart."""
    codes: dict[str, list[Station]] = defaultdict(list)
    for station in sorted(stations):
        codes[f"{station.network}.{station.code}"].append(station)
    return [named for code, rows in codes.items() for named in _named(code, rows)]


def _named(code: str, rows: Sequence[Station]) -> list[Station]:
    places: list[list[Station]] = []
    for row in rows:
        near = next((place for place in places if _are_near(place[0], row)), None)
        if near is None:
            places.append([row])
        else:
            near.append(row)
    if len(places) == 1:
        return [replace(row, name=code) for row in rows]
    return [replace(row, name=place[0].id) for place in places for row in place]


def _are_near(
    one: Station | ChannelEpoch | Placement, other: Station | ChannelEpoch | Placement
) -> bool:
    if (one.latitude, one.longitude) == (other.latitude, other.longitude):
        return True  # most are: not worth a geodesic
    distance, _ = distance_azimuth(one.latitude, one.longitude, other.latitude, other.longitude)
    return bool(np.all(distance <= _SAME_PLACE_KM))
