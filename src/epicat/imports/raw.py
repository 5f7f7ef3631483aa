"""Picks and events as files have them, and how they become epicat's.

Readers of formats return `RawPick` and `RawEvent`.  `Interpreter` turns those into picks and
arrivals: it finds the network of a bare station name, maps phases to P and S, and collects what
was left out or assumed.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from epicat._util.lists import list_some
from epicat._util.table_file import shorten
from epicat.errors import InputError
from epicat.imports.times import TimeUnitError
from epicat.model import ANY_LOCATION, EVER, Pick, Station, digest_of

__all__ = ["Interpreter", "RawEvent", "RawFile", "RawPick", "ReadingOptions"]

_CODE = re.compile("[A-Za-z0-9-]{1,32}")
_NETWORK = re.compile("[A-Za-z0-9]{1,32}")
_REST = re.compile(r"[A-Za-z0-9-]{0,32}|\*")
_ONSET = re.compile(r"^[ei](?=[PS])")
_REGIONAL = {
    **dict.fromkeys(("PG", "PN", "PB", "P*", "P1", "PN1"), "P"),
    **dict.fromkeys(("SG", "SN", "SB", "S*", "S1", "SN1"), "S"),
}
"""Crustal and Moho phases, which are first arrivals at one distance or another."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How picks and events of a file are to be understood."""

    network: str = ""
    """Network code of station names that have none."""
    stations: tuple[Station, ...] = ()
    """Stations among which a bare name is looked up if ``network`` is empty."""
    regional_phases: bool = True
    """Whether Pg, Pn, Pb, Sg, Sn and Sb become P and S; otherwise they are left out."""


