"""Select stations: those inside an extent, then by patterns of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from epicat._util.lists import list_some
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import ANY_LOCATION, Station

__all__ = ["Patterns", "select"]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One pattern, part by part; omitted parts match anything."""

    text: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> _Pattern:
        parts = text.strip().split(".")
        if not parts[0] or len(parts) > 4:
            raise InputError(
                f"pattern {text!r} is not NET, NET.STA, NET.STA.LOC or NET.STA.LOC.CHA, "
                "each possibly with * and ?; an empty LOC is the blank location code"
            )
        return cls(text, tuple("" if part == "--" else part for part in parts))

    def allows(self, network: str, code: str) -> bool:
        """Return whether a station with these codes can match."""
        return all(map(fnmatchcase, (network, code), self.parts))

    def matches(self, station: Station) -> bool:
        """Return whether a station matches; one without a location code in its list always may."""
        location, channel = (*self.parts[2:], "*", "*")[:2]
        return (
            self.allows(station.network, station.code)
            and (station.location == ANY_LOCATION or fnmatchcase(station.location, location))
            and (channel == "*" or any(fnmatchcase(c, f"{channel}*") for c in station.channels))
        )


class Patterns:
    """Patterns that stations must match, and patterns that they must not match."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = [_Pattern.parse(text) for text in include]
        self._exclude = [_Pattern.parse(text) for text in exclude]

    def allow(self, network: str, code: str) -> bool:
        """Return whether a station with these codes can be selected, before its file is read."""
        return not self._include or any(p.allows(network, code) for p in self._include)

    def chosen(self, stations: Sequence[Station]) -> list[Station]:
        """Return the stations that match, in the order given.

        Raises `InputError` for a pattern that matches none of them, and if no station remains.
        """
        for pattern in (*self._include, *self._exclude):
            if not any(pattern.matches(station) for station in stations):
                raise InputError(_unmatched(pattern, stations))
        left = [station for station in stations if self.takes(station)]
        if not left:
            raise InputError(f"--select and --exclude remove all of {len(stations)} stations")
        return left

    def takes(self, station: Station) -> bool:
        """Return whether a station is selected."""
        included = not self._include or any(p.matches(station) for p in self._include)
        return included and not any(p.matches(station) for p in self._exclude)


def _unmatched(pattern: _Pattern, stations: Sequence[Station]) -> str:
    # As many parts as the pattern has, so that the nearest names are possible ones.
    depth = min(len(pattern.parts), 3)
    names = sorted({".".join(s.id.split(".")[:depth]) for s in stations})
    folded = {name.casefold(): name for name in names}
    wanted = ".".join(pattern.parts[:depth]).casefold()
    near = [folded[n] for n in get_close_matches(wanted, folded, n=3, cutoff=0.6)]
    guess = (
        f"did you mean {' or '.join(near)}?" if near else f"there are {list_some(names, most=8)}"
    )
    return f"pattern {pattern.text!r} matches none of the {len(stations)} stations: {guess}"


def select(stations: Iterable[Station], extent: Extent) -> list[Station]:
    """Return the stations that were inside an extent at any time, in the order of their ids.

    Raises `InputError` if there is none.
    """
    everything = list(stations)
    chosen = [
        s for s in everything if any(extent.contains(p.latitude, p.longitude) for p in s.positions)
    ]
    if not chosen:
        lats = [s.latitude for s in everything]
        lons = [s.longitude for s in everything]
        raise InputError(
            f"no station of {len(everything)} lies inside {extent}; they span "
            f"{min(lats):g},{max(lats):g},{min(lons):g},{max(lons):g} (minlat,maxlat,minlon,maxlon)"
        )
    return sorted(chosen)
