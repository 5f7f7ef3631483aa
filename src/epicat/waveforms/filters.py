"""Filter runs as a picker's weights want it: Butterworth, forwards and backwards, as ObsPy does.

Such a filter has no end: each sample depends on all others of its run, if only a little.  So it
is applied in blocks that are anchored to absolute time, each with a margin on both sides over
which a transient decays by twenty orders of magnitude, far below the last bit of 64.  A block
depends on the samples within `reach_s` and on nothing else, to the last bit: what else was read
does not matter.  Only where a run really begins or ends does a block start at rest there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat.model import Filter
from epicat.waveforms.runs import Run

__all__ = ["filtered", "reach_s"]

_DECAY = log(1e20)
_BLOCK = 4
"""Length of a block over that of its margin."""
_NOISE = 2.0**-46
"""Of the largest sample: what is smaller after the filter is rounding, and becomes zero."""

F64 = NDArray[np.float64]


def filtered(run: Run, how: Filter) -> Run:
    """Return the run after a filter, in 64 bits."""
    sections = _sections(how, run.rate)
    if sections is None:
        return run
    margin = ceil(_margin_s(how) * run.rate)
    block = _BLOCK * margin
    samples = np.empty(len(run.samples), np.float64)
    for begin in range(run.first // block * block, run.stop, block):
        low, high = max(begin, run.first), min(begin + block, run.stop)
        start, stop = max(begin - margin, run.first), min(begin + block + margin, run.stop)
        part = run.samples[start - run.first : stop - run.first].astype(np.float64)
        passed = _passed(sections, part, zerophase=how.zerophase)
        samples[low - run.first : high - run.first] = passed[low - start : high - start]
    return replace(run, samples=samples)


def reach_s(how: Filter) -> float:
    """Return how far in seconds the input reaches that an output sample depends on."""
    return (1 + _BLOCK) * (_margin_s(how) + 1.0)  # margins are rounded up to whole samples


def _passed(sections: F64, samples: F64, *, zerophase: bool) -> F64:
    from scipy.signal import sosfilt  # noqa: PLC0415 - half a second that few need

    passed: F64 = sosfilt(sections, samples)
    if zerophase:
        passed = sosfilt(sections, passed[::-1])[::-1].copy()
    # A dead channel at an offset is to stay dead: a picker would blow its rounding up to waves.
    passed[np.abs(passed) < _NOISE * np.abs(samples).max()] = 0
    return passed


def _bandpass(how: Filter, nyquist: float) -> tuple[str, Any] | None:
    if how.freqmax is None or how.freqmax >= (1 - 1e-6) * nyquist:  # as ObsPy: nothing to cut off
        return _highpass(how, nyquist)
    return "bandpass", (how.freqmin, how.freqmax)


def _highpass(how: Filter, _nyquist: float) -> tuple[str, Any] | None:
    return "highpass", how.freqmin


def _lowpass(how: Filter, nyquist: float) -> tuple[str, Any] | None:
    return None if how.freqmax is None or how.freqmax >= nyquist else ("lowpass", how.freqmax)


_KINDS: dict[str, Callable[[Filter, float], tuple[str, Any] | None]] = {
    "bandpass": _bandpass,
    "highpass": _highpass,
    "lowpass": _lowpass,
}


@lru_cache(maxsize=64)
def _sections(how: Filter, rate: Fraction) -> F64 | None:
    """Return second-order sections for a rate, or None if the filter lets everything pass."""
    wanted = _KINDS[how.kind](how, float(rate) / 2)
    if wanted is None:
        return None
    from scipy.signal import butter  # noqa: PLC0415 - heavy

    kind, corners = wanted
    return np.asarray(butter(how.corners, corners, kind, output="sos", fs=float(rate)))


@lru_cache(maxsize=64)
def _margin_s(how: Filter) -> int:
    """Return the seconds after which the slowest oscillation of the filter has decayed."""
    from scipy.signal import butter  # noqa: PLC0415 - heavy

    corners = [f for f in (how.freqmin, how.freqmax) if f is not None]
    angular = [2 * np.pi * f for f in corners]
    _, poles, _ = butter(
        how.corners, angular if len(angular) > 1 else angular[0], how.kind, True, "zpk"
    )
    return ceil(_DECAY / float(-poles.real.max()))
