"""Lay the components of a station side by side: runs in, segments out.

A segment is a maximal span in which any component exists; a missing component is zero inside
it, as in SeisBench.  Its borders are real ones, or cut at the edge of what was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from epicat.model import Filter, Span
from epicat.waveforms.filters import filtered
from epicat.waveforms.grid import Grid
from epicat.waveforms.resample import resample
from epicat.waveforms.runs import Run

__all__ = ["Segment", "segments"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Samples of all components over a span without a gap."""

    first: int
    """Index of the first sample on the picker's grid."""
    data: NDArray[np.float32]
    """Shape (components, samples), in the order that the picker wants."""
    starts_really: bool
    """Whether the data begin here, rather than being cut at the edge of what was read."""
    ends_really: bool
    """Whether the data end here, rather than being cut at the edge of what was read."""
    runs: tuple[tuple[Run, ...], ...]
    """The runs of each component in the segment, for the true times of samples."""

    @property
    def stop(self) -> int:
        """Index after the last sample."""
        return self.first + self.data.shape[1]

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
    components: Mapping[str, Sequence[Run]],
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
    by_row = [_at_rate(components.get(name, ()), rate, (filters or {}).get(name)) for name in order]
    return [_segment(g, len(order), (low, high)) for g in _pieces(by_row, low, high)]


@dataclass(frozen=True, slots=True)
class _Piece:
    begin: int
    end: int
    row: int
    run: Run


def _at_rate(runs: Sequence[Run], rate: Fraction, how: Filter | None) -> list[Run]:
    """Bring runs to a rate; where runs of different rates overlap, the earlier one is kept."""
    at_rate = [r for run in runs if (r := _prepared(run, rate, how)) is not None]
    return sorted(at_rate, key=lambda run: (run.first, -run.stop))


def _prepared(run: Run, rate: Fraction, how: Filter | None) -> Run | None:
    if how is None:
        return resample(run, rate)
    prepared = resample(filtered(run, how), rate)
    if prepared is None:
        return None
    return replace(prepared, samples=prepared.samples.astype(np.float32, copy=False))


def _pieces(by_row: Sequence[Sequence[Run]], low: int, high: int) -> list[list[_Piece]]:
    """Group what touches or overlaps, whatever its component."""
    pieces = sorted(
        (
            _Piece(max(run.first, low), min(run.stop, high), row, run)
            for row, runs in enumerate(by_row)
            for run in runs
            if run.first < high and run.stop > low
        ),
        key=lambda piece: (piece.begin, piece.end, piece.row),
    )
    groups: list[list[_Piece]] = []
    stop = low - 1
    for piece in pieces:
        if not groups or piece.begin > stop:
            groups.append([])
        groups[-1].append(piece)
        stop = max(stop, piece.end)
    return groups


def _segment(pieces: Sequence[_Piece], rows: int, edges: tuple[int, int]) -> Segment:
    first, stop = pieces[0].begin, max(piece.end for piece in pieces)
    data = np.zeros((rows, stop - first), np.float32)
    filled = [first] * rows
    for piece in pieces:
        begin = max(piece.begin, filled[piece.row])
        if begin < piece.end:
            part = piece.run.samples[begin - piece.run.first : piece.end - piece.run.first]
            data[piece.row, begin - first : piece.end - first] = part
            filled[piece.row] = piece.end
    runs = tuple(tuple(p.run for p in pieces if p.row == row) for row in range(rows))
    return Segment(first, data, first > edges[0], stop < edges[1], runs)
