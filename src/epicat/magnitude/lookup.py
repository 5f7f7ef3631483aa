"""Amplitudes at picks and envelopes of some days, to look up."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epicat.amplitude.envelope import decode_envelope
from epicat.amplitude.rows import Envelope, InstrumentAmplitudes
from epicat.magnitude.laws import Component
from epicat.time import SECOND_NS

__all__ = ["Amplitudes", "PickRow"]

F64 = NDArray[np.float64]

_MS = 1_000_000


class PickRow(NamedTuple):
    """A pick of an event."""

    trace_id: str
    """``NET.STA.LOC``."""
    phase: str
    """``P`` or ``S``."""
    time_ns: int
    """Time."""
    pick_id: str
    """Its id."""


class Amplitudes:
    """Amplitudes at picks and envelopes of some days, to look up."""

    def __init__(
        self, amplitudes: Iterable[InstrumentAmplitudes], envelopes: Iterable[Envelope]
    ) -> None:
        times: dict[str, set[int]] = {}
        self._at: dict[tuple[str, str, int], tuple[InstrumentAmplitudes, int]] = {}
        for found in sorted(amplitudes, key=lambda a: (a.day_ns, a.trace_id, a.band), reverse=True):
            for i, (phase, time_ns) in enumerate(
                zip(found.phases, found.time_ns.tolist(), strict=True)
            ):
                self._at[found.trace_id, phase, time_ns // _MS] = (found, i)
                if phase == "P":
                    times.setdefault(found.trace_id, set()).add(time_ns // _MS)
        self._times = {trace: sorted(own) for trace, own in times.items()}
        self._envelopes: dict[str, list[Envelope]] = {}
        for envelope in sorted(envelopes, key=lambda e: (e.trace_id, e.band, e.day_ns)):
            self._envelopes.setdefault(envelope.trace_id, []).append(envelope)

    def at(self, pick: PickRow) -> tuple[InstrumentAmplitudes, int] | None:
        """Return the amplitudes of a pick's instrument, and the number of the pick there."""
        return self._at.get((pick.trace_id, pick.phase, pick.time_ns // _MS))

    def clear_s(self, pick: PickRow, own: Collection[PickRow]) -> float:
        """Return the seconds from a pick to the next P pick at its trace that is none of ``own``.

        Infinite if there is none.  An S pick may be one of the same event.
        """
        times = self._times.get(pick.trace_id, [])
        mine = {one.time_ns // _MS for one in own}
        at = bisect_right(times, pick.time_ns // _MS)
        later = (time_ms for time_ms in times[at:] if time_ms not in mine)
        return (next(later, math.inf) - pick.time_ns // _MS) / 1000

    @property
    def traces(self) -> tuple[str, ...]:
        """Traces with an envelope, in alphabetical order."""
        return tuple(sorted(self._envelopes))

    def steps(self, trace_id: str, component: Component, start_ns: int, end_ns: int) -> F64:
        """Return the bounds in mm of the steps that a span touches, (n,); NaN where unknown.

        Of several instruments the smallest bound counts.
        """
        by_band: dict[str, list[F64]] = {}
        for envelope in self._envelopes.get(trace_id, ()):
            values = envelope.vertical if component == "vertical" else envelope.horizontal
            step_ns = envelope.step_s * SECOND_NS
            first = max((start_ns - envelope.day_ns) // step_ns, 0)
            last = min(-((envelope.day_ns - end_ns) // step_ns), len(values))
            if first < last:
                part = decode_envelope(values[first:last])
                by_band.setdefault(envelope.band, []).append(part)
        joined = [np.concatenate(parts) for parts in by_band.values()]
        if not joined:
            return np.full(1, np.nan)
        length = max(map(len, joined))
        stacked = np.stack([part for part in joined if len(part) == length])
        known = np.where(np.isnan(stacked), np.inf, stacked).min(axis=0)
        return np.where(np.isnan(stacked).all(axis=0), np.nan, known)
