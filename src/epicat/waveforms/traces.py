"""Merge the records of a channel into traces: contiguous samples on the grid of their rate.

A jump of one sample between records is clock jitter, not a gap: a missing sample is interpolated, a
duplicate dropped.  Where records overlap, the one that starts first is kept, of those the longest.
So a sample and its time depend only on the records that contain it, never on how much else was
read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epicat.waveforms.grid import Grid
from epicat.waveforms.records import Records

__all__ = ["Clock", "Trace", "merge"]


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

    @property
    def stop(self) -> int:
        """Index after the last sample."""
        return self.first + len(self.samples)


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


def merge(records: Iterable[Records], rate: Fraction) -> list[Trace]:
    """Return the traces of one channel, ascending in time and without overlap."""
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
    cuts = [0, *(np.flatnonzero(holes[1:] > 1) + 1).tolist(), len(parts)]
    return [
        Trace(
            rate,
            int(starts[heads[low]]),
            _filled(parts[low:high], holes[low:high]),
            Clock(*(c[heads[low] : tails[high - 1] + 1] for c in (starts, offsets))),
        )
        for low, high in pairwise(cuts)
        if low < high
    ]


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
    """Concatenate parts; interpolate each hole of one sample between them."""
    filled = [parts[0]]
    for part, hole in zip(parts[1:], holes[1:].tolist(), strict=True):
        if hole == 1:
            filled.append(_between(filled[-1][-1], part[0]))
        filled.append(part)
    return _joined(filled)


def _joined(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Concatenate parts, without a copy if there is only one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _between(before: np.generic, after: np.generic) -> NDArray[np.float64]:
    return np.array([(float(before) + float(after)) / 2])  # type: ignore[arg-type]
