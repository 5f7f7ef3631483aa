"""Quality control of waveforms: which channels and segments of a station-day are excluded.

Every decision concerns one UTC day and uses only that day: channels are judged by their samples
inside it, segments by the day with its halo, whose length does not depend on the partitioning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from epicat.ledger import Flag
from epicat.model import Span
from epicat.time import SECOND_NS
from epicat.waveforms.channel_selection import Choice
from epicat.waveforms.flat import clipped_share, dead_share
from epicat.waveforms.grid import Grid
from epicat.waveforms.quality_options import QualityOptions
from epicat.waveforms.records import Channel
from epicat.waveforms.segments import Segment
from epicat.waveforms.traces import Trace

__all__ = [
    "Exclusion",
    "QualityOptions",
    "bridged_gaps",
    "faint_amplitude",
    "flags_of",
    "name_of",
    "usable_choice",
    "usable_segments",
]

Channels = Mapping[Channel, Sequence[Trace]]

DEAD: Final = "dead channel"
CLIPPED: Final = "clipped channel"
SHORT: Final = "short segment"
GAPPY: Final = "gap share"
BRIDGED: Final = "bridged gap"
_MEASURED: Final = 100
"""Windows of a trace whose amplitude is measured, about."""
_FAINT: Final = 1e-9
"""Standard deviation below which SeisBench's normalisation loses a tenth or more."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that quality control excluded from a station-day, or repaired in it."""

    criterion: str
    """The criterion that failed, or the repair."""
    text: str
    """Description with the measured value and the limit."""
    count: int = 1
    """How many channels or segments."""
    channel: str = ""
    """``LOC.CHA`` of an excluded channel."""


def flags_of(exclusions: Iterable[Exclusion]) -> tuple[Flag, ...]:
    """Return the exclusions counted by criterion, in alphabetical order."""
    counts: Counter[str] = Counter()
    for exclusion in exclusions:
        counts[exclusion.criterion] += exclusion.count
    return tuple(Flag(*item) for item in sorted(counts.items()))


def usable_choice(
    choose: Callable[[Channels], Choice | None], channels: Channels, day: Span,
    options: QualityOptions,
) -> tuple[Choice | None, list[Exclusion]]:  # fmt: skip
    """Select the channels of a day, repeatedly, until none of them is dead or clipped.

    Only channels that would be picked are checked and reported.  Returns None if no channel
    passes.
    """
    exclusions: list[Exclusion] = []
    left = dict(channels)
    while (choice := choose(left)) is not None:
        bad = _exclusions(choice, day, options)
        if not bad:
            break
        exclusions += bad.values()
        left = {c: traces for c, traces in left.items() if name_of(c) not in bad}
    return choice, exclusions


def usable_segments(
    found: Sequence[Segment], day: Span, rate: Fraction, options: QualityOptions
) -> tuple[list[Segment], list[Exclusion]]:
    """Return the segments to pick, including those that lie only in the halo.

    Short ones are excluded, and all of them if the share of gaps is then too large.
    """
    usable = [segment for segment in found if not _is_short(segment, rate, options)]
    exclusions = _short_exclusions(found, day, rate, options)
    gaps, limit = _gap_share(usable, day, rate), options.max_gap_share
    if limit is not None and gaps > limit:
        text = f"gaps are {_percent(gaps)} of the day, more than {_percent(limit)}"
        return [], [*exclusions, Exclusion(GAPPY, text)]
    return usable, exclusions


def _is_short(segment: Segment, rate: Fraction, options: QualityOptions) -> bool:
    """Whether a segment is too short; one that continues beyond the span read is not."""
    least = options.min_segment_s
    if least is None or not (segment.has_real_start and segment.has_real_end):
        return False
    return (segment.stop - segment.first) / rate < least


def _short_exclusions(
    found: Sequence[Segment], day: Span, rate: Fraction, options: QualityOptions
) -> list[Exclusion]:
    inside = [segment for segment in found if _samples_inside(segment, day, rate) > 0]
    short = [segment for segment in inside if _is_short(segment, rate, options)]
    if not short:
        return []
    seconds = sum(segment.stop - segment.first for segment in short) / float(rate)
    text = (
        f"{len(short)} of {len(inside)} segments are shorter than {options.min_segment_s:g} s "
        f"({seconds:.1f} s in all)"
    )
    return [Exclusion(SHORT, text, len(short))]


