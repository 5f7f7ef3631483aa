"""A random earthquake catalog: origin times, locations and magnitudes.

Each UTC day has its own random stream, so that the earthquakes of a day do not depend on the span;
only a fixed number of earthquakes and a mainshock sequence belong to the span as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.geo import Plane
from epicat.model import Span, digest_of
from epicat.synthetic.sampling import stream
from epicat.synthetic.source import Source
from epicat.time import DAY_NS, SECOND_NS, day_name, day_start

__all__ = ["Earthquake", "Seismicity", "draw_earthquakes", "magnitudes"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_DAY_S = 86_400.0
_MAGNITUDES, _DEEPEST_KM = (-3.0, 9.5), 700.0
_AFTERSHOCKS = 1_000_000
"""Largest number of aftershocks: they are held in memory."""
_CLUSTERS = 4
_CLUSTERED = 0.6
"""Fraction of the earthquakes that lie on a few faults of the region."""
_RATE_A, _OMORI_C_DAYS, _OMORI_P = -1.67, 0.05, 1.08
"""Productivity and decay of generic aftershocks (Reasenberg and Jones 1989, Science 243, 1173)."""


@dataclass(frozen=True, slots=True)
class Seismicity:
    """The distribution of the earthquakes of a region."""

    radius_km: float = 40.0
    """Epicenters lie within this distance of the center."""
    per_day: float = 200.0
    """Mean number of earthquakes per day above the smallest magnitude; a Poisson process."""
    count: int | None = None
    """A fixed number of earthquakes in the span instead, at uniformly distributed times."""
    b_value: float = 0.9
    """Slope of the frequency-magnitude distribution (Gutenberg and Richter 1944)."""
    min_magnitude: float = 0.5
    """Smallest magnitude."""
    max_magnitude: float = 5.0
    """Largest magnitude, where the distribution is truncated."""
    depth_km: tuple[float, float] = (2.0, 16.0)
    """Smallest and largest depth below sea level."""
    separation_s: float = 0.0
    """Minimum time between two origins, except for aftershocks."""
    mainshock: float | None = None
    """Magnitude of a mainshock at a fifth of the span, with aftershocks; None for no mainshock."""

    def __post_init__(self) -> None:
        if not self.radius_km > 0:
            raise InputError(f"earthquake radius {self.radius_km:g} km: it must be above 0")
        for name in ("min_magnitude", "max_magnitude", "mainshock"):
            magnitude = getattr(self, name)
            if magnitude is not None and not _MAGNITUDES[0] <= magnitude <= _MAGNITUDES[1]:
                raise InputError(
                    f"{name} {magnitude:g}: magnitudes must be from {_MAGNITUDES[0]:g} to "
                    f"{_MAGNITUDES[1]:g}"
                )
        if not self.min_magnitude < self.max_magnitude:
            raise InputError(
                f"magnitudes from {self.min_magnitude:g} to {self.max_magnitude:g}: "
                "the smallest must be below the largest"
            )
        if not 0 <= self.depth_km[0] < self.depth_km[1] <= _DEEPEST_KM:
            raise InputError(
                f"depths {self.depth_km[0]:g} to {self.depth_km[1]:g} km: they must increase and "
                f"lie between 0 and {_DEEPEST_KM:g}"
            )


@dataclass(frozen=True, slots=True)
class Earthquake:
    """One earthquake of the truth."""

    event_id: str
    """Content hash."""
    time_ns: int
    """Origin time."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    depth_km: float
    """Kilometres below sea level."""
    source: Source
    """The source; its magnitude is the moment magnitude."""


def draw_earthquakes(
    seed: int, seismicity: Seismicity, span: Span, center: tuple[float, float]
) -> list[Earthquake]:
    """Draw the earthquakes of a span around (latitude, longitude), in order of time."""
    plane = Plane(*center)
    quakes = [
        _earthquake(stream(seed, "earthquake", time), seismicity, time, plane, seed)
        for time in _times(seed, seismicity, span)
    ]
    if seismicity.mainshock is not None:
        quakes += _sequence(seed, seismicity, span, plane)
    return sorted(quakes, key=lambda q: (q.time_ns, q.event_id))


def magnitudes(rng: np.random.Generator, seismicity: Seismicity, count: int) -> F64:
    """Draw magnitudes from a truncated Gutenberg-Richter distribution, (count,)."""
    beta = seismicity.b_value * np.log(10.0)
    reach = 1.0 - np.exp(-beta * (seismicity.max_magnitude - seismicity.min_magnitude))
    drawn = -np.log(1.0 - rng.uniform(0, reach, count)) / beta
    return np.asarray(seismicity.min_magnitude + drawn)


def _times(seed: int, seismicity: Seismicity, span: Span) -> Iterator[int]:
    if seismicity.count is not None:
        rng = stream(seed, "times", span.start_ns, span.end_ns)
        yield from _spread(rng, seismicity, span, seismicity.count)
        return
    for day in span.days():
        rng = stream(seed, "times", day_name(day))
        whole = Span(day_start(day), day_start(day) + DAY_NS)
        count = int(rng.poisson(seismicity.per_day))
        times = _spread(rng, seismicity, whole, count)
        yield from (t for t in times if span.start_ns <= t < span.end_ns)


