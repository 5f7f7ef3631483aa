"""What decides a location apart from picks, sensors and the velocity model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from epicat.locate.pick_noise import NoiseModel

__all__ = ["Settings"]

_CAMPAIGN_PICKS = 20.0
"""How many picks the errors of a campaign are worth against the residuals of an event."""
_CAMPAIGN_WRONG_PICKS = 30.0
"""How many picks the share of wrong picks of a campaign is worth."""


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
    is_calibrated: bool = False
    """Whether there are station terms.

    They come with a scale of travel times that is common to all events, so that it is no unknown
    of an event's fit; its error is one of the terms."""
    noise: NoiseModel = field(default_factory=NoiseModel)
    """Priors of the errors of picks."""

    def calibrated(self, wrong_share: float, has_terms: bool = True) -> Settings:
        """Return the settings for picks whose errors, and share that is wrong, are known."""
        noise = replace(
            self.noise,
            prior_picks=_CAMPAIGN_PICKS,
            wrong_share=wrong_share,
            wrong_prior_picks=_CAMPAIGN_WRONG_PICKS,
        )
        return replace(self, is_calibrated=has_terms, noise=noise)

    @property
    def scale_error(self) -> float:
        """Standard error of the common scale of travel times as an unknown of each event."""
        return 0.0 if self.is_calibrated else self.model_error
