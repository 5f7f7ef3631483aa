"""Geometry of the stations around an epicentre, and quality classes of locations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["CLASSES", "Evidence", "QualityRule", "azimuthal_gaps", "quality_class"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a quality class is decided by."""

    major_km: float
    """Semi-major axis of the 68 % error ellipse."""
    depth_error_km: float
    """Standard error of the depth."""
    inlier_share: float
    """Share of the picks of the association that belong to the event, 0 to 1.

    Picks that have left the event count as ones that do not belong to it."""
    effective_picks: float
    """Sum of the probabilities of the picks to belong to the event."""
    secondary_gap_deg: float
    """Largest azimuthal gap if any one station were missing."""
    is_depth_fixed: bool
    """Whether the depth is not held by the data."""
    is_at_edge: bool
    """Whether the hypocenter is at the edge of the search box."""


@dataclass(frozen=True, slots=True)
class QualityRule:
    """The limits of a class; a location is in the first class whose limits it keeps."""

    major_km: float
    """Largest semi-major axis of the 68 % ellipse."""
    depth_error_km: float
    """Largest standard error of the depth."""
    inlier_share: float
    """Smallest share of picks that belong to the event."""
    effective_picks: float
    """Smallest sum of the probabilities of the picks."""
    secondary_gap_deg: float
    """Largest secondary azimuthal gap."""
    needs_depth: bool
    """Whether a fixed depth or the edge of the search box excludes it."""

    def kept_by(self, evidence: Evidence) -> bool:
        """Return whether a location keeps every limit."""
        free = not (evidence.is_depth_fixed or evidence.is_at_edge)
        return (
            evidence.major_km <= self.major_km
            and evidence.depth_error_km <= self.depth_error_km
            and evidence.inlier_share >= self.inlier_share
            and evidence.effective_picks >= self.effective_picks
            and evidence.secondary_gap_deg <= self.secondary_gap_deg
            and (free or not self.needs_depth)
        )


CLASSES = {
    "A": QualityRule(0.6, 2.0, 0.7, 8.0, 160.0, needs_depth=True),
    "B": QualityRule(1.5, 4.0, 0.5, 6.0, 360.0, needs_depth=True),
    "C": QualityRule(5.0, float("inf"), 0.3, 4.0, 360.0, needs_depth=False),
}
"""The classes by name, the best first; D is what is in none of them.

The secondary gap of A is that of reference events in Bondár and McLaughlin (2009,
doi:10.1785/gssrl.80.3.465)."""


def quality_class(evidence: Evidence) -> str:
    """Return the class of a location, ``A`` to ``D``."""
    kept = (name for name, rule in CLASSES.items() if rule.kept_by(evidence))
    return next(kept, "D")


def azimuthal_gaps(azimuths_deg: Iterable[float]) -> tuple[float, float]:
    """Return the largest azimuthal gap, and the largest if any one station were not there.

    The second is the secondary gap (Bondár et al. 2004, doi:10.1111/j.1365-246X.2004.02070.x).
    Both in degrees; 360 for one azimuth or none, and the second for two.

    >>> azimuthal_gaps([0, 90, 180, 270])
    (90.0, 180.0)
    """
    rising = np.unique(np.asarray(list(azimuths_deg), dtype=float) % 360.0)
    if len(rising) < 2:
        return 360.0, 360.0
    steps = np.diff(np.concatenate([rising, rising[:1] + 360.0]))
    if len(rising) < 3:
        return float(steps.max()), 360.0
    return float(steps.max()), float((steps + np.roll(steps, 1)).max())