@dataclass(frozen=True, slots=True)
class RawPick:
    """A pick, not interpreted."""

    label: str
    """Where it is in the file, for messages."""
    codes: tuple[str, ...]
    """Station, or network and station, and possibly location and channel."""
    phase: str
    """Phase as it is written."""
    time_ns: int
    """Nanoseconds since 1970, UTC."""
    confidence: float | None = None
    """Probability, 0 to 1; None if there is none."""
    band: str = ""
    """Band and instrument code, or a channel code that begins with it."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event with its arrivals, not interpreted."""

    name: str
    """Its identity in the file."""
    time_ns: int
    """Origin time, nanoseconds since 1970, UTC."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    depth_km: float
    """Kilometres below sea level; NaN if unknown."""
    magnitude: float | None = None
    """Magnitude of any kind."""
    magnitude_type: str = ""
    """Kind of the magnitude, for example ``ml``."""
    picks: tuple[RawPick, ...] = ()
    """Its arrivals."""


@dataclass(slots=True)
class RawFile:
    """What a file holds."""

    events: list[RawEvent] = field(default_factory=list)
    """Events with their arrivals."""
    picks: list[RawPick] = field(default_factory=list)
    """Picks that belong to no event."""
    rejected: list[str] = field(default_factory=list)
    """Rows that cannot be read, with the reason."""
    notes: list[str] = field(default_factory=list)
    """Assumptions of the reader."""

    def all_picks(self) -> Iterable[RawPick]:
        """Give the picks of the events, then the others."""
        for event in self.events:
            yield from event.picks
        yield from self.picks

    @contextmanager
    def reading(self, label: str) -> Iterator[None]:
        """Leave out a row that cannot be read; raise `InputError` for a unit that nothing shows."""
        try:
            yield
        except TimeUnitError as error:
            raise InputError(f"{label}: {error}") from error
        except ValueError as error:
            self.rejected.append(f"{label}: {error}")


class Interpreter:
    """Turns raw picks into picks, and remembers what it left out and assumed."""

    def __init__(self, options: ReadingOptions, rejected: Sequence[str] = ()) -> None:
        self._options = options
        self._networks: dict[str, set[str]] = defaultdict(set)
        for station in options.stations:
            self._networks[station.code].add(station.network)
        self._found: dict[str, str] = {}
        self._mapped: Counter[str] = Counter()
        self._other: Counter[str] = Counter()
        self._without_confidence = 0
        self.rejected = list(rejected)

    def pick(self, raw: RawPick) -> Pick | None:
        """Return a pick of P or S, or None, remembering why it is left out."""
        try:
            phase = self._phase(raw.phase)
            if phase is None:
                return None
            trace_id, band = self._trace(raw)
            if not EVER.start_ns <= raw.time_ns < EVER.end_ns:
                raise ValueError("its time is not between 1900 and 2200")
            confidence = self._confidence(raw.confidence)
        except ValueError as error:
            self.rejected.append(f"{raw.label}: {error}")
            return None
        return Pick(raw.time_ns, trace_id, band, phase, confidence, raw.time_ns, raw.time_ns)

    def _phase(self, hint: str) -> str | None:
        name = _ONSET.sub("", hint.strip())
        if name.upper() in ("P", "S") or name == "":
            if not name:
                raise ValueError("it has no phase")
            return name.upper()
        regional = _REGIONAL.get(name.upper()) if name[:1] in "PS" else None
        if regional is None or not self._options.regional_phases:
            self._other[hint.strip()[:20]] += 1
            return None
        self._mapped[f"{name} as {regional}"] += 1
        return regional

    def _confidence(self, value: float | None) -> float:
        if value is None or math.isnan(value):
            self._without_confidence += 1
            return 1.0
        if not 0 <= value <= 1:
            raise ValueError(f"confidence {value:g} is not between 0 and 1")
        return value

    def _trace(self, raw: RawPick) -> tuple[str, str]:
        """Return ``NET.STA.LOC`` and the band."""
        codes = tuple(raw.codes)
        if len(codes) == 1 or (not codes[0] and codes[1]):
            station = codes[-1] if len(codes) == 1 else codes[1]
            codes = (self._network(station), station, *codes[2:])
        network, station, location, channel = (*codes, *(ANY_LOCATION, "")[len(codes) - 2 :])[:4]
        location = location.replace("--", "")
        if not (
            _NETWORK.fullmatch(network)
            and _CODE.fullmatch(station)
            and all(map(_REST.fullmatch, (location, channel)))
        ):
            raise ValueError(f"station {shorten('.'.join(codes))} is not NET.STA or NET.STA.LOC")
        return f"{network}.{station}.{location}", (raw.band or channel)[:2]

    def _network(self, station: str) -> str:
        if self._options.network:
            return self._options.network
        networks = sorted(self._networks.get(station, ()))
        if len(networks) == 1:
            self._found[station] = networks[0]
            return networks[0]
        where = (
            f"is in networks {', '.join(networks)} of the station list"
            if networks
            else "is not NET.STA or NET.STA.LOC, and not in the station list"
        )
        raise ValueError(f"station {shorten(station)} {where}; give its network (--network)")

    @property
    def settings(self) -> dict[str, str]:
        """What else than the file decides the picks: part of the identity of the run."""
        found = {}
        if self._options.network:
            found["network"] = self._options.network
        if self._found:
            found["stations"] = digest_of(*sorted(f"{n}.{s}" for s, n in self._found.items()))
        if not self._options.regional_phases:
            found["phases"] = "P and S only"
        return found

    def messages(self) -> list[str]:
        """Return what the user should know, one sentence each."""
        found = []
        if self.rejected:
            found.append(f"{len(self.rejected):,} rows left out: {list_some(self.rejected, '; ')}")
        if self._mapped:
            found.append(f"phases read: {_counts(self._mapped)}")
        if self._other:
            found.append(f"left out, phases other than P and S: {_counts(self._other)}")
        if self._without_confidence:
            found.append(f"{self._without_confidence:,} picks have no confidence: taken as 1")
        return found


def _counts(counts: Counter[str]) -> str:
    return list_some([f"{name} ({count:,})" for name, count in sorted(counts.items())])
