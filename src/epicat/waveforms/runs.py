"""Merge the records of a channel into runs: contiguous samples on the grid of their rate.

A jump of one sample between records is jitter of the clock, not a gap: a missing sample is
interpolated, a doubled one dropped.  Where records overlap, the earlier one is kept.  Each of
these looks at two neighbouring records only, so the result does not depend on how much was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from epicat.waveforms.grid import Grid
from epicat.waveforms.records import Records

__all__ = ["Clock", "Run", "merge"]


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the true sample times are from the grid, record by record."""

    firsts: NDArray[np.int64]
    """First sample of each record, rising."""
    offsets_ns: NDArray[np.int64]
    """Nanoseconds by which the record's samples are later than the grid."""

    def offset_ns(self, index: int) -> int:
        """Return the offset at a sample."""
        at = int(np.searchsorted(self.firsts, index, side="right")) - 1
        return int(self.offsets_ns[max(at, 0)]) if len(self.firsts) else 0


@dataclass(frozen=True, slots=True)
class Run:
    """Contiguous samples of one channel on the grid of its rate."""

    rate: Fraction
    """Samples a second."""
    first: int
    """Index of the first sample on the grid."""
    samples: NDArray[np.generic]
    """The samples: counts, or whatever unit the archive keeps."""
    clock: Clock
    """The true times."""

    @property
    def stop(self) -> int:
        """Index after the last sample."""
        return self.first + len(self.samples)


@dataclass(frozen=True, slots=True)
class _Block:
    """A piece of a record that is to be laid on the grid."""

    first: int
    samples: NDArray[np.generic]


def merge(records: Iterable[Records], rate: Fraction) -> list[Run]:
    """Return the runs of one channel, rising in time and without overlap."""
    blocks: list[_Block] = []
    firsts: list[NDArray[np.int64]] = []
    offsets: list[NDArray[np.int64]] = []
    for record in records:
        if len(record.starts_ns) == 0:
            continue
        first, offset = Grid(rate).place(record.starts_ns)
        firsts.append(first)
        offsets.append(offset)
        blocks.extend(_contiguous(first, record))
    if not blocks:
        return []
    order = np.argsort(np.concatenate(firsts), kind="stable")
    clock = Clock(np.concatenate(firsts)[order], np.concatenate(offsets)[order])
    finite = [part for block in blocks for part in _finite(block)]
    finite.sort(key=lambda block: (block.first, -len(block.samples)))
    return [_run(parts, rate, clock) for parts in _joined(finite)]


def _contiguous(first: NDArray[np.int64], record: Records) -> Iterator[_Block]:
    """Cut at the records whose first sample is not the one after the last."""
    ends = np.cumsum(record.counts)
    breaks = np.flatnonzero(first[1:] != first[:-1] + record.counts[:-1]) + 1
    for low, high in zip([0, *breaks.tolist()], [*breaks.tolist(), len(first)], strict=True):
        begin = int(ends[low - 1]) if low else 0
        yield _Block(int(first[low]), record.samples[begin : int(ends[high - 1])])


def _finite(block: _Block) -> Iterator[_Block]:
    """Cut out samples that are no numbers: they are gaps."""
    if not np.issubdtype(block.samples.dtype, np.floating):
        yield block
        return
    good = np.concatenate([[False], np.isfinite(block.samples), [False]])
    borders = np.flatnonzero(good[1:] != good[:-1])
    for begin, end in borders.reshape(-1, 2).tolist():
        yield _Block(block.first + begin, block.samples[begin:end])


def _joined(blocks: Sequence[_Block]) -> Iterator[list[_Block]]:
    """Group blocks that follow on each other, and trim what overlaps."""
    group: list[_Block] = []
    stop = 0
    for block in blocks:
        if group and block.first + len(block.samples) <= stop:
            continue
        if group and block.first <= stop + 1:
            skip = max(stop - block.first, 0)
            if block.first == stop + 1:
                group.append(_Block(stop, _between(group[-1].samples[-1], block.samples[0])))
            group.append(_Block(block.first + skip, block.samples[skip:]))
        else:
            if group:
                yield group
            group = [block]
        stop = block.first + len(block.samples)
    if group:
        yield group


def _between(before: np.generic, after: np.generic) -> NDArray[np.float64]:
    return np.array([(float(before) + float(after)) / 2])  # type: ignore[arg-type]


def _run(parts: Sequence[_Block], rate: Fraction, clock: Clock) -> Run:
    first = parts[0].first
    if len(parts) == 1:
        return Run(rate, first, parts[0].samples, clock)
    return Run(rate, first, np.concatenate([part.samples for part in parts]), clock)
