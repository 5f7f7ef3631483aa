"""Uncertainties: error ellipses on the map, depth intervals in the sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from epicat.plot.data import F64, Quakes, View
from epicat.plot.page import Page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_depth_intervals", "draw_ellipses", "has_errors"]

_MOST: Final = 300
"""With more events their errors hide each other."""
_WIDEST: Final = 0.25
"""Ellipses longer than this share of the map's width are not drawn."""
_POINTS: Final = 49


def has_errors(quakes: Quakes) -> bool:
    """Whether errors are known and can be drawn."""
    return len(quakes) <= _MOST and bool(np.isfinite(quakes.ellipse[:, 0]).any())


def draw_ellipses(page: Page, axes: Axes) -> None:
    """Draw the horizontal error ellipses of 68 % below the events."""
    if not has_errors(page.quakes):
        return
    size = page.quakes.ellipse[:, 0]
    shown = page.quakes.take(2 * size <= _WIDEST * page.view.width_km)
    _draw_lines(page, axes, shown, ellipses(shown, page.view))


def ellipses(quakes: Quakes, view: View) -> F64:
    """Return longitudes and latitudes of points of each ellipse, shape (events, points, 2)."""
    major, minor, azimuth = quakes.ellipse.T[:, :, None]
    turn = np.linspace(0, 2 * np.pi, _POINTS)
    along, across = major * np.cos(turn), minor * np.sin(turn)
    sine, cosine = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    east, north = along * sine + across * cosine, along * cosine - across * sine
    wide = view.km_per_degree_north * np.cos(np.radians(quakes.latitude))[:, None]
    longitude = quakes.longitude[:, None] + east / np.maximum(wide, 1e-6)
    latitude = quakes.latitude[:, None] + north / view.km_per_degree_north
    return np.stack([longitude, latitude], axis=2)


def draw_depth_intervals(page: Page, axes: Axes, *, by_latitude: bool) -> None:
    """Draw the depth intervals of 68 %, against longitude or latitude."""
    shown = page.quakes.take(page.quakes.has_depth)
    if not has_errors(page.quakes):
        return
    place = shown.latitude if by_latitude else shown.longitude
    ends = np.stack([np.stack([place, place], axis=1), shown.depth_range], axis=2)
    _draw_lines(page, axes, shown, ends[:, :, ::-1] if by_latitude else ends)


def _draw_lines(page: Page, axes: Axes, quakes: Quakes, lines: F64) -> None:
    from matplotlib.collections import LineCollection

    known = np.isfinite(lines).all(axis=(1, 2))
    looks = ((known & ~quakes.is_poor, 0.7, 0.8), (known & quakes.is_poor, 0.5, 0.45))
    for chosen, width, alpha in looks:
        colors: Any = page.paint.colors(quakes)[chosen]
        drawn = LineCollection(
            list(lines[chosen]), colors=colors, linewidths=width, alpha=alpha, zorder=2.5
        )
        axes.add_collection(drawn, autolim=False)
