"""Synthetic stations: positions, sensors, site and noise; and their StationXML 1.2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from epicat.errors import InputError
from epicat.geo import Plane
from epicat.model import ANY_LOCATION, Span, Station
from epicat.synthetic.instruments import BANDS, Instrument, band_of
from epicat.synthetic.noise import AmbientNoise
from epicat.synthetic.sampling import stream
from epicat.synthetic.site import Site

__all__ = ["Place", "Sensor", "make_network", "network_from_stations", "station_xml"]


_GOLDEN_ANGLE = np.pi * (3.0 - 5.0**0.5)
_WIDEST_KM = 2000.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """An instrument at a station."""

    location: str
    """Location code."""
    band: str
    """Band code, one of `BANDS`."""
    components: str = "ZNE"
    """Recorded components: Z, or Z, N and E."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel codes."""
        return tuple(self.band + component for component in self.components)


@dataclass(frozen=True, slots=True)
class Place:
    """A station with its sensors, site and noise."""

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
    """Its sensors; signal-to-noise ratios refer to the first."""
    site: Site
    """The site response."""
    ambient: AmbientNoise
    """The ambient noise."""

    @property
    def name(self) -> str:
        """``NET.STA``."""
        return f"{self.network}.{self.code}"

    @property
    def stations(self) -> list[Station]:
        """One station per location code."""
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
    """Distribute stations over a disc, evenly but not regularly.

    Each is near a point of Vogel's (1979) sunflower spiral.  They have broadband sensors; if
    ``mixed``, some have other bands or only a vertical component.  Raises `InputError`.
    """
    if count < 1:
        raise InputError(f"{count} stations: at least one is needed")
    if not (abs(center[0]) <= 90 and abs(center[1]) <= 360):
        raise InputError(
            f"center {center[0]:g},{center[1]:g} is not a valid position: latitude must be "
            "-90 to 90 and longitude -180 to 180"
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


def network_from_stations(seed: int, stations: Iterable[Station]) -> list[Place]:
    """Add site and noise to the stations of a list; a station without channels gets HH."""
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
        Site.random(stream(seed, "site", name)),
        AmbientNoise.random(stream(seed, "ambient", name)),
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


_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.2">
<Source>epicat</Source>
<Created>{created}</Created>
"""
_ORIENTATION = {"Z": (0.0, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}
_NAMES = {"M/S": "Velocity", "M/S**2": "Acceleration", "V": "Volts", "COUNTS": "Counts"}


def station_xml(places: Iterable[Place], span: Span) -> str:
    """Return a StationXML 1.2 document; its epochs are open and begin with the first day."""
    days = list(span.days())
    start = f"{days[0].isoformat()}T00:00:00Z"
    parts = [_HEAD.format(created=start)]
    by_network = sorted(places, key=lambda p: (p.network, p.code))
    for network, group in groupby(by_network, key=lambda p: p.network):
        parts.append(f'<Network code="{network}" startDate="{start}">\n')
        parts.append("<Description>Synthetic stations</Description>\n")
        parts += [_station(place, start) for place in group]
        parts.append("</Network>\n")
    return "".join([*parts, "</FDSNStationXML>\n"])


def _station(place: Place, start: str) -> str:
    channels = "".join(_channels(place, start))
    return (
        f'<Station code="{place.code}" startDate="{start}">\n{_where(place)}'
        f"<Site><Name>Synthetic {place.code}</Name></Site>\n{channels}</Station>\n"
    )


def _where(place: Place) -> str:
    return (
        f"<Latitude>{place.latitude:.6f}</Latitude><Longitude>{place.longitude:.6f}</Longitude>"
        f"<Elevation>{place.elevation_m:.1f}</Elevation>\n"
    )


def _channels(place: Place, start: str) -> Iterator[str]:
    for sensor in place.sensors:
        for component in sensor.components:
            yield _channel(place, sensor, component, start)


def _channel(place: Place, sensor: Sensor, component: str, start: str) -> str:
    instrument, rate = band_of(sensor.band)
    azimuth, dip = _ORIENTATION[component]
    return (
        f'<Channel code="{sensor.band}{component}" locationCode="{sensor.location}" '
        f'startDate="{start}">\n{_where(place)}<Depth>0.0</Depth>'
        f"<Azimuth>{azimuth:g}</Azimuth><Dip>{dip:g}</Dip>"
        f"<SampleRate>{rate}</SampleRate>"
        f"<Sensor><Description>{instrument.name}</Description></Sensor>\n"
        f"{_response(instrument, rate)}</Channel>\n"
    )


def _response(instrument: Instrument, rate: int) -> str:
    hertz = f"<Frequency>{instrument.reference_hz:g}</Frequency>"
    return (
        f"<Response><InstrumentSensitivity><Value>{instrument.sensitivity!r}</Value>{hertz}"
        f"{_units(instrument.unit, 'COUNTS')}</InstrumentSensitivity>\n"
        f'<Stage number="1"><PolesZeros>{_units(instrument.unit, "V")}'
        "<PzTransferFunctionType>LAPLACE (RADIANS/SECOND)</PzTransferFunctionType>"
        f"<NormalizationFactor>{instrument.normalization!r}</NormalizationFactor>"
        f"<NormalizationFrequency>{instrument.reference_hz:g}</NormalizationFrequency>"
        f"{_roots('Zero', instrument.zeros)}{_roots('Pole', instrument.poles)}</PolesZeros>"
        f"<StageGain><Value>{instrument.gain!r}</Value>{hertz}</StageGain></Stage>\n"
        f'<Stage number="2"><Coefficients>{_units("V", "COUNTS")}'
        "<CfTransferFunctionType>DIGITAL</CfTransferFunctionType></Coefficients>"
        f"<Decimation><InputSampleRate>{rate}</InputSampleRate><Factor>1</Factor>"
        "<Offset>0</Offset><Delay>0</Delay><Correction>0</Correction></Decimation>"
        f"<StageGain><Value>{instrument.counts_per_volt!r}</Value>{hertz}</StageGain></Stage>"
        "</Response>\n"
    )


def _units(given: str, made: str) -> str:
    return "".join(
        f"<{tag}><Name>{unit}</Name><Description>{_NAMES[unit]}</Description></{tag}>"
        for tag, unit in (("InputUnits", given), ("OutputUnits", made))
    )


def _roots(name: str, roots: Iterable[complex]) -> str:
    return "".join(
        f'<{name} number="{number}"><Real>{root.real!r}</Real>'
        f"<Imaginary>{root.imag!r}</Imaginary></{name}>"
        for number, root in enumerate(roots)
    )
