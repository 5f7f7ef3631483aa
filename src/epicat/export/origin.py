"""The hypocenters of an exported event: that of the association, and that of a location."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from epicat.model import Arrival
from epicat.tables import COVARIANCE

__all__ = ["LEVEL", "Ellipsoid", "Errors", "Origin", "ellipsoid_axes", "is_used"]

LEVEL: Final = 68.27
"""Confidence level of all uncertainties, in percent: that of one standard error."""
_THREE_DIMENSIONS: Final = 3.526741
"""Quantile of chi-square with three degrees of freedom at `LEVEL`."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """The confidence ellipsoid of a hypocenter, as QuakeML 1.2 defines it."""

    major_km: float
    """Longest semi-axis."""
    intermediate_km: float
    """Second semi-axis."""
    minor_km: float
    """Shortest semi-axis."""
    plunge_deg: float
    """Plunge of the major axis below the horizontal, 0 to 90."""
    azimuth_deg: float
    """Azimuth of the major axis, 0 to 360."""
    rotation_deg: float
    """Rotation about the major axis, right-handed, 0 to 180.

    At 0 the minor axis is horizontal; at 90 it lies in the vertical plane of the major axis.
    """

    @classmethod
    def from_covariance(cls, covariance_km2: Any) -> Ellipsoid:
        """Make the ellipsoid at `LEVEL` of a covariance (3, 3) of east, north and depth.

        The angles are those of Tait and Bryan in axes of north, east and down: azimuth, plunge
        and rotation turn them into the axes of the ellipsoid, the first the major axis, the
        second the minor axis (Euchner and Schorlemmer 2013, QuakeML Basic Event Description,
        section 3.3.9).
        """
        lengths, axes = ellipsoid_axes(covariance_km2)
        minor, intermediate, major = (float(length) for length in lengths)
        along, across = axes[:, 2], axes[:, 0]
        along = along if along[2] >= 0 else -along
        azimuth = math.atan2(along[1], along[0])
        plunge = math.asin(min(float(along[2]), 1.0))
        # The second and third axis at a rotation of 0: to the right, and below the major axis.
        flat = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
        steep = np.cross(along, flat)
        rotation = math.degrees(math.atan2(float(across @ steep), float(across @ flat)))
        return cls(
            major, intermediate, minor, math.degrees(plunge), math.degrees(azimuth) % 360.0,
            rotation % 180.0,
        )  # fmt: skip


class Errors(NamedTuple):
    """Uncertainty and quality of a located hypocenter.  All intervals are at `LEVEL`."""

    time_s: float
    """Standard error of the origin time."""
    major_km: float
    """Semi-major axis of the horizontal error ellipse."""
    minor_km: float
    """Semi-minor axis of the horizontal error ellipse."""
    azimuth_deg: float
    """Azimuth of the major axis, clockwise from north."""
    depth_km: float
    """Standard error of the depth."""
    depth_low_km: float
    """Upper end of the depth interval, km below sea level."""
    depth_high_km: float
    """Lower end of the depth interval, km below sea level."""
    quality: str
    """Quality class, ``A`` to ``D``."""
    effective_picks: float
    """Sum of the probabilities of the picks to belong to the event."""
    secondary_gap_deg: float
    """Largest azimuthal gap if one station were missing."""
    is_depth_fixed: bool
    """Whether the depth was fixed, since the picks do not hold it."""
    unmet: str | None
    """Criterion of an event that the located picks no longer meet; None if there is none."""
    elements_km2: tuple[float, ...]
    """Absolute covariance of east, north and depth, in the order of `epicat.tables.COVARIANCE`."""

    @property
    def covariance_km2(self) -> Any:
        """Absolute covariance of east, north and depth, shape (3, 3)."""
        at = {"e": 0, "n": 1, "z": 2}
        square = np.zeros((3, 3))
        for name, value in zip(COVARIANCE, self.elements_km2, strict=True):
            i, j = at[name[0]], at[name[1]]
            square[i, j] = square[j, i] = value
        return square


class Origin(NamedTuple):
    """A hypocenter with its arrivals."""

    name: str
    """Its identity: the event's if it is the association's."""
    method: str
    """Digest of the associator or location that found it."""
    time_ns: int
    """Origin time."""
    latitude: float
    """Degrees north; finite."""
    longitude: float
    """Degrees east; finite."""
    depth_km: float
    """Kilometres below sea level; finite."""
    n_stations: int
    """Stations with an arrival."""
    rms_s: float
    """Root mean square of the residuals in seconds."""
    gap_deg: float
    """Largest azimuth without a station."""
    dmin_km: float
    """Epicentral distance of the nearest station."""
    edge: bool
    """Whether the hypocenter lies at the edge of the search box."""
    arrivals: tuple[Arrival, ...]
    """Its arrivals with their picks, in the order of time."""
    errors: Errors | None = None
    """Its uncertainty; None for the association's, which has none."""

    @property
    def is_finite(self) -> bool:
        """Whether its position is known."""
        return all(map(math.isfinite, (self.latitude, self.longitude, self.depth_km)))


def ellipsoid_axes(covariance_km2: Any) -> tuple[Any, Any]:
    """Return semi-axes in km, shortest first, and their directions, of the ellipsoid at `LEVEL`.

    ``covariance_km2`` (3, 3) is of east, north and depth.  Directions are columns of a (3, 3)
    array: north, east and down.
    """
    to_north = [1, 0, 2]
    values, axes = np.linalg.eigh(np.asarray(covariance_km2)[np.ix_(to_north, to_north)])
    return np.sqrt(_THREE_DIMENSIONS * np.maximum(values, 0.0)), axes


def is_used(arrival: Arrival) -> bool:
    """Whether an arrival rather belongs to its event than not; all do without a location."""
    return arrival.inlier_probability is None or arrival.inlier_probability >= 0.5
