"""What each station says of each event: an amplitude, an upper bound, or why there is neither."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epicat.amplitude.rows import WINDOWS_S, AmplitudeFlag, InstrumentAmplitudes
from epicat.geo import distance_azimuth
from epicat.magnitude.laws import Component, Law
from epicat.magnitude.lookup import Amplitudes, PickRow
from epicat.time import SECOND_NS

__all__ = ["EventReadings", "Reading", "ReadingFlag", "Source", "Stations"]

F64 = NDArray[np.float64]

_CODA_S_PER_KM = 1 / 8
"""How long after S the largest amplitude may come: the spread of S and Lg velocities."""
_S_MINUS_P_S_PER_KM = 0.12
"""S minus P of a crust of 6 and 3.5 km/s."""
_LEAST_AFTER_S_S = 5.0
"""What the window of a P pick includes after S at least."""
_FASTEST_KM_S, _SLOWEST_KM_S = 8.0, 2.5
"""Velocities between which the waves of an event arrive."""
_TAIL_S = 10.0
"""How long the waves at the slowest velocity last."""
_NOISE_S = 60.0
"""How long before the first waves an envelope is taken for noise."""
_LEAST_NOISE_STEPS = 3
"""Steps of the envelope, of 10 s, without which noise is unknown."""
_S_PICK_LATE_S = 0.5
"""S may come so much before its pick."""
_MATTERS = 1.5
"""A bound so much above the median of the values says nothing."""
_NOISE_AT_PEAK = 0.8
"""Noise in the largest amplitude of a window, over the largest noise of the 8 s before the pick.

It is smaller, since the two are seldom largest at the same phase of a wave.  Chosen on synthetic
archives and a swarm: magnitudes of small events are too low with 1, and too high with 0.4.
"""


class ReadingFlag(StrEnum):
    """What a reading is, or why it has no value."""

    AMPLITUDE = "amplitude"
    """Measured at a pick, above noise."""
    BELOW_NOISE = "below noise"
    """An upper bound: what the noise would hide."""
    NO_PICK = "no pick"
    """The largest amplitude while the waves passed a station without a pick: the event's or a
    bound of it."""
    OUTSIDE_RANGE = "outside range"
    """The law was not made for this distance."""
    OUTLIER = "outlier"
    """Does not fit the other stations."""
    GAP = "gap"
    """The window has a gap or a filter transient."""
    CLIPPED = "clipped"
    """The record is clipped."""
    NO_RESPONSE = "no response"
    """No channel with a usable response."""
    OVERLAP = "overlap"
    """Another event's P pick follows within the shortest window, or before S."""
    NO_NOISE = "no noise level"
    """The noise before the pick is unknown."""
    TOO_FAR = "S after the window"
    """There is no S pick, and S may come after the longest window."""
    NOT_MEASURED = "not measured"
    """There is no amplitude at the pick."""


_REASONS = {
    AmplitudeFlag.GAP: ReadingFlag.GAP,
    AmplitudeFlag.CLIPPED: ReadingFlag.CLIPPED,
    AmplitudeFlag.NO_RESPONSE: ReadingFlag.NO_RESPONSE,
}


class Source(NamedTuple):
    """Time and place of an event."""

    event_id: str
    """Its id."""
    time_ns: int
    """Origin time."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    depth_km: float
    """Kilometres below sea level."""


class Reading(NamedTuple):
    """What a station says of an event."""

    trace_id: str
    """``NET.STA.LOC``."""
    pick_id: str | None
    """The pick whose window was measured; None at a station without one."""
    time_ns: int
    """Time of that pick, or the origin time."""
    distance_km: float
    """Hypocentral distance."""
    flag: ReadingFlag
    """What it is."""
    magnitude: float = math.nan
    """Station magnitude or upper bound, without correction; NaN if there is none."""
    is_bound: bool = False
    """Whether it is an upper bound."""
    amplitude_mm: float = math.nan
    """Amplitude, NaN if there is none."""
    noise_mm: float = math.nan
    """Noise, NaN if unknown."""
    period_s: float = math.nan
    """Period of the amplitude."""

    @property
    def is_peak(self) -> bool:
        """Whether it is the largest amplitude at a station, which may be the event's or not."""
        return self.flag == ReadingFlag.NO_PICK

    @property
    def counts(self) -> bool:
        """Whether it says something of the magnitude."""
        return self.flag in _COUNTING


