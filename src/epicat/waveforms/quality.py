"""Quality control of waveforms: which channels and segments of a station-day are not picked.

Every decision is about one UTC day and is made from that day: channels from their samples
inside it, segments from the day with its halo, which is as long for every cut of the work.
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
    "Fault",
    "QualityOptions",
    "flags_of",
    "sound_choice",
    "sound_segments",
]

Channels = Mapping[Channel, Sequence[Trace]]

DEAD: Final = "dead channel"
CLIPPED: Final = "clipped channel"
SHORT: Final = "short segment"
GAPPY: Final = "gap share"


@dataclass(frozen=True, slots=True)
class Fault:
    """What quality control has left out of a station-day."""

    criterion: str
    """The limit that was not kept."""
    text: str
    """What it is, the measured value and the limit."""
    count: int = 1
    """How many channels or segments."""


def flags_of(faults: Iterable[Fault]) -> tuple[Flag, ...]:
    """Count faults by criterion, in alphabetical order."""
    counts: Counter[str] = Counter()
    for fault in faults:
        counts[fault.criterion] += fault.count
    return tuple(Flag(*item) for item in sorted(counts.items()))


def sound_choice(
    choose: Callable[[Channels], Choice | None], channels: Channels, day: Span,
    options: QualityOptions,
) -> tuple[Choice | None, list[Fault]]:  # fmt: skip
    """Choose the channels of a day, and again without those that are dead or clipped.

    Only channels that would have been picked are looked at, so that only these are told.
    None if nothing is left.
    """
    faults: list[Fault] = []
    left = dict(channels)
    while (choice := choose(left)) is not None:
        bad = _faults_of(choice, day, options)
        if not bad:
            break
        faults += bad.values()
        left = {c: runs for c, runs in left.items() if _name(c) not in bad}
    return choice, faults


def sound_segments(
    found: Sequence[Segment], day: Span, rate: Fraction, options: QualityOptions
) -> tuple[list[Segment], list[Fault]]:
    """Return the segments that are picked, those of the halo alone included.

    Short ones are left out, and all of them if too much of the day is gaps then.
    """
    sound = [segment for segment in found if not _is_short(segment, rate, options)]
    faults = _short_faults(found, day, rate, options)
    gaps, limit = _gap_share(sound, day, rate), options.max_gap_share
    if limit is not None and gaps > limit:
        text = f"gaps are {_percent(gaps)} of the day, more than {_percent(limit)}"
        return [], [*faults, Fault(GAPPY, text)]
    return sound, faults


def _is_short(segment: Segment, rate: Fraction, options: QualityOptions) -> bool:
    """Tell whether a segment is too short; one that goes on beyond what was read is not."""
    least = options.min_segment_s
    if least is None or not (segment.starts_really and segment.ends_really):
        return False
    return (segment.stop - segment.first) / rate < least


def _short_faults(
    found: Sequence[Segment], day: Span, rate: Fraction, options: QualityOptions
) -> list[Fault]:
    inside = [segment for segment in found if _samples_inside(segment, day, rate) > 0]
    short = [segment for segment in inside if _is_short(segment, rate, options)]
    if not short:
        return []
    seconds = sum(segment.stop - segment.first for segment in short) / float(rate)
    text = (
        f"{len(short)} of {len(inside)} segments are shorter than {options.min_segment_s:g} s "
        f"({seconds:.1f} s in all)"
    )
    return [Fault(SHORT, text, len(short))]


def _samples_inside(segment: Segment, day: Span, rate: Fraction) -> int:
    grid = Grid(rate)
    low, high = grid.first_at_or_after(day.start_ns), grid.first_at_or_after(day.end_ns)
    return max(min(segment.stop, high) - max(segment.first, low), 0)


def _gap_share(segments: Sequence[Segment], day: Span, rate: Fraction) -> float:
    covered = sum(_samples_inside(segment, day, rate) for segment in segments)
    whole = rate * Fraction(day.end_ns - day.start_ns, SECOND_NS)
    return max(1 - float(covered / whole), 0.0)


def _faults_of(choice: Choice, day: Span, options: QualityOptions) -> dict[str, Fault]:
    """Return the fault of each chosen channel that has one, by the channel's name."""
    names = [f"{choice.location}.{choice.band}{code}" for code in choice.codes]
    if choice.pressure:
        location, _, code = choice.pressure.rpartition(".")
        names.append(f"{location}.{code}")
    judged = (
        (name, _fault_of(name, runs, day, options))
        for name, runs in zip(names, choice.components.values(), strict=True)
    )
    return {name: fault for name, fault in judged if fault is not None}


def _fault_of(name: str, runs: Sequence[Trace], day: Span, options: QualityOptions) -> Fault | None:
    code = name if not name.startswith(".") else f"--{name}"
    limit = options.max_dead_share
    if limit is not None and (share := dead_share(runs, day, options.dead_range or 0.0)) > limit:
        return Fault(DEAD, f"{code} is dead for {_over(share, limit)}")
    limit = options.max_clipped_share
    if limit is not None and (share := clipped_share(runs, day)) > limit:
        return Fault(CLIPPED, f"{code} is clipped for {_over(share, limit)}")
    return None


def _name(channel: Channel) -> str:
    return f"{channel.location}.{channel.band}{channel.component}"


def _over(share: float, limit: float) -> str:
    return f"{_percent(share)} of its time, more than {_percent(limit)}"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
