"""StationXML (http://www.fdsn.org/xml/station/), read as a stream.

Only what epicat needs: codes, places and dates.  Responses, nearly all of a file, are passed
over by the parser itself.  Expat rather than ElementTree, which is built on it, because only
here a DOCTYPE, and with it every entity that could grow without bound, can be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO
from xml.parsers import expat

from epicat.model import ANY_LOCATION
from epicat.stations.inventory import ChannelEpoch, check_codes, direction_of, epoch_of, place_of

__all__ = ["read_stationxml"]

_ROOT = "FDSNStationXML"
_NUMBERS = ("Latitude", "Longitude", "Elevation")
_ANGLES = ("Azimuth", "Dip")
_LEVELS = ("Network", "Station", "Channel")
_SKIPPED = "Response"


def read_stationxml(file: IO[bytes]) -> list[ChannelEpoch]:
    """Return the channels of a file, or its stations where it goes no deeper.

    Raises `ValueError`, with the line, for what is no StationXML.
    """
    reader = _Reader()
    try:
        reader.parser.ParseFile(file)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise ValueError(f"line {error.lineno}: not well-formed XML: {what}") from error
    except (ValueError, LookupError) as error:  # of encodings that Python does not know, too
        raise ValueError(f"line {reader.parser.CurrentLineNumber}: {error}") from error
    return reader.rows


class _Reader:
    """What the parser tells is kept here, until a channel or a station is complete."""

    def __init__(self) -> None:
        self.rows: list[ChannelEpoch] = []
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
        """Look at the first element; its namespace is that of all others."""
        del attributes
        space, _, local = name.rpartition(" ")
        if local != _ROOT:
            raise ValueError(f"no StationXML: it starts with <{local}>, not with <{_ROOT}>")
        named = f"{space} " if space else ""
        self._starts = {
            **{named + level: self._begin for level in _LEVELS},
            **{named + number: self._begin_number for number in (*_NUMBERS, *_ANGLES)},
            named + _SKIPPED: self._skip,
        }
        self._ends = {
            named + "Station": self._end_station,
            named + "Channel": self._end_channel,
            **{named + number: self._end_number for number in (*_NUMBERS, *_ANGLES)},
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
        self.parser.EndElementHandler = self._go_on

    def _go_on(self, name: str) -> None:
        if name == self._skipped:
            self.parser.StartElementHandler = self._start
            self.parser.EndElementHandler = self._end

    def _end_channel(self, name: str) -> None:
        self._level = "Station"
        self._channels += 1
        self.rows.append(self._row(name))

    def _end_station(self, name: str) -> None:
        self._level = "Network"
        if not self._channels:
            self.rows.append(self._row(name))

    def _row(self, level: str) -> ChannelEpoch:
        own = self._codes.pop(level, None)
        if own is None:
            raise ValueError(f"</{level}> ends what has not begun")
        station = own if level == "Station" else self._codes.get("Station", {})
        codes = (self._codes.get("Network", {}).get("code", ""), station.get("code", ""))
        is_channel = level == "Channel"
        location = own.get("locationCode", "").strip() if is_channel else ""
        channel = own.get("code", "").strip() if is_channel else ""
        check_codes(*codes)
        check_codes(*codes, location, channel)
        numbers = {**self._numbers.get("Station", {}), **self._numbers[level]}
        latitude, longitude, elevation = place_of(*(numbers.get(name, "") for name in _NUMBERS))
        azimuth, dip = direction_of(*(numbers.get(name, "") for name in _ANGLES))
        start = own.get("startDate") or station.get("startDate", "")
        end = own.get("endDate") or station.get("endDate", "")
        return ChannelEpoch(
            network=codes[0],
            station=codes[1],
            location=location if is_channel else ANY_LOCATION,
            channel=channel,
            latitude=latitude,
            longitude=longitude,
            elevation_m=elevation,
            epoch=epoch_of(start.strip(), end.strip()),
            azimuth_deg=azimuth,
            dip_deg=dip,
        )


def _refuse(*_: object) -> None:
    raise ValueError("it has a DOCTYPE, which StationXML never has; it is not read further")
