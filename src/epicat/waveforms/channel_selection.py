"""Select the channels of a station for one day from those that have data.

Completeness comes first: the seconds of the day that are covered, summed over the vertical and the
two horizontals.  Bands and locations within a tenth of the most complete one count as equal;
`BAND_ORDER` decides between them, then the location code: those in the station list first, then in
alphabetical order.  So a preferred band with one component never hides a complete three-component
one, and a gap of a minute does not change the instrument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from epicat.model import ANY_LOCATION, Orientation, Span
from epicat.waveforms.components import Components, assemble
from epicat.waveforms.grid import Grid
from epicat.waveforms.orientation import (
    SLOTS,
    SensorDirections,
    directions_at,
    orientation_bounds,
    weights_of,
)
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Trace

__all__ = [
    "BAND_ORDER",
    "Choice",
    "choose",
    "covered_s",
    "covered_spans",
    "instruments",
    "unused",
    "with_pressure",
]

BAND_ORDER: Final = (
    "HH", "BH", "EH", "SH", "DP", "EP", "CH", "CN", "GP",
    "HN", "EN", "BN", "SN", "HL", "EL", "BL", "SL",
)  # fmt: skip
"""Broadband and short-period velocity before nodal, before acceleration; others come last."""

_INSTRUMENTS: Final = "HLNPG"
"""Instrument codes that record ground motion; pressure, rotation and the like do not."""

_PRESSURE: Final = ("D", "H")
"""Instrument and component code of a hydrophone: HDH, BDH, EDH and their like."""

_SIMILAR: Final = 0.9


_BY_PREFERENCE: Final = "ZNE123UVW"


@dataclass(frozen=True, slots=True)
class Choice:
    """The channels of one sensor to pick."""

    location: str
    """Location code."""
    band: str
    """Band and instrument code."""
    components: Mapping[str, Sequence[Trace]]
    """Traces by component of the picker: Z, N, E or H; absent ones are omitted."""
    codes: str
    """The component codes that were used, in the order of ``components``."""
    covered_s: float
    """Seconds of the day that are covered, summed over components."""
    channels: Mapping[str, Sequence[Trace]] = field(default_factory=dict)
    """The traces of each component code that was used."""
    weights: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    """The component codes that each component of most samples is made of, with their weights."""
    rotation: str = ""
    """The matrix if metadata give the channels other directions than their codes do."""
    notes: tuple[str, ...] = ()
    """What the user should know about the directions of the channels."""
    pressure: str = ""
    """Code of the hydrophone, for pickers that use one."""


def choose(
    channels: Mapping[Channel, Sequence[Trace]],
    day: Span | Sequence[Span],
    listed_locations: Collection[str],
    orientations: Mapping[str, Sequence[Orientation]] | None = None,
) -> Choice | None:
    """Return the channels to pick on a day, or None if no usable channel has data in it.

    ``day`` may also be parts of a day.  ``orientations`` are the directions of channels by location
    code, from station metadata.
    """
    spans = [day] if isinstance(day, Span) else list(day)
    sensors = [
        _Sensor(band, location, codes, spans, _rows(orientations or {}, location, band))
        for (band, location), codes in _by_sensor(channels).items()
    ]
    best = max((sensor.covered_s for sensor in sensors), default=0.0)
    if best <= 0:
        return None
    similar = [sensor for sensor in sensors if sensor.covered_s >= _SIMILAR * best]
    return min(similar, key=lambda sensor: _rank(sensor, listed_locations)).choice()


def unused(
    channels: Mapping[Channel, Sequence[Trace]],
    day: Span,
    orientations: Mapping[str, Sequence[Orientation]],
) -> list[str]:
    """Return why the channels of ground motion on a day cannot be used, if none can."""
    return sorted(
        {
            note
            for (band, location), codes in _by_sensor(channels).items()
            for note in _Sensor(
                band, location, codes, [day], _rows(orientations, location, band)
            ).notes
        }
    )


def instruments(codes: Iterable[str]) -> list[tuple[tuple[str, ...], int]]:
    """Return the channel codes of each instrument and its number of components, up to three.

    In the order of preference: more components first, then by `BAND_ORDER`.  The codes of
    hydrophones, which some pickers use, are with each instrument.
    """
    bands: dict[str, set[str]] = defaultdict(set)
    pressure = set()
    for code in codes:
        if len(code) == len("HHZ") and code[1] in _INSTRUMENTS:
            bands[code[:2]].add(code)
        elif code[1:] == "".join(_PRESSURE):
            pressure.add(code)
    found = [
        (tuple(sorted(own | pressure)), min(len(own), len(SLOTS)), b) for b, own in bands.items()
    ]
    found.sort(key=lambda one: (-one[1], *_band_rank(one[2])))
    return [(channels, components) for channels, components, _ in found]


def _band_rank(band: str) -> tuple[int, str]:
    return BAND_ORDER.index(band) if band in BAND_ORDER else len(BAND_ORDER), band


def _by_sensor(
    channels: Mapping[Channel, Sequence[Trace]],
) -> dict[tuple[str, str], dict[str, list[Trace]]]:
    """Return the traces of each component code, by band and location."""
    found: dict[tuple[str, str], dict[str, list[Trace]]] = {}
    for channel, traces in channels.items():
        if channel.band[1:] in _INSTRUMENTS:
            codes = found.setdefault((channel.band, channel.location), {})
            codes.setdefault(channel.component, []).extend(traces)
    return found


def _rows(
    orientations: Mapping[str, Sequence[Orientation]], location: str, band: str
) -> list[Orientation]:
    rows = orientations.get(location, orientations.get(ANY_LOCATION, ()))
    return [row for row in rows if row.channel[:2] == band]


class _Sensor:
    """The channels of one band and location, with their directions on some spans of a day."""

    def __init__(
        self,
        band: str,
        location: str,
        codes: Mapping[str, Sequence[Trace]],
        spans: Sequence[Span],
        rows: Sequence[Orientation],
    ) -> None:
        self.band, self.location, self._codes, self._spans = band, location, codes, spans
        self._covered = {
            code: sum(covered_s(traces, span) for span in spans) for code, traces in codes.items()
        }
        self._day = {code for code, seconds in self._covered.items() if seconds > 0}
        self._eras = self._directions(rows)
        self.notes = tuple(dict.fromkeys(n for _, found in self._eras for n in found.notes))
        self.covered_s = self._coverage()

    def _directions(self, rows: Sequence[Orientation]) -> list[tuple[int, SensorDirections]]:
        """Return the directions of the codes from each time on at which they change."""
        times = [(Grid(t.rate).time_ns(t.first), Grid(t.rate).time_ns(t.stop))
                 for traces in self._codes.values() for t in traces]  # fmt: skip
        first, last = min((a for a, _ in times), default=0), max((b for _, b in times), default=0)
        bounds = [first, *(at for at in orientation_bounds(rows) if first < at < last)]
        eras: list[tuple[int, SensorDirections]] = []
        for at in bounds:
            found = directions_at(rows, self.band, self._codes.keys(), self._day, at)
            if not eras or eras[-1][1].directions != found.directions:
                eras.append((at, found))
        return eras

    def _coverage(self) -> float:
        """Return the seconds covered, summed over at most three directions."""
        directions = self._eras[0][1].directions
        parallel: dict[tuple[float, ...], list[str]] = defaultdict(list)
        for code in sorted(self._day & directions.keys()):
            up, north, east = directions[code]
            parallel[abs(up), abs(north), abs(east)].append(code)
        seconds = sorted(map(self._union_s, parallel.values()), reverse=True)
        return sum(seconds[: len(SLOTS)])

    def _union_s(self, codes: Sequence[str]) -> float:
        """Return the seconds in which any of some codes has data."""
        if len(codes) == 1:
            return self._covered[codes[0]]
        traces = [trace for code in codes for trace in self._codes[code]]
        held = covered_spans(traces)
        return sum(
            max(min(part.end_ns, span.end_ns) - max(part.start_ns, span.start_ns), 0) / 1e9
            for span in self._spans
            for part in held
        )

    def choice(self) -> Choice:
        """Return the sensor as a choice, its components made of its channels."""
        preferred = sorted(
            self._codes,
            key=lambda code: (
                -self._covered[code],
                _BY_PREFERENCE.find(code) % (len(_BY_PREFERENCE) + 1),
                code,
            ),
        )
        eras = [(at, found.directions) for at, found in self._eras]
        known = {
            code: traces
            for code, traces in self._codes.items()
            if any(code in directions for _, directions in eras)
        }
        found = assemble(known, eras, preferred)
        return Choice(
            self.location,
            self.band,
            found.traces,
            "".join(found.used),
            self.covered_s,
            {code: self._codes[code] for code in found.used},
            found.weights,
            self._rotation(found),
            self.notes,
        )

    def _rotation(self, found: Components) -> str:
        """Return the matrix as text if it is not what the codes say."""
        by_code = directions_at((), self.band, self._codes.keys(), self._day, 0).directions
        if found.weights == weights_of(by_code, found.used):
            return ""
        rows = (
            f"{slot}=" + "".join(f"{weight:+.4f}{self.band}{code}" for code, weight in terms)
            for slot, terms in found.weights.items()
        )
        is_metadata = any(era.by_metadata for _, era in self._eras)
        return f"{'metadata' if is_metadata else 'codes'}: {', '.join(rows)}"


def with_pressure(choice: Choice, channels: Mapping[Channel, Sequence[Trace]], day: Span) -> Choice:
    """Return the choice with the best matching hydrophone, if there is one.

    Completeness comes first, then the same location code, the same band code, alphabetical order.
    """
    found = {
        channel: covered_s(traces, day)
        for channel, traces in channels.items()
        if (channel.band[1:], channel.component) == _PRESSURE
    }
    best = max(found.values(), default=0.0)
    similar = [channel for channel, seconds in found.items() if seconds >= _SIMILAR * best > 0]
    if not similar:
        return choice
    chosen = min(
        similar,
        key=lambda c: (c.location != choice.location, c.band[0] != choice.band[0], c),
    )
    traces = [
        trace
        for channel in sorted(found)
        if (channel.location, channel.band) == (chosen.location, chosen.band)
        for trace in channels[channel]
    ]
    code = f"{chosen.location}.{chosen.band}{chosen.component}".lstrip(".")
    return replace(choice, components={**choice.components, "H": traces}, pressure=code)


def _rank(sensor: _Sensor, listed: Collection[str]) -> tuple[int, str, bool, str]:
    return (*_band_rank(sensor.band), sensor.location not in listed, sensor.location)


def covered_s(traces: Sequence[Trace], day: Span) -> float:
    """Return the seconds of a span covered by traces of one rate."""
    total = 0.0
    for trace in traces:
        low, high = (Grid(trace.rate).first_at_or_after(t) for t in (day.start_ns, day.end_ns))
        total += max(min(trace.stop, high) - max(trace.first, low), 0) / float(trace.rate)
    return total


def covered_spans(traces: Iterable[Trace]) -> list[Span]:
    """Return the spans in which any of some traces has data, disjoint and ascending."""
    spans: list[Span] = []
    held = (
        Span(Grid(trace.rate).time_ns(trace.first), Grid(trace.rate).time_ns(trace.stop))
        for trace in traces
    )
    for span in sorted(held):
        if spans and span.start_ns <= spans[-1].end_ns:
            spans[-1] = Span(spans[-1].start_ns, max(spans[-1].end_ns, span.end_ns))
        else:
            spans.append(span)
    return spans
