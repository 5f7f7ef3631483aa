"""Select the channels of a station for one day from those that have data.

Completeness comes first: the seconds of the day that are covered, summed over the vertical and the
two horizontals.  Bands and locations within a tenth of the most complete one count as equal;
`BAND_ORDER` decides between them, then the location code: those in the station list first, then in
alphabetical order.  So a preferred band with one component never hides a complete three-component
one, and a gap of a minute does not change the instrument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from epicat.model import Span
from epicat.waveforms.grid import Grid
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Trace

__all__ = ["BAND_ORDER", "SLOTS", "Choice", "choose", "covered_s", "with_pressure"]

BAND_ORDER: Final = (
    "HH", "BH", "EH", "SH", "DP", "EP", "CH", "CN", "GP",
    "HN", "EN", "BN", "SN", "HL", "EL", "BL", "SL",
)  # fmt: skip
"""Broadband and short-period velocity before nodal, before acceleration; others come last."""

_INSTRUMENTS: Final = "HLNPG"
"""Instrument codes that record ground motion; pressure, rotation and the like do not."""

SLOTS: Final[Mapping[str, str]] = {"Z": "Z3", "N": "N1", "E": "E2"}
"""The component codes that can fill each slot of a picker, in order of preference.

1 and 2 stand for N and E as in SeisBench; 3, which SeisBench ignores, stands for Z.
"""

_PRESSURE: Final = ("D", "H")
"""Instrument and component code of a hydrophone: HDH, BDH, EDH and their like."""

_SIMILAR: Final = 0.9


@dataclass(frozen=True, slots=True)
class Choice:
    """The channels to pick on one day."""

    location: str
    """Location code."""
    band: str
    """Band and instrument code."""
    components: Mapping[str, Sequence[Trace]]
    """Traces by slot of the picker: Z, N, E or H; absent ones are omitted."""
    codes: str
    """The selected component codes, in the order of ``components``."""
    covered_s: float
    """Seconds of the day that are covered, components added up."""
    pressure: str = ""
    """Code of the hydrophone, for pickers that use one."""


def choose(
    channels: Mapping[Channel, Sequence[Trace]], day: Span, listed_locations: Collection[str]
) -> Choice | None:
    """Return the channels to pick on a day, or None if no usable channel has data in it."""
    groups: dict[tuple[str, str], dict[Channel, Sequence[Trace]]] = defaultdict(dict)
    for channel, traces in channels.items():
        if channel.band[1:] in _INSTRUMENTS:
            groups[channel.band, channel.location][channel] = traces
    choices = [_choice(band, loc, group, day) for (band, loc), group in groups.items()]
    best = max((choice.covered_s for choice in choices), default=0.0)
    if best <= 0:
        return None
    similar = [choice for choice in choices if choice.covered_s >= _SIMILAR * best]
    return min(similar, key=lambda choice: _rank(choice, listed_locations))


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


def _rank(choice: Choice, listed: Collection[str]) -> tuple[int, str, bool, str]:
    known = choice.band in BAND_ORDER
    place = BAND_ORDER.index(choice.band) if known else len(BAND_ORDER)
    return (place, choice.band, choice.location not in listed, choice.location)


def _choice(
    band: str, location: str, group: Mapping[Channel, Sequence[Trace]], day: Span
) -> Choice:
    components: dict[str, Sequence[Trace]] = {}
    codes, covered = "", 0.0
    for slot, letters in SLOTS.items():
        candidates = [
            (sum(covered_s(traces, day) for traces in by_rate), -place, letter, by_rate)
            for place, letter in enumerate(letters)
            if (by_rate := [traces for c, traces in group.items() if c.component == letter])
        ]
        if candidates:
            seconds, _, letter, by_rate = max(candidates, key=lambda c: c[:2])
            components[slot] = [trace for traces in by_rate for trace in traces]
            codes += letter
            covered += seconds
    return Choice(location, band, components, codes, covered)


def covered_s(traces: Sequence[Trace], day: Span) -> float:
    """Return the seconds of a span covered by traces of one rate."""
    total = 0.0
    for trace in traces:
        low, high = (Grid(trace.rate).first_at_or_after(t) for t in (day.start_ns, day.end_ns))
        total += max(min(trace.stop, high) - max(trace.first, low), 0) / float(trace.rate)
    return total
