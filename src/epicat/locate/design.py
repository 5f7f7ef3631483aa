"""The design of a location: every number that decides its result, and the digest that names it."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from epicat.geo import Plane
from epicat.locate.arrivals import Network
from epicat.locate.locator import Locator
from epicat.locate.options import LocateOptions
from epicat.locate.pick_errors import CONFIDENCE_EDGES
from epicat.locate.pick_noise import NoiseModel
from epicat.locate.search import Box
from epicat.locate.settings import Settings
from epicat.model import digest_of
from epicat.time import SECOND_NS
from epicat.velocity.layers import LayerModel

__all__ = ["EXPECTED_S", "LocationDesign"]

_CLASSES = len(CONFIDENCE_EDGES) + 1
EXPECTED_S = ((0.05,) * _CLASSES, (0.08,) * _CLASSES)
"""Errors of P and S picks before a campaign's are known, in s, for each class of confidence."""

_ALGORITHM = 9
"""Raised when the same design gives other locations."""


class LocationDesign(BaseModel):
    """What a location is, apart from the events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    associator: str
    """Digest of the associator whose events are located."""
    run: str
    """Digest of the run of their picks."""
    sites: tuple[tuple[str, float, float, float], ...]
    """Name, latitude, longitude and elevation in metres of each site."""
    latitude: float
    """Latitude of the origin of the local plane."""
    longitude: float
    """Longitude of the origin of the local plane."""
    x_km: tuple[float, float]
    """West and east edge of the search box."""
    y_km: tuple[float, float]
    """South and north edge of the search box."""
    z_km: tuple[float, float]
    """Top and bottom of the search box, below sea level."""
    layers: tuple[tuple[float, float, float], ...]
    """Depth, vp and vs of each row of the velocity model; one row for constant velocities."""
    constant_layers: bool
    """Whether rows are tops of uniform layers rather than nodes of a gradient."""
    spherical: bool = False
    """Whether the layers are shells of a spherical Earth."""
    spacing_km: float = 0.5
    """Spacing of the grids of travel times."""
    options: LocateOptions = LocateOptions()
    """Assumptions about errors."""
    expected_s: tuple[tuple[float, ...], tuple[float, ...]] = EXPECTED_S
    """Standard errors of P and of S picks, by class of confidence."""
    wrong_share: float = 0.1
    """Share of picks that do not belong to their events."""
    match_s: float = 1.5
    """Largest residual of a pick that belongs to an event; wrong ones are spread as far."""
    cutoff_km: float = 0.0
    """Epicentral distance up to which picks may join an event; 0 if none may."""
    reach_s: float = 0.0
    """How long after its origin time an event may have picks."""
    terms: str = ""
    """Digest of the station terms; empty for none."""
    algorithm: int = _ALGORITHM
    """Version of the algorithm."""

    @property
    def digest(self) -> str:
        """Identifies the location; equal for equal designs."""
        unused = set() if self.spherical else {"spherical"}
        return digest_of(self.model_dump_json(exclude=unused))

    @property
    def plane(self) -> Plane:
        """The local plane."""
        return Plane(self.latitude, self.longitude)

    @property
    def layer_model(self) -> LayerModel:
        """The velocity model."""
        depth, vp, vs = zip(*self.layers, strict=True)
        return LayerModel(depth, vp, vs, self.constant_layers, self.spherical)

    @property
    def network(self) -> Network:
        """The sites in the local plane, in their order."""
        x, y = self.plane.to_xy([s[1] for s in self.sites], [s[2] for s in self.sites])
        return Network(x, y, -np.array([s[3] for s in self.sites]) / 1000.0)

    @property
    def can_rematch(self) -> bool:
        """Whether picks may join events and leave them."""
        return self.cutoff_km > 0

    @property
    def reach_ns(self) -> int:
        """`reach_s` in nanoseconds."""
        return round(self.reach_s * SECOND_NS)

    @property
    def settings(self) -> Settings:
        """How the locator weighs errors."""
        settings = Settings(
            model_error=self.options.model_error,
            floor_p_s=self.options.floor_p,
            floor_s_s=self.options.floor_s,
            fixed_depth_km=self.options.fixed_depth,
            noise=NoiseModel(wrong_share=self.wrong_share, wrong_width_s=2 * self.match_s),
        )
        return settings.calibrated(self.wrong_share) if self.terms else settings

    def locator(self) -> Locator:
        """Return the locator; computing its travel times takes about 10 ms for each site."""
        box = Box(self.x_km, self.y_km, self.z_km)
        return Locator(
            self.layer_model, self.network, box, self.settings, spacing_km=self.spacing_km
        )
