"""The map and the two depth sections, with the legend in the corner between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from epicat.plot.coastline import land_in
from epicat.plot.data import F64, Sites, round_below
from epicat.plot.errors import draw_depth_intervals, draw_ellipses
from epicat.plot.page import (
    INK,
    REFERENCE,
    UNKNOWN_DEPTH,
    Box,
    Page,
    degree_ticks,
    drawable,
    halo,
    write_no_events,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_corner", "draw_map", "draw_sections"]

_LABELLED_STATIONS = 40


def draw_map(page: Page) -> None:
    """Draw events and stations on the map, with a scale bar and the stations' names."""
    layout, view, quakes, sites = page.layout, page.view, page.quakes, page.sites
    box = (layout.left, layout.map_base, layout.map_width, layout.map_height)
    axes = layout.add(page.figure, box, xlim=(view.west, view.east), ylim=(view.south, view.north))
    axes.set_label("map")
    degree_ticks(axes.xaxis, layout.map_width, "EW")
    degree_ticks(axes.yaxis, layout.map_height, "NS")
    axes.tick_params(bottom=False, labelbottom=False)
    axes.set_ylabel("Latitude")
    _draw_land(page, axes)
    page.draw_reference(axes, "longitude", "latitude")
    draw_ellipses(page, axes)
    page.paint.scatter(axes, quakes.longitude, quakes.latitude, quakes)
    axes.scatter(
        sites.longitude, sites.latitude, s=_site_area(sites), marker="^", zorder=4,
        facecolors=INK, edgecolors="white", linewidths=0.6,
    )  # fmt: skip
    ruler = _draw_scale_bar(page, axes)
    if len(sites) <= _LABELLED_STATIONS:
        _label_stations(page, axes, ruler)


