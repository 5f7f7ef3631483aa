"""Envelope of a day: the largest amplitude of each 10 s as one byte on a logarithmic scale.

It bounds the amplitude that an earthquake can have at a station without a pick.

==== =====================================================================
byte meaning
==== =====================================================================
0    unknown: a gap, the filter's transient after one, or no response
1    at most 1e-6 mm
b    at most 10 ** (-6 + 0.04 (b - 1)) mm, and more than that of b - 1
255  unbounded: clipped, or more than the scale
==== =====================================================================

Values are rounded up, so that each byte is an upper bound: by half a step, 0.02 units of
magnitude, on average.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEP_S", "UNBOUNDED", "UNKNOWN", "decode_envelope", "encode_envelope"]

STEP_S: Final = 10
"""Seconds of a step."""
UNKNOWN: Final = 0
"""Byte of a step without a measurement."""
UNBOUNDED: Final = 255
"""Byte of a step whose amplitude has no bound."""

_LEAST: Final = -6.0
_STEP: Final = 0.04


def encode_envelope(
    amplitudes_mm: NDArray[np.float64], unbounded: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return the bytes of the largest amplitudes of steps, (n,).

    NaN is unknown.  ``unbounded`` steps, (n,), have no bound even where their amplitude is NaN.
    """
    known = np.isfinite(amplitudes_mm)
    size = np.where(known, np.maximum(amplitudes_mm, 10.0**_LEAST), 1.0)
    # The margin keeps a decoded value at its own byte.
    level = np.ceil((np.log10(size) - _LEAST) / _STEP - 1e-9) + 1
    found = np.where(known, np.clip(level, 1, UNBOUNDED), UNKNOWN)
    return np.where(unbounded, UNBOUNDED, found).astype(np.uint8)


def decode_envelope(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the upper bounds in mm, (n,): NaN where unknown, infinite where unbounded."""
    bounds = 10.0 ** (_LEAST + _STEP * (values.astype(np.float64) - 1))
    bounds[values == UNKNOWN] = np.nan
    bounds[values == UNBOUNDED] = np.inf
    return np.asarray(bounds)
