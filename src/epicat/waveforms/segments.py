"""Align the components of a station: traces in, segments out.

A segment is a maximal span in which any component has data; missing components are zero inside it,
as in SeisBench.  Its ends are real, or truncated at the edge of the span that was read.
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
    """The part of a trace inside a segment."""

    begin: int
    """Index of the first sample used."""
    end: int
    """Index after the last sample used."""
    row: int
    """Position of the component in the picker's order."""
    trace: Trace
    """The trace at the picker's rate, in the archive's sample type."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Samples of all components over a span without a gap.

    The samples stay in the traces: a float32 copy of a day would take a third of a worker's
    memory, and only a few windows are needed at a time.
    """

    first: int
    """Index of the first sample on the picker's grid."""
    stop: int
    """Index after the last sample."""
    rows: tuple[tuple[Piece, ...], ...]
    """The pieces of each component in the picker's order, ascending and without overlap."""
    has_real_start: bool
    """Whether the data begin here, rather than at the edge of the span that was read."""
    has_real_end: bool
    """Whether the data end here, rather than at the edge of the span that was read."""
    traces: tuple[tuple[Trace, ...], ...]
    """The traces of each component, for the true times of samples."""

    def fill(self, window: NDArray[np.float32], begin: int) -> None:
        """Fill a window (components, samples) from a sample on, with zeros in gaps."""
        end = begin + window.shape[1]
        for row, pieces in zip(window, self.rows, strict=True):
            row[:] = 0
            at = max(bisect_right(pieces, begin, key=_begin) - 1, 0)
            for piece in pieces[at:]:
                if piece.begin >= end:
                    break
                low, high, first = max(piece.begin, begin), min(piece.end, end), piece.trace.first
                if low < high:
                    part = piece.trace.samples[low - first : high - first]
                    row[low - begin : high - begin] = part

    @property
    def data(self) -> NDArray[np.float32]:
        """All samples, of shape (components, samples)."""
        whole = np.empty((len(self.rows), self.stop - self.first), np.float32)
        self.fill(whole, self.first)
        return whole

    def time_ns(self, index: int, rate: Fraction) -> int:
        """Return the true time of a sample, averaged over the components that have it."""
        offsets = [
            trace.clock.offset_ns(index)
            for traces in self.traces
            for trace in traces
            if trace.first <= index < trace.stop
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
    """Return the segments of a station, ascending in time.

    ``components`` holds the traces by Z, N and E; ``order`` is the picker's order of these, such
    as ``ENZ``; ``read`` is the span that was read: borders at its edges are not real.
    ``filters`` are applied by component, before resampling.
    """
    grid = Grid(rate)
    low, high = grid.first_at_or_after(read.start_ns), grid.first_at_or_after(read.end_ns)
    by_row = [at_rate(components.get(name, ()), rate, (filters or {}).get(name)) for name in order]
    return [_segment(g, len(order), (low, high)) for g in _pieces(by_row, low, high)]


def at_rate(traces: Sequence[Trace], rate: Fraction, how: Filter | None = None) -> list[Trace]:
    """Resample traces to a rate, after an optional filter, sorted by time."""
    resampled = [r for trace in traces if (r := _prepared(trace, rate, how)) is not None]
    return sorted(resampled, key=lambda trace: (trace.first, -trace.stop))


def _prepared(trace: Trace, rate: Fraction, how: Filter | None) -> Trace | None:
    if how is None:
        return resample(trace, rate)
    if trace.rate == rate:
        return filtered(trace, how, np.float32)
    passed = Filtered.from_filter(trace, how)
    return resample(trace, rate, passed.read if passed else None)


def _pieces(by_row: Sequence[Sequence[Trace]], low: int, high: int) -> list[list[Piece]]:
    """Group traces that touch or overlap, of all components."""
    pieces = sorted(
        (
            Piece(max(trace.first, low), min(trace.stop, high), row, trace)
            for row, traces in enumerate(by_row)
            for trace in traces
            if trace.first < high and trace.stop > low
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
    traces = tuple(tuple(p.trace for p in pieces if p.row == row) for row in range(rows))
    by_row = tuple(map(tuple, kept))
    return Segment(first, stop, by_row, first > edges[0], stop < edges[1], traces)


def _begin(piece: Piece) -> int:
    return piece.begin
