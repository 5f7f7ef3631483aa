"""First motions of P: whether the ground went up or down.

The vertical is filtered from 1 to 20 Hz, causally, so that nothing moves before its onset.  The
first swing near the pick that clearly exceeds the noise before it decides, if its extremum exceeds
three and a half times that noise; else the polarity is undecided.

Most digitizers decimate with zero-phase filters, which ring before an onset (Scherbaum and Bouin
1997, BSSA 87, 1215).  Of a strong onset that ringing exceeds the noise, and half of its swings go
the wrong way.  So a swing that what follows within some samples exceeds more than the ringing of a
step could is passed over.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from epicat.waveforms.traces import Trace

__all__ = ["first_motions"]

F64 = NDArray[np.float64]

_BAND_HZ: Final = (1.0, 20.0)
_ORDER: Final = 2
_BEFORE_S, _AFTER_S = 6.0, 0.6
_NOISE_S: Final = (2.0, 0.15)
"""Begin and end of the noise before the pick."""
_SEARCH_S: Final = (0.08, 0.25)
"""How long before and after the pick the first swing may begin."""
_SEEN: Final = 1.5
"""Ratio to the noise at which a swing is seen."""
_DECIDED: Final = 3.5
"""Ratio to the noise that its extremum must exceed."""
_RINGING: Final = 0.09
"""Largest swing before a step that a zero-phase filter of any length makes (Gibbs)."""
_RINGS_SAMPLES: Final = 10
"""How far before the onset such a filter rings visibly."""


def first_motions(
    trace: Trace, starts: NDArray[np.int64], *, turned: bool = False
) -> tuple[NDArray[np.int8], F64]:
    """Return the polarities at samples of a vertical, (n,), and their signal-to-noise ratios.

    1 is up, -1 down, 0 undecided.  ``turned`` says that positive samples mean down.
    """
    from scipy import signal

    rate = float(trace.rate)
    before, after = round(_BEFORE_S * rate), round(_AFTER_S * rate)
    polarity, ratio = np.zeros(len(starts), np.int8), np.zeros(len(starts))
    inside = np.flatnonzero((starts >= before) & (starts + after <= len(trace.samples)))
    if not len(inside):
        return polarity, ratio
    rows = np.stack(
        [trace.samples[at - before : at + after] for at in starts[inside].tolist()]
    ).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    filtered = signal.sosfilt(_sections(rate), rows, axis=1)
    for at, row in zip(inside.tolist(), filtered, strict=True):
        swing = _first_swing(row, before, rate)
        ratio[at] = abs(swing)
        if abs(swing) > _DECIDED:
            polarity[at] = np.sign(swing)
    return (-polarity if turned else polarity), ratio


@lru_cache(maxsize=16)
def _sections(rate: float) -> Any:
    from scipy import signal

    high = min(_BAND_HZ[1], 0.4 * rate)
    return signal.butter(_ORDER, (_BAND_HZ[0], high), "bandpass", fs=rate, output="sos")


def _first_swing(row: F64, pick: int, rate: float) -> float:
    """Return the extremum of the first swing as a multiple of the noise; 0 if there is none."""
    begin, end = (pick - round(seconds * rate) for seconds in _NOISE_S)
    noise = float(np.abs(row[begin:end]).max())
    if not noise > 0:
        return 0.0
    low, high = pick - round(_SEARCH_S[0] * rate), pick + round(_SEARCH_S[1] * rate)
    seen = low + np.flatnonzero(np.abs(row[low:high]) > _SEEN * noise)
    while len(seen):
        peak, end = _swing(row, int(seen[0]))
        follows = np.abs(row[peak : peak + _RINGS_SAMPLES + 1]).max()
        if abs(row[peak]) >= _RINGING * follows:
            return float(row[peak] / noise)
        seen = seen[seen >= end]
    return 0.0


def _swing(row: F64, at: int) -> tuple[int, int]:
    """Return the first extremum of the swing that a sample belongs to, and the swing's end."""
    peak = at
    while (
        peak + 1 < len(row) and row[peak + 1] * row[at] > 0 and abs(row[peak + 1]) > abs(row[peak])
    ):
        peak += 1
    end = peak + 1
    while end < len(row) and row[end] * row[at] > 0:
        end += 1
    return peak, end
