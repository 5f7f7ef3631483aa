"""The geometry of a network of sites, in the local plane: what the search is derived from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epicat._util.neighbors import count_within, distance_to_nth
from epicat.association.sites import Site
from epicat.geo import Plane

__all__ = ["Network"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Network:
    """Where the sites are; the order is that of their names."""

    x_km: F64
    """Kilometres east of the plane's origin, shape (sites,)."""
    y_km: F64
    """Kilometres north of the plane's origin, shape (sites,)."""
    depth_km: F64
    """Kilometres below sea level, negative above it, shape (sites,)."""

    @classmethod
    def from_sites(cls, sites: Sequence[Site], plane: Plane) -> Network:
        """Project sites to a plane."""
        x, y = plane.to_xy([s.latitude for s in sites], [s.longitude for s in sites])
        return cls(x, y, np.array([-s.elevation_m / 1000 for s in sites]))

    def __len__(self) -> int:
        return len(self.x_km)

    def take(self, sites: I64) -> Network:
        """Return the network of some of the sites."""
        return Network(self.x_km[sites], self.y_km[sites], self.depth_km[sites])

    @property
    def aperture_km(self) -> float:
        """Diagonal of the smallest rectangle around the sites."""
        return float(np.hypot(np.ptp(self.x_km), np.ptp(self.y_km))) if len(self) else 0.0

    def distance_to_nth_km(self, n: int) -> F64:
        """Distance from each site to its n-th nearest one, itself being the first, (sites,)."""
        return distance_to_nth(np.column_stack([self.x_km, self.y_km]), min(n, len(self)))

    def most_within(self, radius_km: float) -> int:
        """Largest number of sites within a distance of any site, itself included."""
        counts = count_within(np.column_stack([self.x_km, self.y_km]), radius_km)
        return int(np.max(counts, initial=0))

    def farthest_km(self, x_km: tuple[float, float], y_km: tuple[float, float]) -> float:
        """Largest horizontal distance from a site to a corner of a box."""
        corners = [
            np.hypot(self.x_km - cx, self.y_km - cy).max(initial=0.0) for cx in x_km for cy in y_km
        ]
        return float(max(corners))

    def spread(self, count: int, least_km: float = 0.0) -> I64:
        """Return the numbers of ``count`` sites that are spread evenly, rising.

        No two of them are nearer to each other than ``least_km``; there may be fewer, then.

        Farthest-point sampling (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5): beginning with
        the site nearest to the centre of gravity, each next one is the farthest from those taken.
        """
        if count >= len(self) and not least_km:
            return np.arange(len(self))
        x, y = self.x_km - self.x_km.mean(), self.y_km - self.y_km.mean()
        taken = [int(np.argmin(np.hypot(x, y)))]
        away = np.hypot(x - x[taken[0]], y - y[taken[0]])
        while len(taken) < count and away.max() > least_km:
            taken.append(int(np.argmax(away)))
            away = np.minimum(away, np.hypot(x - x[taken[-1]], y - y[taken[-1]]))
        return np.sort(np.array(taken, np.int64))
