"""Stations of a synthetic archive: where they stand, what they record with, and on what ground."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from epicat.errors import InputError
from epicat.geo import Plane
from epicat.model import ANY_LOCATION, Station
from epicat.synthetic.instruments import BANDS
from epicat.synthetic.noise import Ambient
from epicat.synthetic.site import Site
from epicat.synthetic.streams import stream

__all__ = ["Place", "Sensor", "described", "make_network"]

_GOLDEN_ANGLE = np.pi * (3.0 - 5.0**0.5)
_WIDEST_KM = 2000.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """An instrument at a place."""

    location: str
    """Location code."""
    band: str
    """Band code, one of `BANDS`."""
    components: str = "ZNE"
    """What it records: Z, or Z, N and E."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel codes."""
        return tuple(self.band + component for component in self.components)


@dataclass(frozen=True, slots=True)
class Place:
    """A station with its ground."""

    network: str
    """Network code."""
    code: str
    """Station code."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    elevation_m: float
    """Metres above sea level."""
    sensors: tuple[Sensor, ...]
    """What it records with; signal-to-noise ratios are those of the first."""
    site: Site
    """The ground."""
    ambient: Ambient
    """Its noise."""

    @property
    def name(self) -> str:
        """``NET.STA``."""
        return f"{self.network}.{self.code}"

    @property
    def stations(self) -> list[Station]:
        """One row of a list of stations for each location code."""
        codes = dict.fromkeys(sensor.location for sensor in self.sensors)
        return [
            Station(
                self.network,
                self.code,
                location,
                tuple(c for s in self.sensors if s.location == location for c in s.channels),
                self.latitude,
                self.longitude,
                self.elevation_m,
            )
            for location in codes
        ]


def make_network(
    seed: int, count: int, center: tuple[float, float], radius_km: float, *, mixed: bool = False
) -> list[Place]:
    """Spread stations over a disc, evenly but not regularly.

    Each stands near a point of Vogel's (1979) sunflower spiral.  They have broadband sensors;
    if ``mixed``, some have other bands and only a vertical component.
    """
    if count < 1:
        raise InputError(f"{count} stations: at least one is needed")
    if not (abs(center[0]) <= 90 and abs(center[1]) <= 360):
        raise InputError(
            f"center {center[0]:g},{center[1]:g} is no place: latitudes are from -90 to 90, "
            "longitudes from -180 to 180"
        )
    if not 0 < radius_km <= _WIDEST_KM:
        raise InputError(f"a network of {radius_km:g} km: choose up to {_WIDEST_KM:g} km")
    plane, places = Plane(*center), []
    for number in range(count):
        rng = stream(seed, "station", number)
        radius = radius_km * ((number + 0.5) / count) ** 0.5
        angle = number * _GOLDEN_ANGLE + stream(seed, "network").uniform(0, 2 * np.pi)
        x, y = radius * np.sin(angle), radius * np.cos(angle)
        jitter = rng.normal(0, 0.12 * radius_km / count**0.5, 2)
        latitude, longitude = plane.to_lat_lon(x + jitter[0], y + jitter[1])
        station = Station(
            "XX", f"S{number + 1:02d}", "00", (), round(float(latitude), 5),
            round(float(longitude), 5), round(float(rng.uniform(50, 1200)), 1),
        )  # fmt: skip
        places.append(_place(seed, station, _sensors(number, mixed=mixed)))
    return places


def described(seed: int, stations: Iterable[Station]) -> list[Place]:
    """Give ground and noise to stations of a list; channels that it does not name are HH."""
    places: dict[str, Place] = {}
    for station in stations:
        found = _place(seed, station, _named_sensors(station))
        known = places.get(found.name)
        if known is not None:
            found = replace(known, sensors=(*known.sensors, *found.sensors))
        places[found.name] = found
    return list(places.values())


def _place(seed: int, station: Station, sensors: tuple[Sensor, ...]) -> Place:
    name = f"{station.network}.{station.code}"
    return Place(
        station.network,
        station.code,
        station.latitude,
        station.longitude,
        station.elevation_m,
        sensors,
        Site.drawn(stream(seed, "site", name)),
        Ambient.drawn(stream(seed, "ambient", name)),
    )


def _sensors(number: int, *, mixed: bool) -> tuple[Sensor, ...]:
    if not mixed:
        return (Sensor("00", "HH"),)
    kinds = [Sensor("00", "HH"), Sensor("00", "BH"), Sensor("", "EH"), Sensor("", "EH", "Z")]
    return (kinds[(0, 1, 0, 2, 0, 3)[number % 6]],)


def _named_sensors(station: Station) -> tuple[Sensor, ...]:
    location = "" if station.location == ANY_LOCATION else station.location
    bands: dict[str, str] = {}
    for channel in station.channels:
        if channel[:2] in BANDS and len(channel) == 3:
            bands[channel[:2]] = bands.get(channel[:2], "") + channel[2]
    sensors = [
        Sensor(location, band, "Z" if components == "Z" else "ZNE")
        for band, components in sorted(bands.items(), key=lambda item: list(BANDS).index(item[0]))
    ]
    return tuple(sensors) or (Sensor(location, "HH"),)
