"""Measure an instrument on a day: amplitudes at its picks, its envelope, first motions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat.amplitude.day_envelope import DayEnvelope
from epicat.amplitude.envelope import STEP_S, encode_envelope
from epicat.amplitude.polarity import first_motions
from epicat.amplitude.response import Response, ResponseError
from epicat.amplitude.rows import (
    COMPONENTS,
    AmplitudeFlag,
    Envelope,
    InstrumentAmplitudes,
)
from epicat.amplitude.windows import Windows, measure_windows, window_starts, without_windows
from epicat.amplitude.wood_anderson import wood_anderson_record
from epicat.model import Pick, Span
from epicat.waveforms.grid import Grid
from epicat.waveforms.traces import Trace

__all__ = ["Component", "Measured", "measure_instrument"]

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Component:
    """A channel of an instrument, measured as one of its components."""

    code: str
    """Component code of the channel."""
    traces: Sequence[Trace]
    """Its samples as recorded."""
    responses: Sequence[tuple[Span, Response]]
    """Its responses with their disjoint epochs; empty if none can be used."""
    turned: bool = False
    """Whether positive samples mean down or the negative direction."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of an instrument."""

    amplitudes: InstrumentAmplitudes
    """At the picks."""
    envelope: Envelope
    """Of the day."""
    problems: tuple[str, ...] = ()
    """Channels whose response has no usable inverse, with the reason."""

    @property
    def count(self) -> int:
        """Picks with an amplitude on at least one component."""
        return int(np.count_nonzero((self.amplitudes.flag == AmplitudeFlag.OK).any(axis=(1, 2))))


def measure_instrument(
    components: Mapping[str, Component],
    picks: Sequence[Pick],
    source: tuple[str, str],
    day: Span,
) -> Measured:
    """Measure the components Z, N, E of an instrument on a day.

    ``picks`` are those of the instrument in the order of time, ``source`` its trace id and band
    code.  Components are measured one at a time, to bound memory.
    """
    times_ns = np.array([pick.time_ns for pick in picks], np.int64)
    is_p = np.array([pick.phase == "P" for pick in picks], bool)
    polarity, ratio = np.zeros(len(picks), np.int8), np.zeros(len(picks))
    windows: list[Windows] = []
    envelopes: dict[str, DayEnvelope] = {}
    problems = []
    for slot in COMPONENTS:
        found = without_windows(len(picks), AmplitudeFlag.NO_RESPONSE)
        envelopes[slot] = DayEnvelope.empty(day)
        windows.append(found)
        if slot not in components:
            continue
        component = components[slot]
        try:
            _measure(component, times_ns, found, envelopes[slot])
        except ResponseError as error:
            problems.append(f"{source[1]}{component.code}: {error}")
        if slot == "Z":
            polarity, ratio = _first_motions(component, times_ns, is_p)
    codes = "".join(components[s].code if s in components else "-" for s in COMPONENTS)
    amplitudes = InstrumentAmplitudes(
        *source,
        codes,
        day.start_ns,
        times_ns // 1_000_000 * 1_000_000,
        tuple(pick.phase for pick in picks),
        np.stack([found.amplitude_mm for found in windows], axis=2),
        np.stack([found.period_s for found in windows], axis=2),
        np.stack([found.noise_mm for found in windows], axis=1),
        np.stack([found.flag for found in windows], axis=2),
        polarity,
        ratio,
    )
    return Measured(amplitudes, _envelope(envelopes, source, day), tuple(problems))


def _measure(component: Component, times_ns: I64, found: Windows, envelope: DayEnvelope) -> None:
    """Measure a channel: at the picks into ``found``, the day into ``envelope``."""
    covered = _covered(component, times_ns)
    found.flag[covered] = AmplitudeFlag.GAP
    for trace, response in _with_responses(component):
        record = wood_anderson_record(trace, response)
        envelope.add(trace, record)
        starts = window_starts(trace, times_ns)
        inside = np.flatnonzero((starts >= 0) & (starts < len(record)))
        found.put(inside, measure_windows(trace, record, starts[inside]))


def _covered(component: Component, times_ns: I64) -> NDArray[np.bool_]:
    """Return whether a response is known at each time."""
    found = np.zeros(len(times_ns), bool)
    for epoch, _ in component.responses:
        found |= (times_ns >= epoch.start_ns) & (times_ns < epoch.end_ns)
    return found


def _with_responses(component: Component) -> Iterator[tuple[Trace, Response]]:
    """Yield the parts of the traces in each epoch of a response."""
    for epoch, response in component.responses:
        for trace in component.traces:
            grid = Grid(trace.rate)
            low = max(trace.first, grid.first_at_or_after(epoch.start_ns))
            high = min(trace.stop, grid.first_at_or_after(epoch.end_ns))
            if low < high:
                yield trace.part(low, high), response


def _first_motions(
    component: Component, times_ns: I64, is_p: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    polarity, ratio = np.zeros(len(times_ns), np.int8), np.zeros(len(times_ns))
    for trace, response in _with_responses(component):
        starts = window_starts(trace, times_ns)
        inside = np.flatnonzero(is_p & (starts >= 0) & (starts < len(trace.samples)))
        turned = component.turned != (response.gain < 0)
        polarity[inside], ratio[inside] = first_motions(trace, starts[inside], turned=turned)
    return polarity, ratio


def _envelope(envelopes: Mapping[str, DayEnvelope], source: tuple[str, str], day: Span) -> Envelope:
    """Return the envelope of the vertical and of the larger of the two horizontals.

    Where only one horizontal is known, it stands for both.
    """
    north, east = envelopes["N"], envelopes["E"]
    larger = np.fmax(north.amplitude_mm, east.amplitude_mm)
    vertical = encode_envelope(envelopes["Z"].amplitude_mm, envelopes["Z"].unbounded)
    horizontal = encode_envelope(larger, north.unbounded | east.unbounded)
    return Envelope(*source, day.start_ns, STEP_S, vertical, horizontal)
