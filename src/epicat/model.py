"""The values of epicat, frozen and complete.  Times are integer nanoseconds UTC."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from epicat.errors import InputError
from epicat.time import DAY_NS, day_name, day_of, day_start, named_day, parse_time

__all__ = [
    "ANY_LOCATION",
    "EVER",
    "Arrival",
    "Event",
    "Filter",
    "Orientation",
    "Pick",
    "Place",
    "Placement",
    "Span",
    "Station",
    "StationDay",
    "digest_of",
    "places_of",
]

ANY_LOCATION = "*"
_FIRST_NS, _LAST_NS = parse_time("1900-01-01"), parse_time("2200-01-01")


def digest_of(*parts: object) -> str:
    """Return 16 letters (80 bits) that depend on the parts only, compared by ``str``.

    Use floats only where they are exact.  Among four billion picks, two share a digest with a
    probability of one in a hundred thousand.
    """
    text = "\x1f".join(str(part) for part in parts)
    return b32encode(hashlib.sha256(text.encode()).digest()[:10]).decode().lower()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A span of time, its end not included.

    Examples
    --------
    >>> import epicat as ec
    >>> ec.Span.parse("2019.172", "2019-06-22").seconds
    86400.0

    """

    start_ns: int
    """First moment, nanoseconds since 1970."""
    end_ns: int
    """First moment after the range, nanoseconds since 1970."""

    @classmethod
    def parse(cls, start: str, end: str) -> Span:
        """Read START and END as the command line takes them; END is not included."""
        span = cls(parse_time(start), parse_time(end))
        if span.end_ns <= span.start_ns:
            raise InputError(
                f"END {end!r} is not after START {start!r}; END is not included, "
                "so a single day is for example 2019.172 2019.173"
            )
        if not _FIRST_NS <= span.start_ns < span.end_ns <= _LAST_NS:
            raise InputError(f"START {start!r} and END {end!r} must lie between 1900 and 2200")
        return span

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end_ns - self.start_ns) / 1e9

    def widened(self, margin_ns: int) -> Span:
        """Return the span with ``margin_ns`` added on both sides."""
        return Span(self.start_ns - margin_ns, self.end_ns + margin_ns)

    def overlaps(self, other: Span) -> bool:
        """Return whether the two spans overlap."""
        return self.start_ns < other.end_ns and other.start_ns < self.end_ns

    def days(self) -> Iterator[date]:
        """Yield every UTC day that the span touches."""
        day = day_of(self.start_ns)
        while day_start(day) < self.end_ns:
            yield day
            day += timedelta(days=1)


EVER = Span(_FIRST_NS, _LAST_NS)
"""From before the first seismogram to a date that stands for "open"."""


@dataclass(frozen=True, slots=True, order=True)
class Placement:
    """Position of a sensor during one of its epochs."""

    epoch: Span
    """When it was there, within `EVER`."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east, -180 to 180."""
    elevation_m: float
    """Elevation of the sensor, metres above sea level."""
    depth_m: float = 0.0
    """Depth of the sensor below the ground, metres; already subtracted from ``elevation_m``."""


@dataclass(frozen=True, slots=True, order=True)
class Orientation:
    """Direction of a channel during one of its epochs, as in StationXML."""

    channel: str
    """Channel code, for example ``HH1``."""
    epoch: Span
    """When it had this direction, within `EVER`."""
    azimuth_deg: float
    """Clockwise from north, 0 to 360."""
    dip_deg: float
    """Downwards from the horizontal, -90 to 90: -90 for an ordinary vertical channel."""


