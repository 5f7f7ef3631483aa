"""From what a person asks for to a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from epicat.errors import InputError
from epicat.geo import Plane
from epicat.model import Span, Station
from epicat.synthetic.crust import Crust
from epicat.synthetic.faults import Faults
from epicat.synthetic.network import Place, Sensor, described, make_network
from epicat.synthetic.scenario import Scenario
from epicat.synthetic.seismicity import Seismicity, draw_earthquakes
from epicat.time import SECOND_NS

__all__ = ["Wanted", "make_scenario"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for."""

    span: Span
    """Whole seconds."""
    seed: int = 0
    """Another seed, another archive."""
    center: tuple[float, float] = (40.0, -124.0)
    """Latitude and longitude of the middle of a made-up network."""
    stations: int = 12
    """How many stations a made-up network has."""
    radius_km: float = 50.0
    """Radius of a made-up network."""
    listed: tuple[Station, ...] = ()
    """Real stations instead."""
    crust: Crust = field(default_factory=Crust)
    """The earth."""
    seismicity: Seismicity = field(default_factory=Seismicity)
    """The earthquakes, about the middle of the stations."""
    faults: Faults = field(default_factory=Faults)
    """What goes wrong."""


def make_scenario(wanted: Wanted) -> Scenario:
    """Draw stations and earthquakes; raise `InputError` for what cannot be."""
    span = wanted.span
    if span.start_ns % SECOND_NS or span.end_ns % SECOND_NS:
        raise InputError("a synthetic archive begins and ends on whole seconds")
    places = _places(wanted)
    center = wanted.center if not wanted.listed else _middle(places)
    quakes = draw_earthquakes(wanted.seed, wanted.seismicity, span, center)
    return Scenario(wanted.seed, span, wanted.crust, tuple(places), tuple(quakes), wanted.faults)


def _places(wanted: Wanted) -> list[Place]:
    mixed = "bands" in wanted.faults
    places = (
        described(wanted.seed, wanted.listed)
        if wanted.listed
        else make_network(
            wanted.seed, wanted.stations, wanted.center, wanted.radius_km, mixed=mixed
        )
    )
    if "strong-motion" in wanted.faults:
        accelerometer = Sensor("20", "HN")
        return [
            replace(place, sensors=(*place.sensors, accelerometer)) if number % 3 == 0 else place
            for number, place in enumerate(places)
        ]
    return places


def _middle(places: list[Place]) -> tuple[float, float]:
    """Return the mean place of stations, across the date line too."""
    plane = Plane(places[0].latitude, places[0].longitude)
    x, y = plane.to_xy([p.latitude for p in places], [p.longitude for p in places])
    latitude, longitude = plane.to_lat_lon(np.mean(x), np.mean(y))
    return float(latitude), float(longitude)
