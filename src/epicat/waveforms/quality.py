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

from epicat.model import Flag, Span
from epicat.time import SECOND_NS
from epicat.waveforms.channel_selection import Choice
from epicat.waveforms.flat import clipped_share, dead_share
from epicat.waveforms.grid import Grid
from epicat.waveforms.options import QualityOptions
from epicat.waveforms.records import Channel
from epicat.waveforms.segments import Segment
from epicat.waveforms.traces import Trace

__all__ = [
    "Exclusion",
    "QualityOptions",
    "flags_of",
    "usable_choice",
    "usable_segments",
]

Channels = Mapping[Channel, Sequence[Trace]]

DEAD: Final = "dead channel"
CLIPPED: Final = "clipped channel"
SHORT: Final = "short segment"
GAPPY: Final = "gap share"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that quality control excluded from a station-day."""

    criterion: str
    """The criterion that failed."""
    text: str
    """Description with the measured value and the limit."""
    count: int = 1
    """How many channels or segments."""


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
        left = {c: traces for c, traces in left.items() if _name(c) not in bad}
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
    covered = sum(_samples_inside(segment, day, rate) for segment in segments)
    whole = rate * Fraction(day.end_ns - day.start_ns, SECOND_NS)
    return max(1 - float(covered / whole), 0.0)


def _exclusions(choice: Choice, day: Span, options: QualityOptions) -> dict[str, Exclusion]:
    """Return why selected channels are excluded, by channel name."""
    names = [f"{choice.location}.{choice.band}{code}" for code in choice.codes]
    if choice.pressure:
        location, _, code = choice.pressure.rpartition(".")
        names.append(f"{location}.{code}")
    judged = (
        (name, _exclusion(name, traces, day, options))
        for name, traces in zip(names, choice.components.values(), strict=True)
    )
    return {name: exclusion for name, exclusion in judged if exclusion is not None}


def _exclusion(
    name: str, traces: Sequence[Trace], day: Span, options: QualityOptions
) -> Exclusion | None:
    code = name if not name.startswith(".") else f"--{name}"
    limit = options.max_dead_share
    if limit is not None and (share := dead_share(traces, day, options.dead_range or 0.0)) > limit:
        return Exclusion(DEAD, f"{code} is dead for {_over(share, limit)}")
    limit = options.max_clipped_share
    if limit is not None and (share := clipped_share(traces, day)) > limit:
        return Exclusion(CLIPPED, f"{code} is clipped for {_over(share, limit)}")
    return None


def _name(channel: Channel) -> str:
    return f"{channel.location}.{channel.band}{channel.component}"


def _over(share: float, limit: float) -> str:
    return f"{_percent(share)} of its time, more than {_percent(limit)}"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