def _samples_inside(segment: Segment, day: Span, rate: Fraction) -> int:
    grid = Grid(rate)
    low, high = grid.first_at_or_after(day.start_ns), grid.first_at_or_after(day.end_ns)
    return max(min(segment.stop, high) - max(segment.first, low), 0)


def _gap_share(segments: Sequence[Segment], day: Span, rate: Fraction) -> float:
    grid = Grid(rate)
    reached, high = grid.first_at_or_after(day.start_ns), grid.first_at_or_after(day.end_ns)
    covered = 0
    for segment in sorted(segments, key=lambda segment: segment.first):
        covered += max(min(segment.stop, high) - max(segment.first, reached), 0)
        reached = max(reached, segment.stop)
    whole = rate * Fraction(day.end_ns - day.start_ns, SECOND_NS)
    return max(1 - float(covered / whole), 0.0)


def bridged_gaps(choices: Iterable[Choice], day: Span) -> list[Exclusion]:
    """Return how many gaps of a day were bridged, in any of the channels that are picked."""
    found: dict[int, float] = {}
    for trace in (t for c in choices for traces in c.channels.values() for t in traces):
        grid = Grid(trace.rate)
        for first, count in trace.bridged.tolist():
            at = grid.time_ns(first)
            if day.start_ns <= at < day.end_ns:
                found[at] = max(found.get(at, 0.0), count / float(trace.rate))
    if not found:
        return []
    text = f"{len(found)} gaps of up to {max(found.values()):.3g} s interpolated"
    return [Exclusion(BRIDGED, text, len(found))]


def faint_amplitude(choices: Iterable[Choice], day: Span, window_s: float) -> str:
    """Return a note if the samples are too small for the normalisation of a picker, else nothing.

    SeisBench's models divide each window by its standard deviation, or its peak, plus 1e-10.
    Integers are never too small, so that only floats are measured, in some windows of the day.
    """
    deviations = []
    for trace in (t for c in choices for traces in c.components.values() for t in traces):
        if np.issubdtype(trace.samples.dtype, np.floating):
            grid, length = Grid(trace.rate), round(window_s * trace.rate)
            begin = max(trace.first, grid.first_at_or_after(day.start_ns)) - trace.first
            end = min(trace.stop, grid.first_at_or_after(day.end_ns)) - trace.first
            starts = range(begin, end - length + 1, max(length, (end - begin) // _MEASURED))
            windows = (trace.samples[at : at + length] for at in starts)
            deviations += [float(window.astype(np.float64).std()) for window in windows]
    live = [deviation for deviation in deviations if deviation > 0]
    typical = float(np.median(live)) if live else 1.0
    if typical >= _FAINT:
        return ""
    return (
        f"samples deviate by {typical:.1g} only, too little for the picker's normalisation "
        f"({_FAINT / 10:.0e}): store them in a smaller unit, such as nm or counts"
    )


def _exclusions(choice: Choice, day: Span, options: QualityOptions) -> dict[str, Exclusion]:
    """Return why selected channels are excluded, by channel name."""
    channels = {
        f"{choice.location}.{choice.band}{code}": traces for code, traces in choice.channels.items()
    }
    if choice.pressure:
        location, _, code = choice.pressure.rpartition(".")
        channels[f"{location}.{code}"] = choice.components["H"]
    judged = ((name, _exclusion(name, traces, day, options)) for name, traces in channels.items())
    return {name: exclusion for name, exclusion in judged if exclusion is not None}


def _exclusion(
    name: str, traces: Sequence[Trace], day: Span, options: QualityOptions
) -> Exclusion | None:
    code = name if not name.startswith(".") else f"--{name}"
    limit = options.max_dead_share
    if limit is not None and (share := dead_share(traces, day, options.dead_range or 0.0)) > limit:
        text = f"{code} is dead for {_over(share, limit)}"
        return Exclusion(DEAD, text, channel=name)
    limit = options.max_clipped_share
    if limit is not None and (share := clipped_share(traces, day)) > limit:
        text = f"{code} is clipped for {_over(share, limit)}"
        return Exclusion(CLIPPED, text, channel=name)
    return None


def name_of(channel: Channel) -> str:
    """Return ``LOC.CHA``, with nothing before the dot for a blank location."""
    return f"{channel.location}.{channel.band}{channel.component}"


def _over(share: float, limit: float) -> str:
    return f"{_percent(share)} of its time, more than {_percent(limit)}"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
