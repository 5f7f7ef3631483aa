"""The two depth sections, and in the corner between them the key to both and to the map."""

from __future__ import annotations

from typing import Any

from epicat.plot.page import REFERENCE, Page
from epicat.plot.style import INK
from epicat.plot.writing import say_no_events, ticks_of_degrees

__all__ = ["draw_corner", "draw_sections"]


def draw_sections(page: Page) -> None:
    """Draw depth against longitude below the map, and against latitude beside it."""
    layout, view, depths, quakes = page.layout, page.view, page.depths, page.quakes
    south = (layout.left, layout.south_base, layout.map_width, layout.section)
    east = (layout.east_base, layout.map_base, layout.section, layout.map_height)
    down, right = (depths.bottom, depths.top), (depths.top, depths.bottom)
    below = layout.add(page.figure, south, xlim=(view.west, view.east), ylim=down)
    beside = layout.add(page.figure, east, xlim=right, ylim=(view.south, view.north))
    ticks_of_degrees(below.xaxis, layout.map_width, "EW")
    ticks_of_degrees(beside.yaxis, layout.map_height, "NS")
    _ticks_of_depth(below.yaxis, layout.section)
    _ticks_of_depth(beside.xaxis, layout.section)
    below.set(xlabel="Longitude", ylabel="Depth (km)", label="depth by longitude")
    beside.set(xlabel="Depth (km)", label="depth by latitude")
    beside.tick_params(left=False, labelleft=False)
    below.axhline(0, color="#888888", linewidth=0.6, zorder=1)
    beside.axvline(0, color="#888888", linewidth=0.6, zorder=1)
    page.draw_reference(below, "longitude", "depth")
    page.draw_reference(beside, "depth", "latitude")
    page.paint.scatter(below, quakes.longitude, quakes.depth, quakes)
    page.paint.scatter(beside, quakes.depth, quakes.latitude, quakes)
    if not len(quakes):
        say_no_events(below)
        say_no_events(beside)


def _ticks_of_depth(axis: Any, inches: float) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = sorted(axis.get_view_interval())
    edge = (high - low) * 0.04 / inches
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    axis.set_ticks([float(t) for t in ticks if low + edge <= t <= high - edge])


def draw_corner(page: Page) -> None:
    """Draw the legend and the colour bar into the corner between the sections."""
    layout, quakes = page.layout, page.quakes
    handles = _legend_handles(page)
    if handles:
        place = (layout.east_base / layout.width, (layout.map_base - 0.5) / layout.height)
        page.figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=place, frameon=False,
            borderpad=0, borderaxespad=0, handletextpad=0.4, handlelength=1.2, labelspacing=0.45,
        )  # fmt: skip
    if len(quakes):
        _draw_colour_bar(page)
        page.figure.text(
            layout.east_base / layout.width, (layout.south_base + 0.38) / layout.height,
            _exaggeration_text(page.depths.exaggeration), va="bottom", color="#555555", fontsize=7,
        )  # fmt: skip


def _exaggeration_text(exaggeration: float) -> str:
    if exaggeration == 1:
        return "No vertical exaggeration"
    return f"Vertical exaggeration {exaggeration:g} : 1"


def _legend_handles(page: Page) -> list[Any]:
    from matplotlib.lines import Line2D

    colour, edge = page.paint.colormap(0.55), page.quakes.edge
    marks = [
        (len(page.sites), "Station", {"marker": "^", "mfc": INK, "mec": "white", "ms": 7}),
        ((~edge).sum(), "Event", {"marker": "o", "mfc": colour, "mec": INK, "mew": 0.4, "ms": 5}),
        (edge.sum(), "Event at the edge of\nthe search box",
         {"marker": "x", "mec": colour, "mew": 1.4, "ms": 5}),
    ]  # fmt: skip
    if page.reference is not None:
        look = {"marker": REFERENCE["marker"], "mec": REFERENCE["color"], "ms": 6}
        marks.append((len(page.reference), page.reference.label, look))
    return [Line2D([], [], ls="none", label=name, **look) for number, name, look in marks if number]


def _draw_colour_bar(page: Page) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import MaxNLocator

    layout, paint = page.layout, page.paint
    place = (layout.east_base, layout.south_base + 0.2, layout.section, 0.12)
    axes = layout.add(page.figure, place, label="colour bar")
    low, high = paint.norm.vmin, paint.norm.vmax
    edge = 0.06 * (high - low)
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    bar = page.figure.colorbar(
        ScalarMappable(paint.norm, paint.colormap), cax=axes, orientation="horizontal",
        extend=paint.extend, extendfrac=0.04,
        ticks=[float(t) for t in ticks if low + edge < t < high - edge],
    )  # fmt: skip
    bar.set_label("Depth (km below sea level)")
    bar.outline.set_linewidth(0.5)
