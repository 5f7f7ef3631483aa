"""Faults on request: in the instrument, the digitizer, the clock and the files of an archive."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epicat.errors import NameChoiceError
from epicat.model import Span, digest_of
from epicat.synthetic.sampling import stream
from epicat.time import DAY_NS, SECOND_NS, day_name, day_start

__all__ = [
    "FAULTS",
    "Faults",
    "Gap",
    "affected_stations",
    "clock_offset_ns",
    "damage",
    "gaps",
    "spikes_and_glitches",
]

F64 = NDArray[np.float64]

FAULTS: Final[dict[str, str]] = {
    "gaps": "gaps of a second to half an hour, on one component or all",
    "spikes": "single-sample outliers",
    "glitches": "steps that decay with the sensor response, and boxcars",
    "dead": "components with a constant value",
    "clipping": "stations whose digitizer range is too small",
    "jitter": "sampling instants that are offset from other stations and drift",
    "bands": "stations at 40 Hz, with short-period sensors, or with a vertical component only",
    "strong-motion": "accelerometers at 200 Hz next to the seismometers",
    "corrupt": "one object that is damaged in the middle and truncated",
    "empty": "one object of zero bytes",
}
"""Each kind of fault, with a description."""

_SHARES = {"dead": 0.08, "clipping": 0.08, "jitter": 0.4}
_GAPS_A_DAY, _SPIKES_A_DAY, _GLITCHES_A_DAY = 3.0, 6.0, 4.0
_TILT_DECAY_S = 28.0
"""Time constant in s with which a 120 s broadband sensor recovers from a tilt step."""
_LONGEST_GLITCH_S = 300


@dataclass(frozen=True, slots=True)
class Faults:
    """The requested kinds of faults."""

    kinds: frozenset[str] = frozenset()
    """Names from `FAULTS`."""

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Parse ``all``, ``none`` or comma-separated names; raise `NameChoiceError`."""
        names = [name.strip() for name in text.split(",") if name.strip()]
        if names in (["all"], ["none"]):
            return cls(frozenset(FAULTS if names == ["all"] else ()))
        for name in names:
            if name not in FAULTS:
                raise NameChoiceError("fault", name, [*FAULTS, "all", "none"])
        return cls(frozenset(names))

    def __contains__(self, kind: str) -> bool:
        return kind in self.kinds


@dataclass(frozen=True, slots=True)
class Gap:
    """A span without data."""

    span: Span
    """From the first missing sample to the first sample after the gap."""
    components: str
    """The missing components."""


def affected_stations(seed: int, kind: str, names: Collection[str]) -> set[str]:
    """Return the stations affected by a kind of fault, at least one of those named."""
    count = max(1, round(_SHARES[kind] * len(names)))
    return set(sorted(names, key=lambda name: digest_of(seed, kind, name))[:count])


def gaps(seed: int, name: str, day: date) -> list[Gap]:
    """Return the gaps of a station that begin on a UTC day, in order of time."""
    rng = stream(seed, "gaps", name, day_name(day))
    found = []
    for begin in np.sort(rng.uniform(0, DAY_NS, int(rng.poisson(_GAPS_A_DAY)))):
        seconds = float(np.clip(np.exp(rng.normal(2.5, 2.0)), 1.0, 1800.0))
        components = "ZNE" if rng.uniform() < 0.7 else "ZNE"[int(rng.integers(3))]
        start = day_start(day) + int(begin)
        found.append(Gap(Span(start, start + int(seconds * SECOND_NS)), components))
    return found


def spikes_and_glitches(
    seed: int, name: str, kinds: Faults, span: Span, rate: int
) -> Iterator[tuple[int, int, F64]]:
    """Yield spikes and glitches that overlap a span: component, start in ns, counts to add."""
    early = Span(span.start_ns - _LONGEST_GLITCH_S * SECOND_NS, span.end_ns)
    for day in early.days():
        if "spikes" in kinds:
            yield from _spikes(stream(seed, "spikes", name, day_name(day)), day)
        if "glitches" in kinds:
            yield from _glitches(stream(seed, "glitches", name, day_name(day)), day, rate)


def _spikes(rng: np.random.Generator, day: date) -> Iterator[tuple[int, int, F64]]:
    for _ in range(int(rng.poisson(_SPIKES_A_DAY))):
        time = day_start(day) + int(rng.uniform(0, DAY_NS))
        size = rng.choice([-1.0, 1.0]) * 10 ** rng.uniform(3.0, 6.0)
        yield int(rng.integers(3)), time, np.full(int(rng.integers(1, 3)), size)


def _glitches(rng: np.random.Generator, day: date, rate: int) -> Iterator[tuple[int, int, F64]]:
    for _ in range(int(rng.poisson(_GLITCHES_A_DAY))):
        time = day_start(day) + int(rng.uniform(0, DAY_NS))
        size = rng.choice([-1.0, 1.0]) * 10 ** rng.uniform(3.0, 5.0)
        if rng.uniform() < 0.6:
            after = np.arange(int(8 * _TILT_DECAY_S * rate)) / rate
            shape = np.exp(-after / _TILT_DECAY_S)
        else:
            shape = np.ones(int(rng.uniform(0.1, 20.0) * rate))
        yield int(rng.integers(3)), time, size * shape


def clock_offset_ns(seed: int, name: str, time_ns: int, rate: int) -> int:
    """Return the delay of a station's sampling instants relative to the common grid, in ns.

    A constant part of up to 0.3 samples, a sinusoid of 0.1 samples over hours to days, and a
    random part of some microseconds.  The times in the records are correct.
    """
    rng = stream(seed, "clock", name)
    constant, period, phase = rng.uniform(-0.3, 0.3), rng.uniform(5, 50), rng.uniform(0, 2 * np.pi)
    hours = time_ns / SECOND_NS / 3600.0
    wave = 0.1 * np.sin(2 * np.pi * hours / period + phase)
    random = stream(seed, "clock", name, time_ns).normal(0, 5e3)
    return int((constant + wave) * SECOND_NS / rate + random)


def damage(body: bytes, seed: int) -> bytes:
    """Return the bytes of an object with random bytes in the middle, truncated at the end."""
    rng = stream(seed, "damage", len(body))
    low, high = int(0.45 * len(body)), int(0.5 * len(body))
    return body[:low] + rng.bytes(high - low) + body[high : int(0.93 * len(body)) + 7]