_COUNTING = {ReadingFlag.AMPLITUDE, ReadingFlag.BELOW_NOISE, ReadingFlag.NO_PICK}

Position = tuple[float, float, float]
"""Latitude, longitude and elevation in metres."""
Stations = Callable[[str, int], Position | None]
"""Position of a trace at a time; None if the station is unknown."""


class _Distance(NamedTuple):
    """From an event to a station, in km."""

    hypocentral: float
    epicentral: float


@dataclass(frozen=True, slots=True)
class EventReadings:
    """Reads stations for events under a law."""

    law: Law
    """The law."""
    least_snr: float
    """Amplitudes below this multiple of the noise are bounds."""
    stations: Stations
    """Positions."""

    def read(self, source: Source, picks: Sequence[PickRow], found: Amplitudes) -> list[Reading]:
        """Return the readings of an event, in the order of traces; one for each station."""
        by_trace: dict[str, dict[str, PickRow]] = {}
        for pick in sorted(picks, key=lambda p: (p.trace_id, p.time_ns), reverse=True):
            by_trace.setdefault(pick.trace_id, {})[pick.phase] = pick
        picked = {trace.rpartition(".")[0] for trace in by_trace}
        readings = list(self._at_picks(source, by_trace, found))
        values = [r.magnitude for r in readings if r.flag == ReadingFlag.AMPLITUDE]
        if values:
            others = (t for t in found.traces if t.rpartition(".")[0] not in picked)
            readings += self._without_picks(source, others, found, float(np.median(values)))
        return sorted(readings, key=lambda reading: reading.trace_id)

    def _at_picks(
        self, source: Source, by_trace: Mapping[str, Mapping[str, PickRow]], found: Amplitudes
    ) -> Iterator[Reading]:
        for trace, phases in by_trace.items():
            pick = phases.get("S") or phases.get("P")
            distance = self._distance(source, trace)
            if pick is None or distance is None:
                continue
            clear_s = found.clear_s(pick, phases.values())
            reading = self._at_pick(pick, distance, clear_s, found)
            noise = self._noise_level(source, phases, distance.hypocentral, found)
            yield self._judged(reading, noise, distance)

    def _distance(self, source: Source, trace_id: str) -> _Distance | None:
        position = self.stations(trace_id, source.time_ns)
        if position is None:
            return None
        latitude, longitude, elevation = position
        epicentral, _ = distance_azimuth(
            np.array([source.latitude]),
            np.array([source.longitude]),
            np.array([latitude]),
            np.array([longitude]),
        )
        flat = float(epicentral[0])
        return _Distance(math.hypot(flat, source.depth_km + elevation / 1000), flat)

    def _at_pick(
        self, pick: PickRow, distance: _Distance, clear_s: float, found: Amplitudes
    ) -> Reading:
        nothing = Reading(
            pick.trace_id,
            pick.pick_id,
            pick.time_ns,
            distance.hypocentral,
            ReadingFlag.NOT_MEASURED,
        )
        at, window = found.at(pick), _window(pick.phase, distance.hypocentral)
        if at is None:
            return nothing
        if window is None:
            return nothing._replace(flag=ReadingFlag.TOO_FAR)
        # A shorter window after S has most of its waves; one after P would end before S.
        if WINDOWS_S[window] > clear_s and pick.phase == "P":
            return nothing._replace(flag=ReadingFlag.OVERLAP)
        while window >= 0 and WINDOWS_S[window] > clear_s:
            window -= 1
        if window < 0:
            return nothing._replace(flag=ReadingFlag.OVERLAP)
        measured, i = at
        combined = _combined(measured, i, window, self.law.component)
        if isinstance(combined, ReadingFlag):
            return nothing._replace(flag=combined)
        amplitude, noise, period = combined
        return nothing._replace(
            flag=ReadingFlag.AMPLITUDE, amplitude_mm=amplitude, noise_mm=noise, period_s=period
        )

    def _noise_level(
        self, source: Source, phases: Mapping[str, PickRow], distance_km: float, found: Amplitudes
    ) -> float:
        """Return the noise that the largest amplitude stands on in mm, NaN if unknown.

        Before P it may be the coda of an earlier event, which decays until S.  What precedes S is
        noise and P, and so is what follows P until S: each of the three is an upper bound of the
        noise at S, and the smallest is the best one.  Without a P pick the envelope tells the
        noise before the event.
        """
        levels = [self._noise_before(found.at(phases["P"]) if "P" in phases else None)]
        if math.isnan(levels[0]):
            trace = next(iter(phases.values())).trace_id
            levels[0] = self._envelope_noise(source, trace, distance_km, found)
        if "S" in phases:
            levels.append(self._noise_before(found.at(phases["S"])))
        if len(phases) > 1:
            levels.append(self._between(phases["P"], phases["S"], found))
        known = [level for level in levels if math.isfinite(level)]
        return min(known, default=math.nan)

    def _noise_before(self, at: tuple[InstrumentAmplitudes, int] | None) -> float:
        """Return the largest amplitude before a pick in mm, NaN if unknown."""
        if at is None:
            return math.nan
        measured, i = at
        noise = measured.noise_mm[i, _wanted(self.law.component)]
        known = noise[np.isfinite(noise)]
        return _combination(known, self.law.component) if known.size else math.nan

    def _between(self, p: PickRow, s: PickRow, found: Amplitudes) -> float:
        """Return the largest amplitude soon after P in mm, NaN if S comes in the same window."""
        at = found.at(p)
        if at is None or s.time_ns < p.time_ns + (WINDOWS_S[0] + _S_PICK_LATE_S) * SECOND_NS:
            return math.nan
        combined = _combined(*at, 0, self.law.component)
        return math.nan if isinstance(combined, ReadingFlag) else combined[0]

    def _envelope_noise(
        self, source: Source, trace: str, distance_km: float, found: Amplitudes
    ) -> float:
        """Return the median of an envelope during the minute before the waves come, in mm."""
        first = source.time_ns + round(distance_km / _FASTEST_KM_S * SECOND_NS)
        begin = first - round(_NOISE_S * SECOND_NS)
        before = found.steps(trace, self.law.component, begin, first)[:-1]  # waves in the last one
        known = before[np.isfinite(before)]
        return float(np.median(known)) if len(known) >= _LEAST_NOISE_STEPS else math.nan

    def _judged(self, reading: Reading, noise_mm: float, distance: _Distance) -> Reading:
        """Return a measured reading as a value, or as a bound if it is not above noise."""
        if reading.flag != ReadingFlag.AMPLITUDE:
            return reading
        noise = noise_mm if math.isfinite(noise_mm) else reading.noise_mm
        reading = reading._replace(noise_mm=noise)
        if not math.isfinite(noise):
            return reading._replace(flag=ReadingFlag.NO_NOISE)
        if reading.amplitude_mm < self.least_snr * noise:
            return self._bound(reading, ReadingFlag.BELOW_NOISE, self._limit(noise), distance)
        amplitude = _without_noise(reading.amplitude_mm, noise)
        return self._valued(reading, ReadingFlag.AMPLITUDE, amplitude, distance)

    def _limit(self, noise_mm: float) -> float:
        """Return the amplitude that is just above noise, without the noise in it."""
        return _without_noise(self.least_snr * noise_mm, noise_mm)

    def _valued(
        self, reading: Reading, flag: ReadingFlag, amplitude: float, distance: _Distance
    ) -> Reading:
        is_slant = self.law.distance == "hypocentral"
        used = distance.hypocentral if is_slant else distance.epicentral
        if not bool(self.law.holds(used)):
            flag = ReadingFlag.OUTSIDE_RANGE
        magnitude = float(self.law.magnitude(amplitude, used))
        return reading._replace(flag=flag, magnitude=magnitude)

    def _bound(
        self, reading: Reading, flag: ReadingFlag, amplitude: float, distance: _Distance
    ) -> Reading:
        return self._valued(reading, flag, amplitude, distance)._replace(is_bound=True)

    def _without_picks(
        self, source: Source, traces: Iterable[str], found: Amplitudes, median: float
    ) -> Iterator[Reading]:
        """Yield the bounds of stations without a pick, as far as they can matter."""
        for trace in traces:
            distance = self._distance(source, trace)
            if distance is None:
                continue
            reading = self._envelope_bound(source, trace, distance, found)
            if reading and reading.counts and reading.magnitude < median + _MATTERS:
                yield reading

    def _envelope_bound(
        self, source: Source, trace: str, distance: _Distance, found: Amplitudes
    ) -> Reading | None:
        first = source.time_ns + round(distance.hypocentral / _FASTEST_KM_S * SECOND_NS)
        last = source.time_ns + round((distance.hypocentral / _SLOWEST_KM_S + _TAIL_S) * SECOND_NS)
        component = self.law.component
        passing = found.steps(trace, component, first, last)
        if not np.isfinite(passing).all():
            return None
        noise = self._envelope_noise(source, trace, distance.hypocentral, found)
        if not math.isfinite(noise):
            return None
        peak = float(passing.max())
        reading = Reading(
            trace, None, source.time_ns, distance.hypocentral, ReadingFlag.NO_PICK, noise_mm=noise
        )
        if peak < self.least_snr * noise:
            limit = self.least_snr * noise
            return self._bound(reading, ReadingFlag.BELOW_NOISE, limit, distance)
        return self._bound(reading, ReadingFlag.NO_PICK, peak, distance)


