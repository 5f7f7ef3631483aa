"""What decides a location apart from picks, sensors and the velocity model."""

from __future__ import annotations

from dataclasses import dataclass, field

from epicat.locate.pick_noise import NoiseModel

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Assumptions about errors, and about depths that the data do not hold."""

    model_error: float = 0.02
    """Standard error of the velocity model, as a common scale of travel times."""
    floor_p_s: float = 0.025
    """Smallest standard error of a P pick in s."""
    floor_s_s: float = 0.04
    """Smallest standard error of an S pick in s."""
    fixed_depth_km: float = 10.0
    """Depth below sea level of events whose depth the data do not hold."""
    largest_depth_error_km: float = 10.0
    """Standard error above which a depth is fixed in any case."""
    noise: NoiseModel = field(default_factory=NoiseModel)
    """Priors of the errors of picks."""