def _spread(rng: np.random.Generator, seismicity: Seismicity, span: Span, count: int) -> list[int]:
    """Return sorted uniform times, at least the separation apart and from the end of the span.

    Uniform times in the span minus all separations, then moved apart: uniform on all sets of
    times that keep the separation.
    """
    free = span.seconds - count * seismicity.separation_s
    if free <= 0:
        raise InputError(
            f"{count} earthquakes at least {seismicity.separation_s:g} s apart do not fit into "
            f"{span.seconds:g} s; ask for fewer or for a smaller separation"
        )
    offsets = np.sort(rng.uniform(0, free, count)) + np.arange(count) * seismicity.separation_s
    return [span.start_ns + int(offset * SECOND_NS) for offset in offsets]


def _earthquake(
    rng: np.random.Generator, seismicity: Seismicity, time_ns: int, plane: Plane, seed: int
) -> Earthquake:
    x, y = _epicenter(rng, seismicity, seed)
    low, high = seismicity.depth_km
    depth = low + (high - low) * float(rng.beta(2.0, 2.5))
    magnitude = float(magnitudes(rng, seismicity, 1)[0])
    return _placed(rng, time_ns, (x, y, depth), magnitude, plane)


def _placed(
    rng: np.random.Generator,
    time_ns: int,
    where_km: tuple[float, float, float],
    magnitude: float,
    plane: Plane,
) -> Earthquake:
    x, y, depth = where_km
    latitude, longitude = plane.to_lat_lon(x, y)
    name = digest_of("earthquake", time_ns, repr(round(magnitude, 6)))
    return Earthquake(
        name, time_ns, float(latitude), float(longitude), depth, Source.random(rng, magnitude)
    )


def _epicenter(rng: np.random.Generator, seismicity: Seismicity, seed: int) -> tuple[float, float]:
    """Return kilometres east and north: on one of the region's faults, or anywhere."""
    if rng.uniform() < _CLUSTERED:
        fault = stream(seed, "fault", int(rng.integers(_CLUSTERS)))
        x, y = _in_disc(fault, 0.7 * seismicity.radius_km)
        strike, length = fault.uniform(0, np.pi), fault.uniform(0.1, 0.35) * seismicity.radius_km
        along, across = rng.uniform(-1, 1) * length, rng.normal(0, 0.5)
        x += along * np.sin(strike) + across * np.cos(strike)
        y += along * np.cos(strike) - across * np.sin(strike)
        return float(x), float(y)
    return _in_disc(rng, seismicity.radius_km)


def _in_disc(rng: np.random.Generator, radius_km: float) -> tuple[float, float]:
    radius, angle = radius_km * rng.uniform() ** 0.5, rng.uniform(0, 2 * np.pi)
    return float(radius * np.sin(angle)), float(radius * np.cos(angle))


def _sequence(seed: int, seismicity: Seismicity, span: Span, plane: Plane) -> list[Earthquake]:
    """Return a mainshock and its aftershocks, by the modified Omori law (Utsu 1961).

    Their number is that of generic California (Reasenberg and Jones 1989), their distances are
    normal with a quarter of the rupture length (Wells and Coppersmith 1994, BSSA 84).
    """
    rng = stream(seed, "mainshock", span.start_ns, span.end_ns)
    main = float(seismicity.mainshock or 0.0)
    begin = span.start_ns + int(0.2 * span.seconds) * SECOND_NS
    x, y = _in_disc(rng, 0.5 * seismicity.radius_km)
    depth = float(np.mean(seismicity.depth_km))
    quakes = [_placed(rng, begin, (x, y, depth), main, plane)]
    days = (span.end_ns - begin) / SECOND_NS / _DAY_S
    power = 1.0 - _OMORI_P
    start, end = _OMORI_C_DAYS**power, (days + _OMORI_C_DAYS) ** power
    slope = _RATE_A + seismicity.b_value * (main - seismicity.min_magnitude)
    expected = 10**slope * (end - start) / power
    if expected > _AFTERSHOCKS:
        raise InputError(
            f"a mainshock of {main:g} has {expected:.2g} aftershocks above "
            f"{seismicity.min_magnitude:g}: ask for a larger smallest magnitude"
        )
    count = int(rng.poisson(expected))
    after = (start + rng.uniform(size=count) * (end - start)) ** (1 / power) - _OMORI_C_DAYS
    spread = 10 ** (-3.22 + 0.69 * main) / 4 + 0.3
    for delay in np.sort(after):
        time = begin + int(delay * _DAY_S * SECOND_NS)
        own = stream(seed, "aftershock", time)
        dx, dy, dz = own.normal(0, spread, 3)
        bottom = float(np.clip(depth + dz, *seismicity.depth_km))
        size = float(magnitudes(own, seismicity, 1)[0])
        quakes.append(_placed(own, time, (x + dx, y + dy, bottom), size, plane))
    return quakes
