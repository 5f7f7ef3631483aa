"""The new low and high noise models (Peterson 1993, USGS Open-File Report 93-322, tables 3 and 4).

Power of ground acceleration in dB of 1 (m/s2)2/Hz, as A + B log10(T) between periods T in s.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["NHNM", "NLNM", "power_db"]

F64 = NDArray[np.float64]
Table = tuple[tuple[float, float, float], ...]

NLNM: Final[Table] = (
    (0.10, -162.36, 5.64), (0.17, -166.70, 0.00), (0.40, -170.00, -8.30),
    (0.80, -166.40, 28.90), (1.24, -168.60, 52.48), (2.40, -159.98, 29.81),
    (4.30, -141.10, 0.00), (5.00, -71.36, -99.77), (6.00, -97.26, -66.49),
    (10.00, -132.18, -31.57), (12.00, -205.27, 36.16), (15.60, -37.65, -104.33),
    (21.90, -114.37, -47.10), (31.60, -160.58, -16.28), (45.00, -187.50, 0.00),
    (70.00, -216.47, 15.70), (101.00, -185.00, 0.00), (154.00, -168.34, -7.61),
    (328.00, -217.43, 11.90), (600.00, -258.28, 26.60), (10000.00, -346.88, 48.75),
)  # fmt: skip
"""The new low noise model: period in s from which a row holds, A and B in dB."""

NHNM: Final[Table] = (
    (0.10, -108.73, -17.23), (0.22, -150.34, -80.50), (0.32, -122.31, -23.87),
    (0.80, -116.85, 32.51), (3.80, -108.48, 18.08), (4.60, -74.66, -32.95),
    (6.30, 0.66, -127.18), (7.90, -93.37, -22.42), (15.40, 73.54, -162.98),
    (20.00, -151.52, 10.01), (354.80, -206.66, 31.63),
)  # fmt: skip
"""The new high noise model, in the same form."""


def power_db(model: Table, frequency: F64) -> F64:
    """Power at frequencies in Hz, above zero; above 10 Hz, where the models end, that of 10 Hz."""
    period = np.clip(1.0 / frequency, model[0][0], 1e5)
    starts, levels, slopes = (np.array(column) for column in zip(*model, strict=True))
    row = np.searchsorted(starts, period, side="right") - 1
    return np.asarray(levels[row] + slopes[row] * np.log10(period))