@dataclass(frozen=True, slots=True, order=True)
class Station:
    """One location code of a seismic station, and its position.

    Examples
    --------
    >>> import epicat as ec
    >>> station = ec.load_stations("stations.csv")[0]
    >>> station.network, station.code
    ('XX', 'S01')

    """

    network: str
    """Network code, for example ``NC``."""
    code: str
    """Station code, up to eight letters (FDSN source identifiers)."""
    location: str
    """Location code, possibly empty; ``*`` if the station list does not name one."""
    channels: tuple[str, ...]
    """Channel codes in the station list; a hint, the archive decides."""
    latitude: float
    """Degrees north; of the last placement if it moved."""
    longitude: float
    """Degrees east, -180 to 180; of the last placement if it moved."""
    elevation_m: float
    """Elevation of the sensor, metres above sea level; of the last placement if it moved."""
    name: str = ""
    """Name of the place in keys: ``NET.STA``, or with a location where one code has two places."""
    epochs: tuple[Span, ...] = ()
    """When it operates: disjoint, in order, within `EVER`; empty if unknown.

    Decides which station-days are planned, and no result.
    """
    depth_m: float = 0.0
    """Depth of the sensor below the ground, metres; already subtracted from ``elevation_m``."""
    placements: tuple[Placement, ...] = ()
    """Positions in order of time with disjoint epochs; empty if the position never changed."""
    orientations: tuple[Orientation, ...] = ()
    """Directions of its channels by epoch; empty if the station list does not give them."""

    @property
    def id(self) -> str:
        """``NET.STA.LOC``, with a trailing dot for an empty location."""
        return f"{self.network}.{self.code}.{self.location}"

    def operates(self, span: Span) -> bool:
        """Return whether it operates in a part of a span, as far as is known."""
        return not self.epochs or any(epoch.overlaps(span) for epoch in self.epochs)

    @property
    def positions(self) -> tuple[Placement, ...]:
        """All positions in order of time: ``placements``, or the only one, valid for `EVER`."""
        only = Placement(EVER, self.latitude, self.longitude, self.elevation_m, self.depth_m)
        return self.placements or (only,)

    def position_at(self, time_ns: int) -> Placement:
        """Return the position at a time; between two epochs the earlier one, before all the first.

        A placement holds until the next one begins: a recording outside every epoch was made
        by a sensor that nobody had moved yet.
        """
        positions = self.positions
        begun = [p for p in positions if p.epoch.start_ns <= time_ns]
        return begun[-1] if begun else positions[0]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a station-day: a station with its location codes.

    Most stations are one place.  A station code whose locations are far apart is several.
    """

    name: str
    """``NET.STA``, or ``NET.STA.LOC`` where one code has several places."""
    stations: tuple[Station, ...]
    """Its locations, in the order of ids; at least one."""
    elsewhere: frozenset[str] = frozenset()
    """Location codes of the same station that belong to other places."""

    @property
    def network(self) -> str:
        """Network code."""
        return self.stations[0].network

    @property
    def code(self) -> str:
        """Station code."""
        return self.stations[0].code

    @property
    def locations(self) -> frozenset[str]:
        """Location codes in the station list; may contain `ANY_LOCATION`."""
        return frozenset(station.location for station in self.stations)

    @property
    def orientations(self) -> dict[str, tuple[Orientation, ...]]:
        """Directions of channels by location code, where the station list gives them."""
        return {row.location: row.orientations for row in self.stations if row.orientations}

    def operates(self, span: Span) -> bool:
        """Return whether data of a part of a span may exist, as far as is known."""
        return any(station.operates(span) for station in self.stations)

    def has_location(self, location: str) -> bool:
        """Return whether waveforms with a location code belong here.

        Codes that are not in the station list belong to the place that is listed without one.
        """
        if self.name == f"{self.network}.{self.code}" or location in self.locations:
            return True
        return ANY_LOCATION in self.locations and location not in self.elsewhere


def places_of(stations: Iterable[Station]) -> dict[str, Place]:
    """Return the places of stations by name, in alphabetical order."""
    by_code: dict[tuple[str, str], list[Station]] = {}
    for station in sorted(stations):
        by_code.setdefault((station.network, station.code), []).append(station)
    found = {}
    for members in by_code.values():
        for name in {station.name for station in members}:
            own = tuple(station for station in members if station.name == name)
            elsewhere = frozenset(s.location for s in members if s.name != name)
            found[name] = Place(name, own, elsewhere)
    return {name: found[name] for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class Filter:
    """A Butterworth filter that a picker requires before resampling."""

    kind: Literal["bandpass", "highpass", "lowpass"]
    """Passband."""
    freqmin: float | None
    """Lower corner in Hz; None for a lowpass."""
    freqmax: float | None
    """Upper corner in Hz; None for a highpass."""
    corners: int
    """Order of a single pass."""
    zerophase: bool
    """Whether it is applied forwards and backwards."""


@dataclass(frozen=True, slots=True, order=True)
class StationDay:
    """The key of picks: a place and a UTC day."""

    station: str
    """Name of the place, for example ``NC.KBG``."""
    day: date
    """The UTC day."""

    def __str__(self) -> str:
        return f"{self.station}/{day_name(self.day)}"

    @classmethod
    def parse(cls, text: str) -> StationDay:
        """Parse the result of ``str``."""
        station, _, name = text.rpartition("/")
        return cls(station, named_day(name))

    @property
    def span(self) -> Span:
        """The UTC day as a span."""
        start = day_start(self.day)
        return Span(start, start + DAY_NS)


@dataclass(frozen=True, slots=True, order=True)
class Pick:
    """The arrival of a phase at a station, as a picker sees it.

    Examples
    --------
    >>> import epicat as ec
    >>> ec.Pick(0, "XX.S01.", "HH", "P", 0.9, 0, 0).trace_id
    'XX.S01.'

    """

    time_ns: int
    """Time of the maximum probability."""
    trace_id: str
    """``NET.STA.LOC``."""
    band: str
    """Band and instrument code of the channels that were picked, for example ``HH``."""
    phase: str
    """``P`` or ``S``."""
    confidence: float
    """Maximum probability of the trigger, 0 to 1."""
    onset_ns: int
    """When the probability first reached the threshold."""
    end_ns: int
    """When the probability was last at least half the threshold."""

    def id(self, run: str) -> str:
        """Return the id of the pick, which depends on the run and the pick only."""
        return digest_of(run, self.trace_id, self.band, self.phase, self.time_ns)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A pick that belongs to an event.

    Examples
    --------
    >>> import epicat as ec
    >>> ec.open_catalog("catalog").arrivals()["phase"].unique().to_pylist()
    ['P', 'S']

    """

    pick_id: str
    """The pick."""
    trace_id: str
    """``NET.STA.LOC``."""
    phase: str
    """``P`` or ``S``."""
    time_ns: int
    """Time of the pick."""
    residual_s: float
    """Observed minus predicted travel time in seconds."""
    distance_km: float
    """Epicentral distance in km."""
    azimuth_deg: float
    """Azimuth from the epicentre to the station, 0 to 360 degrees clockwise from north."""
    band: str | None = None
    """`Pick.band`; None if the pick was not read with the arrival."""
    confidence: float | None = None
    """`Pick.confidence`; None if the pick was not read with the arrival."""
    run: str | None = None
    """Digest of the run that made the pick; None if the pick was not read with the arrival."""
    term_s: float | None = None
    """Station term in seconds that was taken off the residual; None without a location."""
    sigma_s: float | None = None
    """Standard error of the pick in seconds that the location found; None without one."""
    inlier_probability: float | None = None
    """Probability that the pick belongs to the located event; None without a location."""
    takeoff_deg: float | None = None
    """Angle of the ray at the source from downwards, 0 to 180 degrees; None without a location."""