def _without_noise(amplitude_mm: float, noise_mm: float) -> float:
    """Return an amplitude without the noise in it: the powers of signal and noise add."""
    return math.sqrt(amplitude_mm**2 - (_NOISE_AT_PEAK * noise_mm) ** 2)


def _window(phase: str, distance_km: float) -> int | None:
    """Return the number of the shortest window that has the largest amplitude; None if none has."""
    need = _CODA_S_PER_KM * distance_km
    if phase == "P":
        need = _S_MINUS_P_S_PER_KM * distance_km + max(need, _LEAST_AFTER_S_S)
    long_enough = [i for i, length in enumerate(WINDOWS_S) if length >= need]
    if long_enough:
        return long_enough[0]
    return len(WINDOWS_S) - 1 if phase == "S" else None


def _combined(
    measured: InstrumentAmplitudes, i: int, window: int, component: Component
) -> tuple[float, float, float] | ReadingFlag:
    """Return amplitude, noise and period of the component that a law wants, or why there is none.

    With one usable horizontal that one counts.
    """
    wanted = _wanted(component)
    flags = measured.flag[i, window]
    usable = [c for c in wanted if flags[c] == AmplitudeFlag.OK]
    if not usable:
        worst = min(int(flags[c]) for c in wanted)
        return _REASONS[AmplitudeFlag(worst)]
    amplitude = measured.amplitude_mm[i, window, usable]
    noise, period = measured.noise_mm[i, usable], measured.period_s[i, window, usable]
    largest = int(amplitude.argmax())
    return (
        _combination(amplitude, component),
        _combination(noise, component),
        float(period[largest]),
    )


def _wanted(component: Component) -> list[int]:
    """Return the numbers of the components that a law wants."""
    return [0] if component == "vertical" else [1, 2]


def _combination(values: F64, component: Component) -> float:
    """Return the geometric mean of the horizontals, or the larger one."""
    if component == "mean":
        return float(np.exp(np.mean(np.log(values))))
    return float(values.max())
