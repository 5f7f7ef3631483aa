"""Make the components Z, N, E of a sensor from its channels, whatever their directions.

At each sample a component is one channel, the negative of one, or a weighted sum.  The weights
depend on which channels have data there and on the metadata valid at that time, so that channels of
one sensor join across a renaming, and a gap in one channel does not change the meaning of another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epicat.waveforms.grid import Grid
from epicat.waveforms.orientation import SLOTS, Directions, Weights, weights_of
from epicat.waveforms.segments import at_rate
from epicat.waveforms.traces import Trace, join

__all__ = ["Components", "assemble"]

Era = tuple[int, Directions]
"""A time in ns, and the directions of the component codes from then on."""

Terms = tuple[tuple[str, float], ...]
Span = tuple[int, int, Weights]
Piece = tuple[int, int, Terms]

_BLOCK = 2**20
"""Samples that are summed at once, to bound memory."""


@dataclass(slots=True)
class Components:
    """The components of a sensor, and what they were made of."""

    traces: dict[str, Sequence[Trace]] = field(default_factory=dict)
    """Traces by component; absent ones are omitted."""
    weights: dict[str, Terms] = field(default_factory=dict)
    """For each component, the codes and weights of most of its samples."""
    used: dict[str, None] = field(default_factory=dict)
    """The component codes that were used, in the order of the components."""


def assemble(
    codes: Mapping[str, Sequence[Trace]], eras: Sequence[Era], preferred: Sequence[str]
) -> Components:
    """Return the components of a sensor.

    ``codes`` holds the traces of each component code, ``eras`` the directions in order of time, and
    ``preferred`` the codes by preference, for times at which several have the same direction.
    """
    single = _one_to_one(codes, eras)
    if single is not None:
        return single
    rates = {trace.rate for traces in codes.values() for trace in traces}
    rate = max(rates)
    held = _Held(
        {
            code: traces if len(rates) == 1 else _disjoint(at_rate(traces, rate))
            for code, traces in codes.items()
            if traces
        }
    )
    starts = [Grid(rate).first_at_or_after(start_ns) for start_ns, _ in eras]
    spans = _spans(held, starts, preferred, [directions for _, directions in eras])
    found = Components()
    for slot in SLOTS:
        pieces = _pieces(held, spans, slot)
        if not pieces:
            continue
        found.traces[slot] = join([_sum(held, *piece) for piece in pieces])
        lengths: dict[Terms, int] = {}
        for begin, end, terms in pieces:
            lengths[terms] = lengths.get(terms, 0) + end - begin
        found.weights[slot] = max(lengths, key=lambda terms: (lengths[terms], terms))
        found.used |= dict.fromkeys(code for terms in sorted(lengths) for code, _ in terms)
    return found


def _one_to_one(codes: Mapping[str, Sequence[Trace]], eras: Sequence[Era]) -> Components | None:
    """Return the components where each is one code at all times, as nearly always."""
    if len(eras) != 1:
        return None
    directions = eras[0][1]
    weights = weights_of(directions, codes)
    terms = [weights[slot] for slot in SLOTS if slot in weights]
    used = [code for part in terms for code, weight in part if weight == 1]
    if sorted(used) != sorted(set(codes) & set(directions)) or any(len(t) != 1 for t in terms):
        return None
    return Components(
        {slot: codes[weights[slot][0][0]] for slot in SLOTS if slot in weights},
        dict(weights),
        dict.fromkeys(used),
    )


class _Held:
    """The traces of each component code on one grid."""

    def __init__(self, codes: Mapping[str, Sequence[Trace]]) -> None:
        self.codes = codes
        self._firsts = {code: [trace.first for trace in traces] for code, traces in codes.items()}

    def at(self, code: str, index: int) -> Trace | None:
        """Return the trace of a code that has a sample."""
        at = bisect_right(self._firsts.get(code, ()), index) - 1
        return self.codes[code][at] if at >= 0 and index < self.codes[code][at].stop else None


def _spans(
    held: _Held,
    starts: Sequence[int],
    preferred: Sequence[str],
    directions: Sequence[Directions],
) -> list[Span]:
    """Return the spans of samples in which the same codes have data, with their weights."""
    ends = {at for traces in held.codes.values() for t in traces for at in (t.first, t.stop)}
    bounds = sorted(ends | {s for s in starts if min(ends) < s < max(ends)})
    known: dict[tuple[int, tuple[str, ...]], Weights] = {}
    spans: list[Span] = []
    for begin, end in pairwise(bounds):
        era = max(bisect_right(starts, begin) - 1, 0)
        available = tuple(code for code in preferred if held.at(code, begin) is not None)
        if available:
            key = (era, available)
            if key not in known:
                known[key] = weights_of(directions[era], available)
            spans.append((begin, end, known[key]))
    return spans


def _pieces(held: _Held, spans: Iterable[Span], slot: str) -> list[Piece]:
    """Return the longest spans of samples in which a component is made of the same traces."""
    ends = {code: {trace.stop for trace in traces} for code, traces in held.codes.items()}
    pieces: list[Piece] = []
    for begin, end, weights in spans:
        terms = weights.get(slot)
        if terms is None:
            continue
        last = pieces[-1] if pieces else None
        is_same = last is not None and last[1:] == (begin, terms)
        if is_same and not any(begin in ends[code] for code, _ in terms):
            pieces[-1] = (pieces[-1][0], end, terms)
        else:
            pieces.append((begin, end, terms))
    return pieces


def _sum(held: _Held, begin: int, end: int, terms: Terms) -> Trace:
    """Return the weighted sum of codes over a span of samples."""
    parts = [(held.at(code, begin), weight) for code, weight in terms]
    cut = [(trace.part(begin, end), weight) for trace, weight in parts if trace is not None]
    main, weight = max(cut, key=lambda part: abs(part[1]))
    if len(cut) == 1 and abs(weight) == 1:
        samples = main.samples if weight == 1 else np.negative(main.samples)
        return main if weight == 1 else _with_samples(main, samples)
    samples = np.empty(end - begin, np.float32)
    for low in range(0, end - begin, _BLOCK):
        block = slice(low, low + _BLOCK)
        samples[block] = sum(w * t.samples[block].astype(np.float64) for t, w in cut)
    return _with_samples(main, samples)


def _with_samples(trace: Trace, samples: NDArray[np.generic]) -> Trace:
    return Trace(trace.rate, trace.first, samples, trace.clock, trace.bridged)


def _disjoint(traces: Sequence[Trace]) -> list[Trace]:
    """Cut off what an earlier trace has already."""
    found: list[Trace] = []
    for trace in traces:
        begin = max(trace.first, found[-1].stop) if found else trace.first
        if begin < trace.stop:
            found.append(trace.part(begin, trace.stop))
    return found