@dataclass(frozen=True, slots=True)
class Event:
    """An earthquake: a hypocenter with its origin time, and the arrivals that gave it.

    Examples
    --------
    >>> import epicat as ec
    >>> catalog, stations = ec.open_catalog("catalog"), ec.load_stations("stations.csv")
    >>> event = ec.associate(catalog.picks(), stations)[0]
    >>> len(event.arrivals) >= event.n_stations
    True

    """

    time_ns: int
    """Origin time."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    depth_km: float
    """Kilometres below sea level."""
    x_km: float
    """Kilometres east of the centre of the campaign's extent."""
    y_km: float
    """Kilometres north of the centre of the campaign's extent."""
    rms_s: float
    """Root mean square of the residuals in seconds."""
    gap_deg: float
    """Largest azimuthal gap between stations, in degrees."""
    dmin_km: float
    """Epicentral distance of the nearest station with an arrival, in km."""
    n_stations: int
    """Physical sites with an arrival; location codes and co-located stations count once."""
    edge: bool
    """Whether the hypocenter is at the edge of the search box, where it is unreliable."""
    arrivals: tuple[Arrival, ...]
    """In the order of time."""
    rejected: str = ""
    """Why quality control rejects it, with values and limits; empty if it is accepted."""
    magnitude: float | None = None
    """Magnitude of an imported catalog; None if unknown."""
    magnitude_type: str = ""
    """Kind of the magnitude, for example ``ml``."""

    def id(self, associator: str) -> str:
        """Return the id of the event for the digest of an associator."""
        return digest_of(associator, self.time_ns, *sorted(a.pick_id for a in self.arrivals))
