"""The figure of a catalog: a heading and the panels, composed on a page and saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from epicat.errors import InputError
from epicat.geo import Extent
from epicat.plot.data import (
    LONGEST_SECTION,
    depth_axis,
    map_size,
    map_view,
    read_quakes,
    read_sites,
)
from epicat.plot.errors import has_errors
from epicat.plot.map import draw_corner, draw_map, draw_sections
from epicat.plot.page import (
    STYLES,
    Layout,
    Page,
    Style,
    choose_paint,
    drawable,
    style_context,
)
from epicat.plot.timeline import draw_timeline
from epicat.time import iso

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

__all__ = ["PlotOptions", "catalog_figure", "draw_catalog", "save_figure"]

_SECTION_SHARE: Final = 0.3
"""Largest part of the page that is a section, so that the map of a narrow page is not small."""
_SAVE: Final[dict[str, dict[str, Any]]] = {
    ".pdf": {"format": "pdf", "dpi": 300, "metadata": {"CreationDate": None}},
    ".png": {"format": "png", "dpi": 200},
    ".svg": {"format": "svg", "dpi": 300, "metadata": {"Date": None}},
}
"""Options of each file format; without creation time, so that equal input gives equal bytes."""


@dataclass(frozen=True, slots=True)
class PlotOptions:
    """Options of a figure."""

    style: Style = STYLES["screen"]
    """Style, from `choose_style`."""
    reference: tuple[str, pa.Table] | None = None
    """Another catalog, drawn as crosses: its name in the legend, and a table with the columns
    ``time``, ``latitude``, ``longitude`` and ``depth_km``."""


def draw_catalog(
    events: pa.Table,
    stations: pa.Table,
    path: Path,
    *,
    title: str,
    extent: Extent | None = None,
    options: PlotOptions = PlotOptions(),
) -> None:
    """Draw a catalog as PNG, PDF or SVG, by the suffix of ``path``; see `catalog_figure`.

    Equal input gives equal bytes (with the same version of matplotlib).  Raises `InputError` for
    another suffix, a missing folder, or a path that cannot be written.  Not thread-safe:
    matplotlib's style is global.
    """
    _save_options(path)
    with style_context(options.style):
        save_figure(_compose(events, stations, title, extent, options), path)


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure in the format of the suffix of ``path``; raise `InputError` if it cannot be.

    To be called inside `style_context`.
    """
    options = _save_options(path)
    buffer = BytesIO()
    figure.savefig(buffer, **options)
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise InputError(f"cannot write the figure {path}: {error.strerror or error}") from error


def catalog_figure(
    events: pa.Table,
    stations: pa.Table,
    *,
    title: str,
    extent: Extent | None = None,
    options: PlotOptions = PlotOptions(),
) -> Figure:
    """Return the figure of a catalog: map, two depth sections, timeline.

    ``events`` and ``stations`` are tables with the schemas of `epicat.tables`.  The map contains
    all of them and ``extent``.  Markers have the color of the depth and, if events have magnitudes,
    the size of the magnitude.  Located events have error ellipses and depth intervals, if there are
    no more than 300, and are open in the quality classes C and D; other events are open if the
    azimuthal gap is above 180 degrees.  A depth that does not follow from the picks is not drawn:
    such events are grey on the map.  A catalog may be empty.
    """
    with style_context(options.style):
        return _compose(events, stations, title, extent, options)


def _compose(
    events: pa.Table, stations: pa.Table, title: str, extent: Extent | None, options: PlotOptions
) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style, other = options.style, options.reference
    quakes, sites = read_quakes(events), read_sites(stations)
    reference = read_quakes(other[1], other[0]) if other else None
    view = map_view(quakes, sites, extent)
    lines = wrap(drawable(title), 62, max_lines=2, placeholder=" …")
    heading = 0.43 + 0.22 * len(lines)
    longest = min(LONGEST_SECTION, _SECTION_SHARE * style.width_inches)
    room = style.width_inches - Layout(0, 0, longest, heading).width
    map_width, map_height = map_size(view, room)
    depths = depth_axis(quakes.depth[quakes.has_depth], view.width_km / map_width, longest)
    layout = Layout(map_width, map_height, depths.inches, heading)
    quakes = replace(quakes, longitude=view.unwrapped(quakes.longitude))
    sites = replace(sites, longitude=view.unwrapped(sites.longitude))
    if reference is not None:
        reference = replace(reference, longitude=view.unwrapped(reference.longitude))
    figure = Figure(figsize=(layout.width, layout.height), dpi=200, facecolor="white")
    FigureCanvasAgg(figure)
    paint = choose_paint(quakes)
    page = Page(figure, layout, view, quakes, sites, depths, paint, style, reference)
    _draw_heading(page, lines)
    draw_map(page)
    draw_sections(page)
    draw_corner(page)
    draw_timeline(page)
    return figure


def _draw_heading(page: Page, lines: list[str]) -> None:
    layout = page.layout
    top = layout.height - 0.14
    look: dict[str, Any] = {"fontsize": 0.75 * page.style.title_size, "color": "#555555"}
    for number, line in enumerate(lines):
        _write(page, top - 0.22 * number, line, fontsize=page.style.title_size, fontweight="bold")
    _write(page, top - 0.22 * len(lines) - 0.03, _summary(page), **look)


def _write(page: Page, y: float, text: str, **options: Any) -> None:
    """Write a line of the heading, in a smaller font if it would not fit."""
    layout = page.layout
    line = page.figure.text(
        layout.left / layout.width, y / layout.height, text, va="top", parse_math=False, **options
    )
    room = (layout.width - layout.left - 0.3) * page.figure.dpi
    line.set_fontsize(options["fontsize"] * min(1, room / line.get_window_extent().width))


def _summary(page: Page) -> str:
    quakes = page.quakes
    parts = [_count(len(quakes), "event"), _count(len(page.sites), "station")]
    if len(quakes):
        first, last = (_moment(int(t)) for t in (quakes.time_ns.min(), quakes.time_ns.max()))
        shown = last[11:] if last[:10] == first[:10] else last
        parts.append(f"{first} UTC" if first == last else f"{first} to {shown} UTC")
        if has_errors(quakes):
            parts.append("errors of 68 %")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"


def _moment(time_ns: int) -> str:
    return iso(time_ns)[:19].replace("T", " ")


def _save_options(path: Path) -> dict[str, Any]:
    options = _SAVE.get(path.suffix.lower())
    if options is None:
        raise InputError(
            f"cannot draw {path.name!r}: the suffix must be one of {', '.join(sorted(_SAVE))}"
        )
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: the folder {path.parent} does not exist")
    return options
