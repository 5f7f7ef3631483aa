"""Error ellipses, depth intervals and confidence regions from covariances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVEL", "Ellipses", "region_factor"]

F64 = NDArray[np.float64]

LEVEL = 0.6827
"""Confidence level of ellipses and intervals: that of one standard error."""
_TWO_DIMENSIONS = -2 * math.log(1 - LEVEL)
"""Quantile of chi-square with two degrees of freedom: 2.30."""


@dataclass(frozen=True, slots=True)
class Ellipses:
    """Horizontal error ellipses at `LEVEL`: arrays of shape (events,)."""

    major_km: F64
    """Semi-major axis."""
    minor_km: F64
    """Semi-minor axis."""
    azimuth_deg: F64
    """Azimuth of the major axis, 0 to 180 degrees clockwise from north."""

    @classmethod
    def from_covariance(cls, covariance_km2: F64) -> Ellipses:
        """Make ellipses of covariances (events, 3, 3) of east, north and depth."""
        east, north = covariance_km2[:, 0, 0], covariance_km2[:, 1, 1]
        both = covariance_km2[:, 0, 1]
        mean, half = (east + north) / 2, (north - east) / 2
        radius = np.sqrt(half * half + both * both)
        azimuth = np.degrees(np.arctan2(both, half)) / 2
        return cls(
            major_km=np.sqrt(_TWO_DIMENSIONS * (mean + radius)),
            minor_km=np.sqrt(_TWO_DIMENSIONS * np.maximum(mean - radius, 0.0)),
            azimuth_deg=azimuth % 180.0,
        )


def region_factor(freedom: F64) -> F64:
    """Factor of variances for errors whose size was itself estimated from the residuals.

    With ``freedom`` degrees of freedom the region of `LEVEL` is given by the F distribution with
    2 and ``freedom`` degrees, not by chi-square.  The factor is the ratio of their quantiles:
    1.12 for 10 degrees, 1 for infinitely many.
    """
    quantile = freedom * (np.power(1 - LEVEL, -2 / freedom) - 1)
    return np.asarray(quantile / _TWO_DIMENSIONS)
