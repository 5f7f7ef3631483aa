"""Merge the records of a channel into traces: contiguous samples on the grid of their rate.

A jump of one sample between records is clock jitter, not a gap: a missing sample is interpolated,
a duplicate dropped.  Gaps of up to `BRIDGED_S` are interpolated, too: SeisBench, given the same
stream, makes a fragment of each stretch between them, and leaves out fragments that are shorter
than a window.  Where records overlap, the one that starts first is kept, of those the longest.
So a sample and its time depend only on the records that contain it, never on how much else was
read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epicat.waveforms.grid import Grid
from epicat.waveforms.quality_options import BRIDGED_S
from epicat.waveforms.records import Records

__all__ = ["Clock", "Trace", "join", "merge"]


_LARGEST = 1e15
"""Larger samples are damaged data: ground motion is smaller in any unit, digitisers count up to
2e9, and below this the sum of squares of a window fits into a float32."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Deviation of the true sample times from the grid, by record."""

    firsts: NDArray[np.int64]
    """Index of the first sample of each record, ascending."""
    offsets_ns: NDArray[np.int64]
    """Nanoseconds by which the samples of each record are later than the grid."""

    def offset_ns(self, index: int) -> int:
        """Return the offset at a sample."""
        at = int(np.searchsorted(self.firsts, index, side="right")) - 1
        return int(self.offsets_ns[max(at, 0)]) if len(self.firsts) else 0


def _none_bridged() -> NDArray[np.int64]:
    return np.empty((0, 2), np.int64)


@dataclass(frozen=True, slots=True)
class Trace:
    """Contiguous samples of one channel on the grid of its rate."""

    rate: Fraction
    """Samples per second."""
    first: int
    """Index of the first sample on the grid."""
    samples: NDArray[np.generic]
    """The samples: counts, or the unit of the archive."""
    clock: Clock
    """The true times."""
    bridged: NDArray[np.int64] = field(default_factory=_none_bridged)
    """First sample and length of each gap that was bridged by interpolation, (gaps, 2)."""

    @property
    def stop(self) -> int:
        """Index after the last sample."""
        return self.first + len(self.samples)

    def part(self, begin: int, end: int) -> Trace:
        """Return the samples between two indices on the grid, which lie inside the trace."""
        if (begin, end) == (self.first, self.stop):
            return self
        firsts = self.clock.firsts
        low = max(int(np.searchsorted(firsts, begin, side="right")) - 1, 0)
        high = int(np.searchsorted(firsts, end))
        clock = Clock(np.maximum(firsts[low:high], begin), self.clock.offsets_ns[low:high])
        kept = (self.bridged[:, 0] < end) & (self.bridged.sum(axis=1) > begin)
        samples = self.samples[begin - self.first : end - self.first]
        return Trace(self.rate, begin, samples, clock, self.bridged[kept])


def join(traces: Sequence[Trace]) -> list[Trace]:
    """Concatenate traces of one rate, ascending without overlap, where one follows another."""
    groups: list[list[Trace]] = []
    for trace in traces:
        if groups and groups[-1][-1].stop == trace.first:
            groups[-1].append(trace)
        else:
            groups.append([trace])
    return [group[0] if len(group) == 1 else _concatenated(group) for group in groups]


