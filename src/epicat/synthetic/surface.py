"""What the free surface makes of a wave that comes from below."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_p", "from_sh", "from_sv"]

C128 = NDArray[np.complex128]


def from_p(slowness: float, vp: float, vs: float) -> C128:
    """Motion (radial, transverse, up) of the surface for a unit P wave coming up.

    ``slowness`` in s/km, velocities in km/s.  Aki and Richards (2002), section 5.2: the sum of
    the incident and the two reflected waves, so that the surface is free of traction.
    """
    xi, eta, twice, denominator = _parts(slowness, vp, vs)
    scale = 2.0 * vp / (vs**2 * denominator)
    return np.array([scale * 2.0 * slowness * xi * eta, 0.0, scale * xi * twice])


def from_sv(slowness: float, vp: float, vs: float) -> C128:
    """Motion (radial, transverse, up) of the surface for a unit SV wave coming up.

    The incident wave moves away from the source and down.  Beyond the critical slowness 1/vp
    the motion is complex: for positive frequencies of the transform exp(-2 pi i f t).
    """
    xi, eta, twice, denominator = _parts(slowness, vp, vs)
    scale = 2.0 * vs / (vs**2 * denominator)
    return np.array([scale * eta * twice, 0.0, -scale * 2.0 * slowness * xi * eta])


def from_sh() -> C128:
    """Motion of the surface for a unit SH wave: it is doubled."""
    return np.array([0.0, 2.0, 0.0], dtype=complex)


def _parts(slowness: float, vp: float, vs: float) -> tuple[complex, complex, float, complex]:
    p = min(slowness, 0.999 / vs)
    xi = complex(np.emath.sqrt(1.0 / vp**2 - p**2))
    if xi.imag:
        xi = -1j * abs(xi)
    eta = complex(np.emath.sqrt(1.0 / vs**2 - p**2))
    twice = 1.0 / vs**2 - 2.0 * p**2
    return xi, eta, twice, twice**2 + 4.0 * p**2 * xi * eta
