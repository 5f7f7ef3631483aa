"""Continuous recording of one sensor in counts: noise, disturbances and earthquakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epicat.model import Span
from epicat.synthetic.amplitude import expected_snr, noise_levels, signal_to_noise, wood_anderson_mm
from epicat.synthetic.faults import affected_stations, clock_offset_ns, spikes_and_glitches
from epicat.synthetic.ground_motion import Shaking, velocity_spectrum
from epicat.synthetic.instruments import band_of
from epicat.synthetic.network import Place, Sensor
from epicat.synthetic.noise import HOP_S, Stretches, counts_power, disturbance
from epicat.synthetic.sampling import Frame, add_rows, stream
from epicat.synthetic.scenario import Scenario
from epicat.synthetic.seismicity import Earthquake
from epicat.time import DAY_NS, SECOND_NS
from epicat.velocity.layers import Phase

__all__ = ["RecordedEarthquake", "Recorder"]

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

_HOP_NS = HOP_S * SECOND_NS
_MIN_SNR = 0.05
"""Earthquakes with an expected S signal-to-noise ratio below this are skipped."""
_LEAD_S = 3
_DEAD_COUNTS = 37


@dataclass(frozen=True, slots=True)
class RecordedEarthquake:
    """An earthquake as recorded by a sensor."""

    quake: Earthquake
    """The earthquake."""
    shaking: Shaking
    """Source, path and site."""
    snr: dict[Phase, float]
    """Signal-to-noise ratio of P and S."""
    wood_anderson_mm: float
    """Wood-Anderson amplitude, the geometric mean of N and E, in mm."""

    def time_ns(self, phase: Phase) -> int:
        """Return the arrival time of a phase."""
        return self.quake.time_ns + round(self.shaking.path.ray(phase).time_s * SECOND_NS)


@dataclass(slots=True)
class _Trace:
    """The counts of an earthquake."""

    start_ns: int
    counts: F64


class Recorder:
    """Records one sensor of one station, hop by hop in order of time, from any start.

    Keeps only the earthquakes that are still recorded, so its memory is bounded.
    """

    def __init__(self, scenario: Scenario, place: Place, sensor: Sensor) -> None:
        self._scenario, self._place, self._sensor = scenario, place, sensor
        self._instrument, self.rate = band_of(sensor.band)
        self._noise = [self._stretches(c) for c in "ZNE"]
        self._traces: dict[str, _Trace | None] = {}
        has = {kind: self._has_fault(kind) for kind in ("jitter", "clipping", "dead")}
        self._is_jittery = has["jitter"]
        self._clip = self._narrow_range() if has["clipping"] else self._instrument.clip
        self._dead = int(stream(scenario.seed, "dead", place.name).integers(3))
        self.dead_component = "ZNE"[self._dead] if has["dead"] else ""
        self.earthquakes: list[RecordedEarthquake] = []
        """Earthquakes recorded so far."""

    def hops(self, span: Span) -> Iterator[tuple[int, I32]]:
        """Yield the counts of a span, which begins and ends on whole seconds, in pieces.

        Each piece is the time in ns of its first sample, and an array of rows Z, N, E.
        """
        for number in range(span.start_ns // _HOP_NS, -(-span.end_ns // _HOP_NS)):
            start = number * _HOP_NS
            counts = self._counts(number)
            low = max(0, (span.start_ns - start) // SECOND_NS * self.rate)
            high = min(HOP_S, (span.end_ns - start) // SECOND_NS) * self.rate
            first = start + low // self.rate * SECOND_NS
            yield first + self._offset_ns(start), counts[:, low:high]

    def _has_fault(self, kind: str) -> bool:
        seed, names = self._scenario.seed, [p.name for p in self._scenario.places]
        is_requested = kind in self._scenario.faults
        return is_requested and self._place.name in affected_stations(seed, kind, names)

    def _counts(self, number: int) -> I32:
        start = number * _HOP_NS
        total = np.array([noise.hop(number) for noise in self._noise], dtype=float)
        for before in (number - 1, number):
            for at, extra in self._disturbances(before):
                add_rows(total, extra, round((at - start) * self.rate / SECOND_NS))
        self._add_quakes(total, Span(start, start + _HOP_NS))
        self._add_spikes_and_glitches(total, Span(start, start + _HOP_NS))
        counts: I32 = np.rint(np.clip(total, -self._clip, self._clip)).astype(np.int32)
        if self.dead_component:
            counts[self._dead] = _DEAD_COUNTS
        return counts

    def _stretches(self, component: str) -> Stretches:
        seed, place = self._scenario.seed, self._place

        def power(time_ns: int, frequency: F64) -> F64:
            now = place.ambient.at(time_ns, place.longitude)
            return counts_power(now, component, self._instrument, self.rate, frequency)

        return Stretches(
            self.rate, power, lambda number: stream(seed, "noise", place.name, component, number)
        )

    def _levels(self, time_ns: int) -> tuple[float, ...]:
        now = self._place.ambient.at(time_ns, self._place.longitude)
        return noise_levels(now, self._instrument, self.rate)

    def _narrow_range(self) -> float:
        frequency = np.linspace(0.02, self.rate / 2, 2000)
        ambient, rate = self._place.ambient, self.rate
        power = counts_power(ambient, "N", self._instrument, rate, frequency)
        return 1500.0 + 8.0 * float(np.sqrt(power.sum() * (frequency[1] - frequency[0])))

    def _offset_ns(self, time_ns: int) -> int:
        if not self._is_jittery:
            return 0
        return clock_offset_ns(self._scenario.seed, self._place.name, time_ns, self.rate)

    def _disturbances(self, number: int) -> Iterator[tuple[int, F64]]:
        """Yield the disturbances that begin in a stretch; there are more by day than by night."""
        rng = stream(self._scenario.seed, "disturbances", self._place.name, number)
        start = number * _HOP_NS
        hour = 24.0 * (start % DAY_NS) / DAY_NS + self._place.longitude / 15.0
        activity = 1.0 + 0.8 * np.cos(2 * np.pi * (hour - 14.0) / 24.0)
        mean = self._scenario.disturbances_per_hour * activity * HOP_S / 3600.0
        for _ in range(int(rng.poisson(mean))):
            at = start + int(rng.uniform(0, HOP_S)) * SECOND_NS
            yield at, disturbance(rng, self.rate, self._levels(at)[0])

    def _add_spikes_and_glitches(self, total: F64, span: Span) -> None:
        kinds, name = self._scenario.faults, self._place.name
        for row, time, values in spikes_and_glitches(
            self._scenario.seed, name, kinds, span, self.rate
        ):
            begin = (time - span.start_ns) * self.rate // SECOND_NS
            add_rows(total[row : row + 1], values[None], int(begin))

    def _add_quakes(self, total: F64, span: Span) -> None:
        seen = self._scenario.quakes_seen(span)
        kept = {quake.event_id for quake in seen}
        self._traces = {name: t for name, t in self._traces.items() if name in kept}
        for quake in seen:
            if quake.event_id not in self._traces:
                self._traces[quake.event_id] = self._trace(quake)
            trace = self._traces[quake.event_id]
            if trace is not None:
                add_rows(
                    total, trace.counts, (trace.start_ns - span.start_ns) // SECOND_NS * self.rate
                )
                if trace.start_ns + trace.counts.shape[1] * SECOND_NS // self.rate < span.end_ns:
                    self._traces[quake.event_id] = None

    def _trace(self, quake: Earthquake) -> _Trace | None:
        """Return the counts of an earthquake, or None if it is below the noise here."""
        crust, shaking = self._scenario.crust, self._scenario.shaking(quake, self._place)
        p_ns = quake.time_ns + int(shaking.path.p.time_s * SECOND_NS)
        noise = self._levels(p_ns)
        if expected_snr(crust, shaking, "S", self._instrument, noise) < _MIN_SNR:
            return None
        start_ns = (p_ns // SECOND_NS - _LEAD_S) * SECOND_NS
        frame = Frame((start_ns - quake.time_ns) / SECOND_NS, _seconds(shaking), self.rate)
        velocity = velocity_spectrum(crust, shaking, frame)
        # Samples taken late record the ground motion of a later time.
        late_s = self._offset_ns(start_ns // _HOP_NS * _HOP_NS) / SECOND_NS
        velocity *= np.exp(2j * np.pi * frame.frequency * late_s)
        counts = frame.samples_of(velocity * self._instrument.response(frame.frequency, self.rate))
        self.earthquakes.append(
            RecordedEarthquake(
                quake,
                shaking,
                signal_to_noise(shaking, frame, counts, noise),
                wood_anderson_mm(velocity, frame),
            )
        )
        return _Trace(start_ns, counts)


def _seconds(shaking: Shaking) -> int:
    """Return the length of an earthquake's waveform: 1.5 times its coda duration.

    The duration is that of Lee, Bennett and Meagher (1972, USGS Open-File Report 72-223):
    M = -0.87 + 2 log10(duration) + 0.0035 distance.
    """
    path = shaking.path
    exponent = (shaking.source.magnitude + 0.87 - 0.0035 * path.distance_km) / 2
    coda = 20.0 + 1.5 * 10**exponent
    needed = _LEAD_S + (path.s.time_s - path.p.time_s) + min(coda, 1200.0)
    return 2 * int(fft.next_fast_len(int(needed / 2) + 1, real=True))