def _draw_land(page: Page, axes: Axes) -> None:
    """Draw land and coastline below everything else, with details down to half a pixel."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    view = page.view
    resolution = (view.east - view.west) / (page.layout.map_width * 400)
    land = land_in(view, resolution)
    axes.set_facecolor(page.style.sea)
    if land.polygons:
        shape = Path.make_compound_path(*(Path(ring, closed=True) for ring in land.polygons))
        axes.add_patch(PathPatch(shape, facecolor=page.style.land, linewidth=0, zorder=0.1))
    if land.coasts:
        lines = Path.make_compound_path(*(Path(line) for line in land.coasts))
        look = {"facecolor": "none", "edgecolor": "#8c8c8c", "linewidth": 0.5, "zorder": 0.6}
        axes.add_patch(PathPatch(lines, **look))


def _site_area(sites: Sites) -> float:
    return 42.0 if len(sites) <= 60 else 22.0 if len(sites) <= 300 else 9.0


def _draw_scale_bar(page: Page, axes: Axes) -> Box:
    """Draw the scale bar in the emptiest corner; return its box in pixels."""
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
    """Return a transform in inches with its origin at a point of the page."""
    from matplotlib.transforms import Affine2D

    return Affine2D().translate(x, y) + page.figure.dpi_scale_trans


def _emptiest_corner(page: Page, size: tuple[float, float]) -> tuple[float, float]:
    """Corner of the map, in inches, where a box of this size hides the fewest symbols."""
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
    """Write the names that fit; none if fewer than two thirds do."""
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
    """Omit the network code if all stations have the same one."""
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
    """Free box in pixels next to the point that covers the fewest events, or None."""
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


def draw_sections(page: Page) -> None:
    """Draw depth against longitude below the map, and against latitude to its right.

    Events whose depth is unknown are left out.
    """
    layout, view, depths = page.layout, page.view, page.depths
    quakes = page.quakes.take(page.quakes.has_depth)
    south_box = (layout.left, layout.south_base, layout.map_width, layout.section)
    east_box = (layout.east_base, layout.map_base, layout.section, layout.map_height)
    down, right = (depths.bottom, depths.top), (depths.top, depths.bottom)
    south_section = layout.add(page.figure, south_box, xlim=(view.west, view.east), ylim=down)
    east_section = layout.add(page.figure, east_box, xlim=right, ylim=(view.south, view.north))
    degree_ticks(south_section.xaxis, layout.map_width, "EW")
    degree_ticks(east_section.yaxis, layout.map_height, "NS")
    _depth_ticks(south_section.yaxis, layout.section)
    _depth_ticks(east_section.xaxis, layout.section)
    south_section.set(xlabel="Longitude", ylabel="Depth (km)", label="depth by longitude")
    east_section.set(xlabel="Depth (km)", label="depth by latitude")
    east_section.tick_params(left=False, labelleft=False)
    south_section.axhline(0, color="#888888", linewidth=0.6, zorder=1)
    east_section.axvline(0, color="#888888", linewidth=0.6, zorder=1)
    page.draw_reference(south_section, "longitude", "depth")
    page.draw_reference(east_section, "depth", "latitude")
    draw_depth_intervals(page, south_section, by_latitude=False)
    draw_depth_intervals(page, east_section, by_latitude=True)
    page.paint.scatter(south_section, quakes.longitude, quakes.depth, quakes)
    page.paint.scatter(east_section, quakes.depth, quakes.latitude, quakes)
    if not len(quakes):
        write_no_events(south_section)
        write_no_events(east_section)


def _depth_ticks(axis: Any, inches: float) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = sorted(axis.get_view_interval())
    edge = (high - low) * 0.04 / inches
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    axis.set_ticks([float(t) for t in ticks if low + edge <= t <= high - edge])


def draw_corner(page: Page) -> None:
    """Draw the legend and the color bar in the corner between the sections."""
    layout = page.layout
    shared: dict[str, Any] = {
        "frameon": False, "borderpad": 0, "borderaxespad": 0, "handletextpad": 0.4,
        "handlelength": 1.2,
    }  # fmt: skip
    left = layout.east_base / layout.width
    if handles := _handles(_symbols(page)):
        top = (left, (layout.map_base - 0.5) / layout.height)
        page.figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=top,
            **shared,
            labelspacing=0.45 if len(handles) <= 4 else 0.2,
        )
    if sizes := _handles(_sizes(page)):
        bottom = (left, (layout.south_base + 0.4) / layout.height)
        # Room for the largest symbol next to its magnitude.
        length = max(handle.get_markersize() for handle in sizes) / 8
        page.figure.legend(
            handles=sizes, loc="lower left", bbox_to_anchor=bottom, ncols=3, columnspacing=0.9,
            **{**shared, "handlelength": max(length, shared["handlelength"])},
        )  # fmt: skip
    if len(page.quakes):
        _draw_color_bar(page)


def _exaggeration_text(exaggeration: float) -> str:
    if exaggeration == 1:
        return "No vertical exaggeration"
    return f"Vertical exaggeration {exaggeration:g} : 1"


def _handles(marks: list[tuple[int, str, dict[str, Any]]]) -> list[Any]:
    """Return the handles of a legend: those of symbols that are on the map."""
    from matplotlib.lines import Line2D

    return [Line2D([], [], ls="none", label=name, **look) for number, name, look in marks if number]


def _symbols(page: Page) -> list[tuple[int, str, dict[str, Any]]]:
    """Return number, name and look of each kind of symbol."""
    quakes, color = page.quakes, page.paint.colormap(0.55)
    edge, poor, known = quakes.edge, quakes.is_poor, quakes.has_depth
    events = int((~edge & ~poor).sum())
    if page.paint.middle_magnitude is not None and not quakes.is_located:
        events = 0  # the legend of sizes has that symbol
    good, bad = ("Event", "Azimuthal gap > 180°")
    if quakes.is_located:
        good, bad = ("Quality A, B", "Quality C, D")
    marks: list[tuple[int, str, dict[str, Any]]] = [
        (len(page.sites), "Station", {"marker": "^", "mfc": INK, "mec": "white", "ms": 7}),
        (events, good, {"marker": "o", "mfc": color, "mec": INK, "mew": 0.4, "ms": 5}),
        (int((~edge & poor).sum()), bad,
         {"marker": "o", "mfc": "none", "mec": color, "mew": 1.0, "ms": 4.5}),
        (int((~known).sum()), f"Depth unknown ({int((~known).sum()):,})",
         {"marker": "o", "mfc": "none", "mec": UNKNOWN_DEPTH, "mew": 1.0, "ms": 4.5}),
        (int(edge.sum()), "Edge of search box",
         {"marker": "x", "mec": color, "mew": 1.4, "ms": 5}),
    ]  # fmt: skip
    if page.reference is not None:
        look = {"marker": REFERENCE["marker"], "mec": REFERENCE["color"], "ms": 6}
        marks.append((len(page.reference), page.reference.label, look))
    return marks


def _sizes(page: Page) -> list[tuple[int, str, dict[str, Any]]]:
    """Return the look of up to three whole magnitudes; nothing if events have none."""
    if page.paint.middle_magnitude is None:
        return []
    look = {"marker": "o", "mfc": page.paint.colormap(0.55), "mec": INK, "mew": 0.4}
    low, high = np.nanmin(page.quakes.magnitude), np.nanmax(page.quakes.magnitude)
    shown = np.arange(np.ceil(low), np.floor(high) + 1)
    if len(shown) < 2:
        shown = np.array([low, high]).round(1)
    shown = np.unique(shown[np.linspace(0, len(shown) - 1, 3).astype(int)])
    sizes = np.sqrt(page.paint.areas(shown))
    return [
        (1, f"M {magnitude:g}", {**look, "ms": float(size)})
        for magnitude, size in zip(shown, sizes, strict=True)
    ]


def _draw_color_bar(page: Page) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import MaxNLocator

    layout, paint = page.layout, page.paint
    place = (layout.east_base, layout.south_base + 0.2, layout.section, 0.12)
    axes = layout.add(page.figure, place, label="color bar")
    low, high = paint.norm.vmin, paint.norm.vmax
    edge = 0.06 * (high - low)
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    bar = page.figure.colorbar(
        ScalarMappable(paint.norm, paint.colormap), cax=axes, orientation="horizontal",
        extend=paint.extend, extendfrac=0.04,
        ticks=[float(t) for t in ticks if low + edge < t < high - edge],
    )  # fmt: skip
    note = _exaggeration_text(page.depths.exaggeration)
    bar.set_label(f"Depth (km below sea level)\n{note}")
    bar.outline.set_linewidth(0.5)
