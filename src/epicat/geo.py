"""The surface of the Earth: extents, distances and azimuths on WGS84, and a local plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from epicat.errors import InputError

if TYPE_CHECKING:  # the CLI starts without numpy
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Extent", "Plane", "distance_azimuth"]

_KM_PER_DEGREE = 111.195


@dataclass(frozen=True, slots=True)
class Extent:
    """A box of latitudes and longitudes, edges included.

    A box whose ``west`` is larger than its ``east`` crosses the date line.

    Examples
    --------
    >>> import epicat as ec
    >>> ec.Extent(39, 41, -125, -123) == ec.Extent.parse("39,41,-125,-123")
    True

    """

    south: float
    """Smallest latitude in degrees."""
    north: float
    """Largest latitude in degrees."""
    west: float
    """Western edge in degrees, -180 to 180."""
    east: float
    """Eastern edge in degrees, -180 to 180."""

    @classmethod
    def parse(cls, text: str) -> Extent:
        """Read ``minlat,maxlat,minlon,maxlon`` in degrees; raise `InputError` for anything else.

        >>> Extent.parse("39,41,-125,-123")
        Extent(south=39.0, north=41.0, west=-125.0, east=-123.0)
        """
        try:
            south, north, west, east = (float(part) for part in text.split(","))
        except ValueError as error:
            raise InputError(
                f"{text.strip()!r} is not an extent: write four numbers, "
                "minlat,maxlat,minlon,maxlon, for example 39,41,-125,-123"
            ) from error
        return cls(south, north, west, east)

    def __post_init__(self) -> None:
        """Raise `InputError` for a box that cannot be."""
        text = str(self)
        if not -90 <= self.south < self.north <= 90:
            raise InputError(
                f"extent {text!r}: latitudes {self.south:g} and {self.north:g} must rise, "
                "from -90 to 90; the order is minlat,maxlat,minlon,maxlon"
            )
        inside = -180 <= self.west <= 180 and -180 <= self.east <= 180
        if not inside or self.west == self.east or (self.west, self.east) == (180, -180):
            raise InputError(
                f"extent {text!r}: longitudes {self.west:g} and {self.east:g} must differ and lie "
                "from -180 to 180; the order is minlat,maxlat,minlon,maxlon"
            )

    @classmethod
    def around(
        cls, latitudes: Sequence[float], longitudes: Sequence[float], margin_deg: float
    ) -> Extent:
        """Return a box around points; one that crosses the date line if that is narrower.

        >>> Extent.around([10.0, 11.0], [179.0, -179.0], 0.5)
        Extent(south=9.5, north=11.5, west=178.5, east=-178.5)
        """
        turned = sorted(longitude % 360 for longitude in longitudes)
        steps = [b - a for a, b in zip(turned, [*turned[1:], turned[0] + 360], strict=True)]
        widest = max(range(len(steps)), key=steps.__getitem__)
        west, east = turned[(widest + 1) % len(turned)] - margin_deg, turned[widest] + margin_deg
        return cls(
            max(min(latitudes) - margin_deg, -90.0),
            min(max(latitudes) + margin_deg, 90.0),
            (west + 180) % 360 - 180,
            (east + 180) % 360 - 180,
        )

    def __str__(self) -> str:
        return f"{self.south:g},{self.north:g},{self.west:g},{self.east:g}"

    @property
    def width_deg(self) -> float:
        """Extent in longitude, in degrees, also across the date line; all longitudes are 360."""
        return (self.east - self.west) % 360 or 360.0

    @property
    def center(self) -> tuple[float, float]:
        """Latitude and longitude of the middle, in degrees."""
        longitude = self.west + self.width_deg / 2
        return (self.south + self.north) / 2, (longitude + 180) % 360 - 180

    def contains(self, latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
        """Return for each point whether it lies in the box, edges included."""
        import numpy as np

        lat, lon = np.asarray(latitude, float), np.asarray(longitude, float)
        east_of_west = (lon - self.west) % 360
        inside = (lat >= self.south) & (lat <= self.north) & (east_of_west <= self.width_deg)
        return np.asarray(inside, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Plane:
    """A local plane in kilometres, x east and y north: azimuthal equidistant about a point.

    Distances from the centre are exact; between two points at most 500 km from it they are
    within 0.1 % (Snyder 1987, Map Projections, USGS Professional Paper 1395, page 191).
    """

    latitude: float
    """Latitude of the origin in degrees."""
    longitude: float
    """Longitude of the origin in degrees."""

    def to_xy(
        self, latitude: ArrayLike, longitude: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Project degrees to kilometres."""
        return self._projected(longitude, latitude, inverse=False)

    def to_lat_lon(
        self, x_km: ArrayLike, y_km: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Project kilometres back to degrees."""
        longitude, latitude = self._projected(x_km, y_km, inverse=True)
        return latitude, longitude

    def _projected(
        self, x: ArrayLike, y: ArrayLike, *, inverse: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        import numpy as np

        xs, ys = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        # Lists, since pyproj treats an array of one element as a number.
        project = _projection(self.latitude, self.longitude)
        found = project(xs.ravel().tolist(), ys.ravel().tolist(), inverse=inverse)
        return np.reshape(found[0], xs.shape), np.reshape(found[1], xs.shape)


@cache
def _projection(latitude: float, longitude: float):  # type: ignore[no-untyped-def]
    from pyproj import Proj

    return Proj(proj="aeqd", lat_0=latitude, lon_0=longitude, ellps="WGS84", units="km")


def distance_azimuth(
    from_latitude: ArrayLike,
    from_longitude: ArrayLike,
    to_latitude: ArrayLike,
    to_longitude: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Geodesic distance in km and azimuth in degrees (0 to 360, clockwise from north).

    The four arrays broadcast against each other.  On WGS84, after Karney (2013),
    doi:10.1007/s00190-012-0578-z.
    """
    import numpy as np
    from pyproj import Geod

    points = np.broadcast_arrays(from_longitude, from_latitude, to_longitude, to_latitude)
    shape = points[0].shape
    # pyproj converts an array of one value to a number in a way that numpy deprecates.
    lon1, lat1, lon2, lat2 = (p.item() if p.size == 1 else np.array(p, dtype=float) for p in points)
    azimuth, _, metres = Geod(ellps="WGS84").inv(lon1, lat1, lon2, lat2)
    return np.reshape(metres, shape) / 1000.0, np.reshape(azimuth, shape) % 360.0