def _concatenated(traces: Sequence[Trace]) -> Trace:
    firsts, offsets = zip(*((t.clock.firsts, t.clock.offsets_ns) for t in traces), strict=True)
    return Trace(
        traces[0].rate,
        traces[0].first,
        _joined([trace.samples for trace in traces]),
        Clock(np.concatenate(firsts), np.concatenate(offsets)),
        np.concatenate([trace.bridged for trace in traces]),
    )


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Records to place on the grid, by column."""

    firsts: NDArray[np.int64]
    """Index of the first sample on the grid."""
    counts: NDArray[np.int64]
    """Samples."""
    offsets_ns: NDArray[np.int64]
    """Nanoseconds by which the samples are later than the grid."""
    begins: NDArray[np.int64]
    """Offset of the first sample in the concatenated samples."""


def merge(records: Iterable[Records], rate: Fraction, bridged_s: float = BRIDGED_S) -> list[Trace]:
    """Return the traces of one channel, ascending in time and without overlap.

    Gaps of up to ``bridged_s`` seconds, and those of a single sample, are interpolated linearly.
    """
    given = [record for record in records if len(record.samples)]
    if not given:
        return []
    samples = _joined([record.samples for record in given])
    pieces = _finite(_laid(given, rate), samples)
    order = np.lexsort((-pieces.counts, pieces.firsts))
    order = order[pieces.counts[order] > 0]
    firsts, counts = pieces.firsts[order], pieces.counts[order]
    # Where the pieces before each piece end.
    before = np.concatenate([firsts[:1], np.maximum.accumulate(firsts + counts)[:-1]])
    kept = np.flatnonzero(firsts + counts > before)
    firsts, before, order = firsts[kept], before[kept], order[kept]
    skips = np.maximum(before - firsts, 0)
    starts, offsets = firsts + skips, pieces.offsets_ns[order]
    begins = pieces.begins[order]
    ends, begins = begins + pieces.counts[order], begins + skips
    holes = firsts - before
    # Pieces that are adjacent in the records and in time form one part, usually the entire day.
    heads = np.flatnonzero((holes != 0) | (begins != np.append(-1, ends[:-1])))
    tails = np.append(heads, len(order))[1:] - 1
    spans = zip(begins[heads].tolist(), ends[tails].tolist(), strict=True)
    parts = [samples[begin:end] for begin, end in spans]
    holes = holes[heads]
    longest = max(1, int(Fraction(bridged_s).limit_denominator(10**6) * rate))
    cuts = [0, *(np.flatnonzero(holes[1:] > longest) + 1).tolist(), len(parts)]
    return [
        Trace(
            rate,
            int(starts[heads[low]]),
            _filled(parts[low:high], holes[low:high]),
            Clock(*(c[heads[low] : tails[high - 1] + 1] for c in (starts, offsets))),
            _bridged(starts[heads[low:high]], holes[low:high]),
        )
        for low, high in pairwise(cuts)
        if low < high
    ]


def _bridged(starts: NDArray[np.int64], holes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return start and length of each interpolated hole before a part but the first.

    A hole of one sample is jitter of the clock rather than a gap.
    """
    kept = np.flatnonzero(holes[1:] > 1) + 1
    return np.stack([starts[kept] - holes[kept], holes[kept]], axis=1)


def _laid(records: Sequence[Records], rate: Fraction) -> _Pieces:
    placed = [Grid(rate).place(record.starts_ns) for record in records]
    counts = np.concatenate([record.counts for record in records])
    return _Pieces(
        firsts=np.concatenate([firsts for firsts, _ in placed]),
        counts=counts,
        offsets_ns=np.concatenate([offsets for _, offsets in placed]),
        begins=np.cumsum(counts) - counts,
    )


def _finite(pieces: _Pieces, samples: NDArray[np.generic]) -> _Pieces:
    """Turn samples that are not finite, or too large, into gaps."""
    if not np.issubdtype(samples.dtype, np.floating):
        return pieces
    good = np.abs(samples) <= _LARGEST
    if good.all():
        return pieces
    starts = good & ~np.concatenate([[False], good[:-1]])
    starts[pieces.begins[pieces.counts > 0]] = True
    starts &= good
    begins = np.flatnonzero(starts)
    # A piece ends where the next one starts or the next bad sample is.
    borders = np.append(np.flatnonzero(starts | ~good), len(samples))
    counts = borders[np.searchsorted(borders, begins, side="right")] - begins
    owner = np.searchsorted(pieces.begins, begins, side="right") - 1
    firsts = pieces.firsts[owner] + begins - pieces.begins[owner]
    return _Pieces(firsts, counts, pieces.offsets_ns[owner], begins)


def _filled(parts: Sequence[NDArray[np.generic]], holes: NDArray[np.int64]) -> NDArray[np.generic]:
    """Concatenate parts; fill the holes between them with straight lines."""
    held = _joined(parts)
    counts = np.maximum(holes[1:], 0)
    if not counts.any():
        return held
    ends = np.cumsum([len(part) for part in parts])[:-1]
    low, high = held[ends - 1].astype(np.float64), held[ends].astype(np.float64)
    owner = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(1, len(owner) + 1) - (np.cumsum(counts) - counts)[owner]
    rest = counts[owner] + 1 - step
    between = (low[owner] * rest + high[owner] * step) / (counts[owner] + 1)
    return np.insert(held.astype(np.float64), ends[owner], between)


def _joined(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Concatenate parts, without a copy if there is only one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
