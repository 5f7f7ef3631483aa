"""A scenario, which determines every sample of an archive, and the options it is drawn from."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

import numpy as np

from epicat.errors import InputError
from epicat.geo import Plane, distance_azimuth
from epicat.model import Span, Station
from epicat.synthetic.faults import Faults
from epicat.synthetic.ground_motion import Shaking
from epicat.synthetic.network import Place, Sensor, make_network, network_from_stations
from epicat.synthetic.propagation import Crust, trace_rays
from epicat.synthetic.sampling import stream
from epicat.synthetic.scattering import PathEffects
from epicat.synthetic.seismicity import Earthquake, Seismicity, draw_earthquakes
from epicat.time import SECOND_NS

__all__ = ["Scenario", "ScenarioOptions", "make_scenario"]


_LONGEST_S = 3600
"""No earthquake is recorded for longer than this after its origin."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A crust with earthquakes, stations that record them, and faults."""

    seed: int
    """Seed of all random numbers."""
    span: Span
    """The recorded span."""
    crust: Crust
    """The crust."""
    places: tuple[Place, ...]
    """The stations."""
    quakes: tuple[Earthquake, ...]
    """The earthquakes, in order of time."""
    faults: Faults = field(default_factory=Faults)
    """The faults."""
    disturbances_per_hour: float = 2.0
    """Mean number of non-seismic disturbances at each station."""

    def quakes_seen(self, span: Span) -> tuple[Earthquake, ...]:
        """Return the earthquakes that may be recorded in a span."""
        first = bisect_left(
            self.quakes, span.start_ns - _LONGEST_S * SECOND_NS, key=lambda q: q.time_ns
        )
        last = bisect_left(self.quakes, span.end_ns, key=lambda q: q.time_ns)
        return self.quakes[first:last]

    def shaking(self, quake: Earthquake, place: Place) -> Shaking:
        """Return source, path, site and random effects of an earthquake at a station."""
        distance, azimuth = distance_azimuth(
            quake.latitude, quake.longitude, place.latitude, place.longitude
        )
        path = trace_rays(
            self.crust, float(distance), float(azimuth), quake.depth_km, place.elevation_m
        )
        rng = stream(self.seed, "effects", quake.event_id, place.name)
        return Shaking(quake.source, path, place.site, PathEffects.random(rng, path))


@dataclass(frozen=True, slots=True)
class ScenarioOptions:
    """The options a scenario is drawn from."""

    span: Span
    """The recorded span, in whole seconds."""
    seed: int = 0
    """Seed of all random numbers."""
    center: tuple[float, float] = (40.0, -124.0)
    """Latitude and longitude of the center of a generated network."""
    stations: int = 12
    """Number of stations of a generated network."""
    radius_km: float = 50.0
    """Radius of a generated network."""
    listed: tuple[Station, ...] = ()
    """Existing stations to use instead of a generated network."""
    crust: Crust = field(default_factory=Crust)
    """The crust."""
    seismicity: Seismicity = field(default_factory=Seismicity)
    """The earthquakes, around the center of the stations."""
    faults: Faults = field(default_factory=Faults)
    """The faults."""


def make_scenario(options: ScenarioOptions) -> Scenario:
    """Draw stations and earthquakes; raise `InputError` for invalid options."""
    span = options.span
    if span.start_ns % SECOND_NS or span.end_ns % SECOND_NS:
        raise InputError("a synthetic archive must begin and end on whole seconds")
    places = _places(options)
    center = options.center if not options.listed else _middle(places)
    quakes = draw_earthquakes(options.seed, options.seismicity, span, center)
    return Scenario(options.seed, span, options.crust, tuple(places), tuple(quakes), options.faults)


def _places(options: ScenarioOptions) -> list[Place]:
    mixed = "bands" in options.faults
    places = (
        network_from_stations(options.seed, options.listed)
        if options.listed
        else make_network(
            options.seed, options.stations, options.center, options.radius_km, mixed=mixed
        )
    )
    if "strong-motion" in options.faults:
        accelerometer = Sensor("20", "HN")
        return [
            replace(place, sensors=(*place.sensors, accelerometer)) if number % 3 == 0 else place
            for number, place in enumerate(places)
        ]
    return places


def _middle(places: list[Place]) -> tuple[float, float]:
    """Return the mean position of stations, also across the date line."""
    plane = Plane(places[0].latitude, places[0].longitude)
    x, y = plane.to_xy([p.latitude for p in places], [p.longitude for p in places])
    latitude, longitude = plane.to_lat_lon(np.mean(x), np.mean(y))
    return float(latitude), float(longitude)
