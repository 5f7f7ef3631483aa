"""Parts of a station-day: the sensor that is picked, and others for its gaps.

The first part is the sensor that `choose` prefers for the day.  Where none of its components has
data for at least a window of the picker, the best of the other sensors is picked, and so on.  A
pick belongs to the part in whose time its peak lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from epicat.model import Span
from epicat.waveforms.channel_selection import Choice, covered_spans
from epicat.waveforms.grid import Grid
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Trace

__all__ = ["Part", "further_parts"]

Channels = Mapping[Channel, Sequence[Trace]]


@dataclass(frozen=True, slots=True)
class Part:
    """A sensor, and the time in which its picks are used."""

    choice: Choice
    """The sensor."""
    owned: tuple[Span, ...]
    """Disjoint spans of the day, ascending."""

    def owns(self, time_ns: int) -> bool:
        """Return whether a pick at a time belongs to the part."""
        return any(span.start_ns <= time_ns < span.end_ns for span in self.owned)


def further_parts(
    first: Choice,
    channels: Channels,
    choose: Callable[[Channels, Sequence[Span]], Choice | None],
    day: Span,
    *,
    margin_ns: int,
    least_s: float,
) -> list[Part]:
    """Return the sensors for the gaps of a station-day's first choice, of at least ``least_s``.

    ``choose`` selects among channels by their data in some spans.  Waveforms reach up to
    ``margin_ns`` beyond the day and beyond each gap, so that windows are complete.
    """
    parts: list[Part] = []
    choice, left = first, dict(channels)
    gaps = [day.widened(margin_ns)]
    while True:
        held = covered_spans(trace for traces in choice.channels.values() for trace in traces)
        gaps = [g for g in without(gaps, held) if g.seconds >= least_s and g.overlaps(day)]
        left = {
            c: t for c, t in left.items() if (c.band, c.location) != (choice.band, choice.location)
        }
        inside = tuple(_clipped(gap, day) for gap in gaps)
        found = choose(left, inside) if gaps and left else None
        if found is None:
            return parts
        kept = [gap.widened(margin_ns) for gap in gaps]
        components = {name: cut(traces, kept) for name, traces in found.components.items()}
        parts.append(Part(replace(found, components=components), inside))
        choice = found


def without(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """Return what is left of spans outside others; all are disjoint and ascending."""
    left: list[Span] = []
    for span in spans:
        start = span.start_ns
        for other in taken:
            if other.end_ns <= start or other.start_ns >= span.end_ns:
                continue
            if other.start_ns > start:
                left.append(Span(start, other.start_ns))
            start = max(start, other.end_ns)
        if start < span.end_ns:
            left.append(Span(start, span.end_ns))
    return left


def cut(traces: Sequence[Trace], spans: Iterable[Span]) -> list[Trace]:
    """Return the parts of traces inside some spans, ascending."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start_ns <= merged[-1].end_ns:
            merged[-1] = Span(merged[-1].start_ns, max(merged[-1].end_ns, span.end_ns))
        else:
            merged.append(span)
    found = []
    for trace in traces:
        grid = Grid(trace.rate)
        for span in merged:
            begin = max(trace.first, grid.first_at_or_after(span.start_ns))
            end = min(trace.stop, grid.first_at_or_after(span.end_ns))
            if begin < end:
                found.append(trace.part(begin, end))
    return found


def _clipped(span: Span, day: Span) -> Span:
    return Span(max(span.start_ns, day.start_ns), min(span.end_ns, day.end_ns))
