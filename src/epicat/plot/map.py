"""The map: events, stations with their names, and a scale bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from epicat.plot.data import F64, Sites
from epicat.plot.geometry import round_below
from epicat.plot.page import Box, Page
from epicat.plot.style import INK
from epicat.plot.writing import drawable, halo, ticks_of_degrees

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_map"]

_LABELLED_STATIONS = 40


def draw_map(page: Page) -> None:
    """Draw events and stations on the map, with a scale bar and the stations' names."""
    layout, view, quakes, sites = page.layout, page.view, page.quakes, page.sites
    box = (layout.left, layout.map_base, layout.map_width, layout.map_height)
    axes = layout.add(page.figure, box, xlim=(view.west, view.east), ylim=(view.south, view.north))
    axes.set_label("map")
    ticks_of_degrees(axes.xaxis, layout.map_width, "EW")
    ticks_of_degrees(axes.yaxis, layout.map_height, "NS")
    axes.tick_params(bottom=False, labelbottom=False)
    axes.set_ylabel("Latitude")
    page.draw_reference(axes, "longitude", "latitude")
    page.paint.scatter(axes, quakes.longitude, quakes.latitude, quakes)
    axes.scatter(
        sites.longitude, sites.latitude, s=_site_area(sites), marker="^", zorder=4,
        facecolors=INK, edgecolors="white", linewidths=0.6,
    )  # fmt: skip
    ruler = _draw_scale_bar(page, axes)
    if len(sites) <= _LABELLED_STATIONS:
        _label_stations(page, axes, ruler)


def _site_area(sites: Sites) -> float:
    return 42.0 if len(sites) <= 60 else 22.0 if len(sites) <= 300 else 9.0


def _draw_scale_bar(page: Page, axes: Axes) -> Box:
    """Draw the bar into the emptiest corner; return its box in pixels."""
    layout, view = page.layout, page.view
    km = round_below(0.3 * view.width_km)
    length = km / view.width_km * layout.map_width
    size = (max(length, 0.5) + 0.16, 0.3)
    x, y = _emptiest_corner(page, size)
    inches = _inches(page, layout.left, layout.map_base)
    start, low, high = x + (size[0] - length) / 2, y + 0.06, y + 0.1
    end = start + length
    look: dict[str, Any] = {
        "transform": inches,
        "color": INK,
        "path_effects": halo(),
        "zorder": 6,
    }
    axes.plot([start, start, end, end], [high, low, low, high], linewidth=1.1, **look)
    axes.text((start + end) / 2, high, f"{km:,g} km", ha="center", va="bottom", **look)
    corners = inches.transform([(x, y), (x + size[0], y + size[1])])
    left, bottom, right, top = (float(v) for v in corners.ravel())
    return left, bottom, right, top


def _inches(page: Page, x: float, y: float) -> Any:
    """Return a transform whose unit is the inch and whose origin is this point of the page."""
    from matplotlib.transforms import Affine2D

    return Affine2D().translate(x, y) + page.figure.dpi_scale_trans


def _emptiest_corner(page: Page, size: tuple[float, float]) -> tuple[float, float]:
    """Corner of the map, in inches, in which a box of this size hides the fewest things."""
    layout, view = page.layout, page.view
    lon = np.concatenate([page.quakes.longitude, np.repeat(page.sites.longitude, 5)])
    lat = np.concatenate([page.quakes.latitude, np.repeat(page.sites.latitude, 5)])
    x = (lon - view.west) / (view.east - view.west) * layout.map_width
    y = (lat - view.south) / (view.north - view.south) * layout.map_height
    right, top = layout.map_width - size[0] - 0.06, layout.map_height - size[1] - 0.06
    corners = [(0.06, 0.06), (right, 0.06), (0.06, top), (right, top)]
    hidden = [
        int((np.abs(x - a - size[0] / 2) < size[0] / 2 + 0.06)
            @ (np.abs(y - b - size[1] / 2) < size[1] / 2 + 0.06).astype(int))
        for a, b in corners
    ]  # fmt: skip
    return corners[int(np.argmin(hidden))]


def _label_stations(page: Page, axes: Axes, ruler: Box) -> None:
    """Write the names that have room; none if that would be less than two thirds of them."""
    points = axes.transData.transform(
        np.column_stack([page.sites.longitude, page.sites.latitude]).reshape(-1, 2)
    )
    events = axes.transData.transform(
        np.column_stack([page.quakes.longitude, page.quakes.latitude]).reshape(-1, 2)
    )
    half = 0.045 * page.figure.dpi
    taken = [*np.hstack([points - half, points + half]), np.array(ruler)]
    texts = [_station_text(axes, name) for name in _short_names(page.sites.names)]
    for text, point in zip(texts, points, strict=True):
        box = _free_place(text, point, np.array(taken), events)
        if box is None:
            text.set_visible(False)
            continue
        text.set_position(axes.transData.inverted().transform(box[:2]))
        taken.append(box)
    shown = sum(text.get_visible() for text in texts)
    for text in texts:
        if not text.get_visible() or shown < 2 / 3 * len(texts):
            text.remove()


def _short_names(names: tuple[str, ...]) -> list[str]:
    """Leave the network out if all stations belong to the same one."""
    networks = {name.partition(".")[0] for name in names}
    short = [name.partition(".")[2] for name in names]
    return [drawable(n) for n in (short if len(networks) == 1 and all(short) else names)]


def _station_text(axes: Axes, name: str) -> Any:
    x, y = (float(np.mean(limits)) for limits in (axes.get_xlim(), axes.get_ylim()))
    return axes.text(
        x, y, name, fontsize=7, va="bottom", ha="left", color=INK, path_effects=halo(), zorder=7,
        parse_math=False,
    )  # fmt: skip


def _free_place(text: Any, point: F64, taken: F64, events: F64) -> F64 | None:
    """Box in pixels beside the point that covers nothing taken and the fewest events."""
    extent = text.get_window_extent()
    frame = text.axes.bbox.extents
    pixel = text.figure.dpi / 72
    size = np.array([extent.width, extent.height])
    best, fewest = None, np.inf
    for side in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
        middle = point + np.array(side) * (size / 2 + (4 if 0 in side else 2.5) * pixel)
        box = np.concatenate([middle - size / 2, middle + size / 2])
        inside = (box[:2] > frame[:2] + 3 * pixel).all() and (box[2:] < frame[2:] - 3 * pixel).all()
        covered = int((np.abs(events - middle) < size / 2 + 2 * pixel).all(axis=1).sum())
        if inside and covered < fewest and not _meets(box, taken):
            best, fewest = box, covered
    return best


def _meets(box: F64, others: F64) -> bool:
    apart = (box[2:] < others[:, :2]) | (others[:, 2:] < box[:2])
    return bool((~apart.any(axis=1)).any())
