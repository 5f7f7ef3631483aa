"""StationXML (http://www.fdsn.org/xml/station/), read as a stream.

Only what epicat needs: codes, positions, orientations and dates.  Responses, nearly all of a
file, are skipped by the parser itself unless they are asked for.  Expat rather than ElementTree,
which is built on it, because only here a DOCTYPE, and with it every entity that could grow without
bound, can be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO
from xml.parsers import expat

from epicat.model import ANY_LOCATION
from epicat.stations.channel_epoch import (
    ChannelEpoch,
    Inventory,
    check_codes,
    parse_direction,
    parse_epoch,
    parse_number,
    parse_position,
)
from epicat.stations.response_xml import ResponseElements
from epicat.stations.responses import ChannelResponse
from epicat.stations.table import NO_ELEVATION

__all__ = ["read_stationxml", "read_stationxml_responses", "read_stationxml_with_responses"]

_ROOT = "FDSNStationXML"
_POSITION = ("Latitude", "Longitude", "Elevation")
_NUMBERS = (*_POSITION, "Depth", "Azimuth", "Dip")
_LEVELS = ("Network", "Station", "Channel")
_SKIPPED = "Response"


def read_stationxml(file: IO[bytes]) -> Inventory:
    """Return the channels of a file, or its stations where it has no channels.

    A channel or station that cannot be used is left out, with its line and the reason.  Raises
    `ValueError`, with the line, for what is not StationXML.
    """
    return _read(file, _Reader()).inventory


def read_stationxml_responses(file: IO[bytes]) -> list[ChannelResponse]:
    """Return the response of each epoch of each channel, or why it cannot be used.

    Raises `ValueError`, with the line, for what is not StationXML.
    """
    return read_stationxml_with_responses(file)[1]


def read_stationxml_with_responses(file: IO[bytes]) -> tuple[Inventory, list[ChannelResponse]]:
    """Return what `read_stationxml` and `read_stationxml_responses` return, read once."""
    found = _read(file, _Reader(with_responses=True))
    return found.inventory, found.responses


def _read(file: IO[bytes], reader: _Reader) -> _Reader:
    try:
        reader.parser.ParseFile(file)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise ValueError(f"line {error.lineno}: not well-formed XML: {what}") from error
    except (ValueError, LookupError) as error:  # of encodings that Python does not know, too
        raise ValueError(f"line {reader.parser.CurrentLineNumber}: {error}") from error
    return reader


class _Reader:
    """Handlers of the parser, and what is known of the current network, station and channel."""

    def __init__(self, *, with_responses: bool = False) -> None:
        self.inventory = Inventory()
        self.responses: list[ChannelResponse] = []
        self._with_responses = with_responses
        self._response: ResponseElements | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._root
        self.parser.StartDoctypeDeclHandler = _refuse
        self._starts: Mapping[str, Callable[[str, dict[str, str]], None]] = {}
        self._ends: Mapping[str, Callable[[str], None]] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._numbers: dict[str, dict[str, str]] = {}
        self._skipped = _SKIPPED
        self._level = ""
        self._channels = 0
        self._text: list[str] = []

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        """Check the first element; its namespace is that of all others."""
        del attributes
        space, _, local = name.rpartition(" ")
        if local != _ROOT:
            raise ValueError(f"not StationXML: the root element is <{local}>, not <{_ROOT}>")
        named = f"{space} " if space else ""
        self._starts = {
            **{named + level: self._begin for level in _LEVELS},
            **{named + number: self._begin_number for number in _NUMBERS},
            named + _SKIPPED: self._skip,
        }
        self._ends = {
            named + "Station": self._end_station,
            named + "Channel": self._end_channel,
            **{named + number: self._end_number for number in _NUMBERS},
        }
        self._skipped = named + _SKIPPED
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if (begin := self._starts.get(name)) is not None:
            begin(name.rpartition(" ")[2], attributes)

    def _end(self, name: str) -> None:
        if (end := self._ends.get(name)) is not None:
            end(name.rpartition(" ")[2])

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._level = name
        self._codes[name] = attributes
        self._numbers[name] = {}
        if name == "Station":
            self._channels = 0

    def _begin_number(self, name: str, attributes: dict[str, str]) -> None:
        del name, attributes
        self._text = []
        self.parser.CharacterDataHandler = self._text.append

    def _end_number(self, name: str) -> None:
        self.parser.CharacterDataHandler = None
        if self._level:
            self._numbers[self._level][name] = "".join(self._text).strip()

    def _skip(self, name: str, attributes: dict[str, str]) -> None:
        del name, attributes
        self.parser.StartElementHandler = None
        self.parser.EndElementHandler = self._resume
        if self._with_responses and self._level == "Channel":
            self._response = elements = ResponseElements()
            self.parser.StartElementHandler = lambda name, _: elements.start(name)
            self.parser.CharacterDataHandler = elements.text

    def _resume(self, name: str) -> None:
        if name == self._skipped:
            self.parser.StartElementHandler = self._start
            self.parser.EndElementHandler = self._end
            self.parser.CharacterDataHandler = None
        elif self._response is not None:
            self._response.end()

    def _end_channel(self, name: str) -> None:
        self._level = "Station"
        self._channels += 1
        known = len(self.inventory.channels)
        self._add(name)
        if self._with_responses and len(self.inventory.channels) > known:
            row = self.inventory.channels[-1]
            self.responses.append(ChannelResponse.from_elements(row, self._response))
        self._response = None

    def _end_station(self, name: str) -> None:
        self._level = "Network"
        if not self._channels:
            self._add(name)

    def _add(self, level: str) -> None:
        """Keep what is complete now, or the reason why it cannot be used."""
        line = self.parser.CurrentLineNumber
        own = self._codes.pop(level, None)
        if own is None:
            raise ValueError(f"</{level}> has no start tag")
        try:
            row, has_elevation = self._row(level, own)
        except ValueError as error:
            self.inventory.rejected.append(f"line {line}: {error}")
            return
        self.inventory.channels.append(row)
        if not has_elevation:
            self.inventory.notes[NO_ELEVATION].append(row.id)

    def _row(self, level: str, own: Mapping[str, str]) -> tuple[ChannelEpoch, bool]:
        is_channel = level == "Channel"
        station = self._codes.get("Station", {}) if is_channel else own
        codes = (self._codes.get("Network", {}).get("code", ""), station.get("code", ""))
        location = own.get("locationCode", "").strip() if is_channel else ""
        location = "" if location == "--" else location
        channel = own.get("code", "").strip() if is_channel else ""
        check_codes(*codes)
        check_codes(*codes, location, channel)
        of_station = self._numbers.get("Station", {})
        position = {name: of_station.get(name, "") for name in _POSITION}
        numbers = {**position, **self._numbers[level]}
        latitude, longitude, elevation = parse_position(*(numbers[name] for name in _POSITION))
        start = own.get("startDate") or station.get("startDate", "")
        end = own.get("endDate") or station.get("endDate", "")
        azimuth, dip = parse_direction(numbers.get("Azimuth", ""), numbers.get("Dip", ""))
        ground = of_station.get("Elevation", "") if is_channel else ""
        row = ChannelEpoch(
            network=codes[0],
            station=codes[1],
            location=location if is_channel else ANY_LOCATION,
            channel=channel,
            latitude=latitude,
            longitude=longitude,
            elevation_m=elevation,
            epoch=parse_epoch(start.strip(), end.strip()),
            depth_m=parse_number(numbers.get("Depth") or "0", "depth", 9000),
            azimuth_deg=azimuth,
            dip_deg=dip,
            ground_m=parse_number(ground, "elevation", 9000) if ground else None,
        )
        return row, bool(numbers["Elevation"])


def _refuse(*_: object) -> None:
    raise ValueError("refusing XML with a DOCTYPE declaration (not valid StationXML)")
