"""StationXML 1.2 with the responses that the counts were made with: poles, zeros and gains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from epicat.model import Span
from epicat.synthetic.instruments import Instrument, band_of
from epicat.synthetic.network import Place, Sensor

__all__ = ["station_xml"]

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.2">
<Source>epicat</Source>
<Created>{created}</Created>
"""
_ORIENTATION = {"Z": (0.0, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}
_NAMES = {"M/S": "Velocity", "M/S**2": "Acceleration", "V": "Volts", "COUNTS": "Counts"}


def station_xml(places: Iterable[Place], span: Span) -> str:
    """Return a document of the stations; their epochs begin and end with whole days."""
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
