"""Lay the components of a station side by side: runs in, segments out.

A segment is a maximal span in which any component exists; a missing component is zero inside
it, as in SeisBench.  Its borders are real ones, or cut at the edge of what was read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from epicat.model import Filter, Span
from epicat.waveforms.filters import Filtered, filtered
from epicat.waveforms.grid import Grid
from epicat.waveforms.resample import resample
from epicat.waveforms.traces import Trace

__all__ = ["Piece", "Segment", "at_rate", "segments"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one component inside a segment."""

    begin: int
    """Index of the first sample that is taken of the run."""
    end: int
    """Index after the last one."""
    row: int
    """Where the component stands in the order that the picker wants."""
    run: Trace
    """The run, at the picker's rate, in whatever type the archive keeps."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Samples of all components over a span without a gap.

    They stay in the runs: a day of them in 32 bits beside what was read would be a third of a
    worker's memory, and no one needs more than a few windows at a time.
    """

    first: int
    """Index of the first sample on the picker's grid."""
    stop: int
    """Index after the last sample."""
    rows: tuple[tuple[Piece, ...], ...]
    """The pieces of each component, in the picker's order, rising and without overlap."""
    starts_really: bool
    """Whether the data begin here, rather than being cut at the edge of what was read."""
    ends_really: bool
    """Whether the data end here, rather than being cut at the edge of what was read."""
    runs: tuple[tuple[Trace, ...], ...]
    """The runs of each component in the segment, for the true times of samples."""

    def fill(self, window: NDArray[np.float32], begin: int) -> None:
        """Fill a window (components, samples) with what is there from a sample on, else zeros."""
        end = begin + window.shape[1]
        for row, pieces in zip(window, self.rows, strict=True):
            row[:] = 0
            at = max(bisect_right(pieces, begin, key=_begin) - 1, 0)
            for piece in pieces[at:]:
                if piece.begin >= end:
                    break
                low, high, first = max(piece.begin, begin), min(piece.end, end), piece.run.first
                if low < high:
                    part = piece.run.samples[low - first : high - first]
                    row[low - begin : high - begin] = part

    @property
    def data(self) -> NDArray[np.float32]:
        """All of it, of shape (components, samples)."""
        whole = np.empty((len(self.rows), self.stop - self.first), np.float32)
        self.fill(whole, self.first)
        return whole

    def time_ns(self, index: int, rate: Fraction) -> int:
        """Return the true time of a sample: of the mean of the components that have it."""
        offsets = [
            run.clock.offset_ns(index)
            for runs in self.runs
            for run in runs
            if run.first <= index < run.stop
        ]
        mean = sum(offsets) // len(offsets) if offsets else 0
        return Grid(rate).time_ns(index) + mean


def segments(
    components: Mapping[str, Sequence[Trace]],
    order: str,
    rate: Fraction,
    read: Span,
    filters: Mapping[str, Filter] | None = None,
) -> list[Segment]:
    """Return the segments of a station, rising in time.

    ``components`` holds the runs by Z, N and E; ``order`` is the picker's order of these, such
    as ``ENZ``; ``read`` is the span that was read: borders at its edges are not real.
    ``filters`` are applied by component, before resampling.
    """
    grid = Grid(rate)
    low, high = grid.first_at_or_after(read.start_ns), grid.first_at_or_after(read.end_ns)
    by_row = [at_rate(components.get(name, ()), rate, (filters or {}).get(name)) for name in order]
    return [_segment(g, len(order), (low, high)) for g in _pieces(by_row, low, high)]


def at_rate(runs: Sequence[Trace], rate: Fraction, how: Filter | None = None) -> list[Trace]:
    """Bring runs to a rate, filtered if that is wanted.

    Where runs of different rates overlap, the earlier one is kept.
    """
    brought = [r for run in runs if (r := _prepared(run, rate, how)) is not None]
    return sorted(brought, key=lambda run: (run.first, -run.stop))


def _prepared(run: Trace, rate: Fraction, how: Filter | None) -> Trace | None:
    if how is None:
        return resample(run, rate)
    if run.rate == rate:
        return filtered(run, how, np.float32)
    passed = Filtered.from_filter(run, how)
    return resample(run, rate, passed.read if passed else None)


def _pieces(by_row: Sequence[Sequence[Trace]], low: int, high: int) -> list[list[Piece]]:
    """Group what touches or overlaps, whatever its component."""
    pieces = sorted(
        (
            Piece(max(run.first, low), min(run.stop, high), row, run)
            for row, runs in enumerate(by_row)
            for run in runs
            if run.first < high and run.stop > low
        ),
        key=lambda piece: (piece.begin, piece.end, piece.row),
    )
    groups: list[list[Piece]] = []
    stop = low - 1
    for piece in pieces:
        if not groups or piece.begin > stop:
            groups.append([])
        groups[-1].append(piece)
        stop = max(stop, piece.end)
    return groups


def _segment(pieces: Sequence[Piece], rows: int, edges: tuple[int, int]) -> Segment:
    first, stop = pieces[0].begin, max(piece.end for piece in pieces)
    kept: list[list[Piece]] = [[] for _ in range(rows)]
    filled = [first] * rows
    for piece in pieces:
        begin = max(piece.begin, filled[piece.row])
        if begin < piece.end:
            kept[piece.row].append(replace(piece, begin=begin))
            filled[piece.row] = piece.end
    runs = tuple(tuple(p.run for p in pieces if p.row == row) for row in range(rows))
    by_row = tuple(map(tuple, kept))
    return Segment(first, stop, by_row, first > edges[0], stop < edges[1], runs)


def _begin(piece: Piece) -> int:
    return piece.begin
