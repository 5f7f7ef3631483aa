"""A scenario: everything that decides the samples of an archive, but for how it is written."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from epicat.geo import distance_azimuth
from epicat.model import Span
from epicat.synthetic.crust import Crust
from epicat.synthetic.effects import Effects
from epicat.synthetic.faults import Faults
from epicat.synthetic.motion import Shaking
from epicat.synthetic.network import Place
from epicat.synthetic.rays import trace
from epicat.synthetic.seismicity import Earthquake
from epicat.synthetic.streams import stream
from epicat.time import SECOND_NS

__all__ = ["Scenario"]

_LONGEST_S = 3600
"""No earthquake is seen for longer than this after its origin."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A crust with earthquakes, stations that record them, and what goes wrong."""

    seed: int
    """All random numbers come from it."""
    span: Span
    """What is recorded."""
    crust: Crust
    """The earth."""
    places: tuple[Place, ...]
    """The stations."""
    quakes: tuple[Earthquake, ...]
    """The earthquakes, in the order of time."""
    faults: Faults = field(default_factory=Faults)
    """What goes wrong."""
    disturbances_per_hour: float = 2.0
    """Mean number of disturbances of each station that are no earthquakes."""

    def quakes_seen(self, span: Span) -> tuple[Earthquake, ...]:
        """Return the earthquakes that may shake in a span."""
        first = bisect_left(
            self.quakes, span.start_ns - _LONGEST_S * SECOND_NS, key=lambda q: q.time_ns
        )
        last = bisect_left(self.quakes, span.end_ns, key=lambda q: q.time_ns)
        return self.quakes[first:last]

    def shaking(self, quake: Earthquake, place: Place) -> Shaking:
        """Return what an earthquake does at a station."""
        distance, azimuth = distance_azimuth(
            quake.latitude, quake.longitude, place.latitude, place.longitude
        )
        path = trace(self.crust, float(distance), float(azimuth), quake.depth_km, place.elevation_m)
        rng = stream(self.seed, "effects", quake.event_id, place.name)
        return Shaking(quake.source, path, place.site, Effects.drawn(rng, path))
