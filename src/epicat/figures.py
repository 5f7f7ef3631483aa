"""The picture of a catalog: map, two depth sections and a timeline on one page.

The only file that imports matplotlib, and only when a picture is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from epicat.clock import DAY_NS, SECOND_NS, iso
from epicat.errors import InputError
from epicat.geo import Extent

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["catalog_figure", "draw_catalog"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Box = tuple[float, float, float, float]
"""Left, bottom, width and height, or left, bottom, right and top for pixels of text."""

_KM_PER_DEGREE = 111.195
_NO_EVENTS = "no events"
_INK, _BARS, _TOTAL = "#222222", "#9db0c4", "#b3402a"
_LABELLED_STATIONS = 40
_SECTION = (1.55, 2.0)
"""Shortest and longest depth axis in inches; the legend needs the former."""

_SAVE: Final[dict[str, dict[str, Any]]] = {
    ".pdf": {"format": "pdf", "dpi": 300, "metadata": {"CreationDate": None}},
    ".png": {"format": "png", "dpi": 200},
    ".svg": {"format": "svg", "dpi": 300, "metadata": {"Date": None}},
}
"""How to save each kind of file; no time of writing, so that equal input gives equal bytes."""

_STYLE: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#444444",
    "axes.formatter.useoffset": False,
    "axes.axisbelow": True,
    "grid.color": "#ebebeb",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,
    "svg.hashsalt": "epicat",
}

_STEPS: Final[tuple[tuple[int, str, str], ...]] = (
    *((n, "s", "s") for n in (1, 2, 5, 10, 20, 30)),
    *((n, "m", "min") for n in (1, 2, 5, 10, 20, 30)),
    *((n, "h", "h") for n in (1, 2, 3, 6, 12)),
    (1, "D", "day"),
    *((n, "D", "days") for n in (2, 7, 14)),
    (1, "M", "month"),
    *((n, "M", "months") for n in (2, 3, 6)),
    (1, "Y", "year"),
    *((n, "Y", "years") for n in (2, 5, 10, 20, 50, 100)),
)
"""Steps of time for bins and ticks: number, numpy's unit, word."""

_UNIT_SECONDS: Final = {
    "s": 1, "m": 60, "h": 3600, "D": 86_400, "M": 2_629_746, "Y": 31_556_952,
}  # fmt: skip

_LOOKS: Final[tuple[tuple[float, tuple[float, float, float]], ...]] = (
    (50, (30, 0.5, 0.95)),
    (300, (18, 0.4, 0.9)),
    (2000, (9, 0.25, 0.8)),
    (20_000, (4, 0.1, 0.6)),
    (np.inf, (1.5, 0.0, 0.4)),
)
"""Area, outline and opacity of the markers, by the largest number of events they suit."""


def draw_catalog(
    events: pa.Table,
    stations: pa.Table,
    path: Path,
    *,
    title: str,
    extent: Extent | None = None,
) -> None:
    """Draw a catalog as PNG, PDF or SVG, by the suffix of ``path``; see `catalog_figure`.

    Equal input gives equal bytes (with one version of matplotlib).  Raises `InputError` for
    another suffix, a folder that does not exist, or a path that cannot be written.  Not safe
    to call from two threads at once: matplotlib keeps its style in one place.
    """
    options = _save_options(path)
    with _style():
        figure = _compose(_quakes(events), _sites(stations), title, extent)
        buffer = BytesIO()
        figure.savefig(buffer, **options)
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise InputError(f"cannot write the figure {path}: {error.strerror or error}") from error


def catalog_figure(
    events: pa.Table, stations: pa.Table, *, title: str, extent: Extent | None = None
) -> Figure:
    """Return the figure of a catalog: map, two depth sections, timeline.

    ``events`` and ``stations`` are tables with the schemas of `epicat.tables`.  The map holds
    all of them and ``extent``; no events is a normal case.
    """
    with _style():
        return _compose(_quakes(events), _sites(stations), title, extent)


# ---------------------------------------------------------------------------------------------
# What is drawn


@dataclass(frozen=True, slots=True)
class _Quakes:
    """The events as arrays, the deepest first, so that the shallow ones end up on top."""

    time_ns: I64
    latitude: F64
    longitude: F64
    depth: F64
    edge: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_ns)


@dataclass(frozen=True, slots=True)
class _Sites:
    """The physical stations, each once, by name."""

    names: tuple[str, ...]
    latitude: F64
    longitude: F64

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class _View:
    """The box of the map; ``east`` is larger than ``west``, and may be larger than 180."""

    south: float
    north: float
    west: float
    east: float

    @property
    def width_km(self) -> float:
        """Length of the middle parallel."""
        return (self.east - self.west) * self.km_per_degree_east

    @property
    def height_km(self) -> float:
        """Length of a meridian."""
        return (self.north - self.south) * _KM_PER_DEGREE

    @property
    def km_per_degree_east(self) -> float:
        """Length of one degree of longitude on the middle parallel."""
        middle = np.radians((self.south + self.north) / 2)
        return _KM_PER_DEGREE * max(float(np.cos(middle)), 0.01)

    def unwrapped(self, longitude: F64) -> F64:
        """Return longitudes within half a turn of the middle."""
        return _near(longitude, (self.west + self.east) / 2)

    def grown(self, east_km: float, north_km: float) -> _View:
        """Return the view with this much added in all, half on each side."""
        east, north = east_km / self.km_per_degree_east / 2, north_km / _KM_PER_DEGREE / 2
        return _View(self.south - north, self.north + north, self.west - east, self.east + east)


@dataclass(frozen=True, slots=True)
class _Depths:
    """The depth axis of the sections."""

    top: float
    """Upper end in km below sea level."""
    bottom: float
    """Lower end in km below sea level."""
    exaggeration: float
    """Scale of depth over scale of the map."""
    inches: float
    """Length on paper."""


def _quakes(events: pa.Table) -> _Quakes:
    latitude, longitude, depth = (
        events[name].to_numpy() for name in ("latitude", "longitude", "depth_km")
    )
    known = np.isfinite(latitude) & np.isfinite(longitude) & np.isfinite(depth)
    if not known.all():
        name = events["event_id"][int(np.argmin(known))].as_py()
        raise InputError(f"event {name} cannot be drawn: its position is not a number")
    time_ns = events["time"].cast("int64").to_numpy()
    order = np.lexsort((longitude, latitude, time_ns, -depth))
    edge = events["edge"].to_numpy()
    return _Quakes(*(a[order] for a in (time_ns, latitude, longitude, depth, edge)))


def _sites(stations: pa.Table) -> _Sites:
    columns = ("station", "network_code", "station_code", "latitude", "longitude")
    rows = zip(*(stations[name].to_pylist() for name in columns), strict=True)
    first: dict[str, tuple[float, float]] = {}
    for name, network, code, latitude, longitude in rows:
        first.setdefault(name or f"{network}.{code}", (latitude, longitude))
    names = tuple(sorted(first))
    places = np.array([first[name] for name in names], float).reshape(-1, 2)
    if not np.isfinite(places).all():
        name = names[int(np.argmin(np.isfinite(places).all(axis=1)))]
        raise InputError(f"station {name} cannot be drawn: its position is not a number")
    return _Sites(names, places[:, 0], places[:, 1])


# ---------------------------------------------------------------------------------------------
# Where it is drawn: degrees, kilometres, inches


def _near(longitude: F64, middle: float) -> F64:
    return np.asarray((longitude - middle + 180) % 360 - 180 + middle)


def _view(quakes: _Quakes, sites: _Sites, extent: Extent | None) -> _View:
    latitude = np.concatenate([quakes.latitude, sites.latitude])
    longitude = np.concatenate([quakes.longitude, sites.longitude])
    if extent is None and not len(latitude):
        extent = Extent(-90, 90, -180, 180)
    if extent is None:
        longitude = _near(longitude, _middle_longitude(longitude))
    else:
        width = extent.width_deg or 360.0
        inside = _near(longitude, extent.west + width / 2)
        longitude = np.concatenate([inside, [extent.west, extent.west + width]])
        latitude = np.concatenate([latitude, [extent.south, extent.north]])
    tight = _View(latitude.min(), latitude.max(), longitude.min(), longitude.max())
    return _shaped(tight, margin=0.12 if extent is None else 0.04)


def _middle_longitude(longitude: F64) -> float:
    """Middle of the shortest arc that holds all the longitudes."""
    around = np.unique(longitude % 360)
    gaps = np.diff(around, append=around[0] + 360)
    widest = int(np.argmax(gaps))
    start = around[(widest + 1) % len(around)]
    return float((start + (360 - gaps[widest]) / 2 + 180) % 360 - 180)


def _shaped(view: _View, margin: float) -> _View:
    """Add the margin, and whatever a map of a reasonable size and shape needs."""
    margin_km = max(margin * max(view.width_km, view.height_km), 0.01)
    view = view.grown(margin_km, margin_km)
    view = view.grown(max(5 - view.width_km, 0), max(5 - view.height_km, 0))
    wide = max(0.65 * view.height_km - view.width_km, 0)
    tall = max(view.width_km / 2 - view.height_km, 0)
    return view.grown(wide, tall)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in inches.  Everything hangs on the map; one scale serves all three panels."""

    map_width: float
    map_height: float
    section: float
    """Length of the depth axes."""
    heading: float
    """Height of the title and the subtitle."""
    gap: float = 0.12
    left: float = 0.85
    right: float = 0.8
    below_sections: float = 0.62
    timeline: float = 1.3
    bottom: float = 0.5

    @property
    def width(self) -> float:
        """Width of the figure."""
        return self.east_base + self.section + self.right

    @property
    def height(self) -> float:
        """Height of the figure."""
        return self.map_base + self.map_height + self.heading

    @property
    def south_base(self) -> float:
        """Lower edge of the section below the map."""
        return self.bottom + self.timeline + self.below_sections

    @property
    def map_base(self) -> float:
        """Lower edge of the map."""
        return self.south_base + self.section + self.gap

    @property
    def east_base(self) -> float:
        """Left edge of the section beside the map."""
        return self.left + self.map_width + self.gap

    def add(self, figure: Figure, box: Box, **options: Any) -> Axes:
        """Add axes at a box given in inches."""
        x, y, width, height = box
        place = (x / self.width, y / self.height, width / self.width, height / self.height)
        axes = figure.add_axes(place, **options)
        axes.tick_params(length=3, width=0.6, color="#444444")
        axes.yaxis.set_label_coords(-0.6 / width, 0.5)
        return axes


def _map_size(view: _View) -> tuple[float, float]:
    shape = view.width_km / view.height_km
    width = min(4.7, 5.6 * shape)
    return width, width / shape


def _depths(depth: F64, km_per_inch: float) -> _Depths:
    """Choose the depth axis: at the scale of the map, unless little or too much would be seen."""
    low, high = (float(depth.min()), float(depth.max())) if len(depth) else (0.0, 20.0)
    most = _SECTION[1] * km_per_inch
    surface = low <= high - low or max(high, 0) - min(low, 0) <= most
    if surface:
        low, high = min(low, 0.0), max(high, 0.0)
    need = 1.15 * max(high - low, 1.0, (0.01 if surface else 0.35) * most)
    room = most / need
    exaggeration = 1.0 if 1 <= room <= 3.2 else _round_below(room, (1, 2, 3, 4, 5, 6, 8))
    inches = min(max(need * exaggeration / km_per_inch, _SECTION[0]), _SECTION[1])
    length = inches * km_per_inch / exaggeration
    top = low - 0.05 * length if surface else (low + high - length) / 2
    return _Depths(top, top + length, exaggeration, inches)


def _round_below(value: float, factors: tuple[int, ...] = (1, 2, 5)) -> float:
    """Largest of the factors times a power of ten that is not larger.

    >>> _round_below(7.3), _round_below(0.3)
    (5.0, 0.2)
    """
    power = float(10.0 ** np.floor(np.log10(value) + 1e-12))
    factor = max(n for n in factors if n <= value / power * (1 + 1e-9))
    return float(f"{factor * power:.6g}")


# ---------------------------------------------------------------------------------------------
# The page


@dataclass(frozen=True, slots=True)
class _Paint:
    """How events look: the same in every panel."""

    colormap: Any
    norm: Any
    extend: str
    """Ends of the colour bar beyond which there are events."""
    area: float
    """Size of the markers in square points."""
    line: float
    """Width of their outline in points."""
    alpha: float

    def scatter(self, axes: Axes, x: F64, y: F64, quakes: _Quakes) -> None:
        """Draw the events at x and y: circles, and crosses for those at the edge."""
        shared = {"cmap": self.colormap, "norm": self.norm, "rasterized": len(quakes) > 2000}
        at, sure = quakes.edge, ~quakes.edge
        axes.scatter(
            x[sure], y[sure], c=quakes.depth[sure], s=self.area, alpha=self.alpha, zorder=3,
            linewidths=self.line, edgecolors=_INK, **shared,
        )  # fmt: skip
        axes.scatter(
            x[at], y[at], c=quakes.depth[at], s=max(self.area * 0.8, 6), marker="x", zorder=3.1,
            linewidths=0.6 + 2 * self.line, **shared,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Page:
    """Everything that the panels need."""

    figure: Figure
    layout: _Layout
    view: _View
    quakes: _Quakes
    sites: _Sites
    depths: _Depths
    paint: _Paint


def _compose(quakes: _Quakes, sites: _Sites, title: str, extent: Extent | None) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    view = _view(quakes, sites, extent)
    lines = wrap(_drawable(title), 62, max_lines=2, placeholder=" …")
    map_width, map_height = _map_size(view)
    depths = _depths(quakes.depth, view.width_km / map_width)
    layout = _Layout(map_width, map_height, depths.inches, heading=0.43 + 0.22 * len(lines))
    quakes = replace(quakes, longitude=view.unwrapped(quakes.longitude))
    sites = replace(sites, longitude=view.unwrapped(sites.longitude))
    figure = Figure(figsize=(layout.width, layout.height), dpi=200, facecolor="white")
    FigureCanvasAgg(figure)
    page = _Page(figure, layout, view, quakes, sites, depths, _paint(quakes.depth))
    _draw_heading(page, lines)
    _draw_map(page)
    _draw_sections(page)
    _draw_corner(page)
    _draw_timeline(page)
    return figure


def _paint(depth: F64) -> _Paint:
    from matplotlib import colormaps  # noqa: PLC0415
    from matplotlib.colors import ListedColormap, Normalize  # noqa: PLC0415

    # The last of the yellow is left out: it cannot be seen on white.
    colormap = ListedColormap(colormaps["viridis_r"](np.linspace(0.06, 1, 256)))
    low, high = _colour_limits(depth)
    beyond = int((depth < low).any()) + 2 * int((depth > high).any())
    extend = ("neither", "min", "max", "both")[beyond]
    area, line, alpha = next(look for most, look in _LOOKS if len(depth) <= most)
    return _Paint(colormap, Normalize(low, high), extend, area, line, alpha)


def _colour_limits(depth: F64) -> tuple[float, float]:
    """Range of depths, at least 2 km; a few outliers do not take all the colours."""
    if not len(depth):
        return 0.0, 1.0
    low, high = np.percentile(depth, (1, 99) if len(depth) > 100 else (0, 100))
    middle, half = (low + high) / 2, max((high - low) / 2, 1.0)
    up = max(half - middle, 0) if depth.min() >= 0 else 0
    return float(middle - half + up), float(middle + half + up)


def _draw_heading(page: _Page, lines: list[str]) -> None:
    layout = page.layout
    top = layout.height - 0.14
    for number, line in enumerate(lines):
        _write(page, top - 0.22 * number, line, fontsize=12, fontweight="bold")
    _write(page, top - 0.22 * len(lines) - 0.03, _summary(page), fontsize=9, color="#555555")


def _write(page: _Page, y: float, text: str, **options: Any) -> None:
    """Write a line of the heading, smaller if it would not fit."""
    layout = page.layout
    line = page.figure.text(
        layout.left / layout.width, y / layout.height, text, va="top", parse_math=False, **options
    )
    room = (layout.width - layout.left - 0.1) * page.figure.dpi
    line.set_fontsize(options["fontsize"] * min(1, room / line.get_window_extent().width))


def _summary(page: _Page) -> str:
    quakes = page.quakes
    parts = [_count(len(quakes), "event"), _count(len(page.sites), "station")]
    if len(quakes):
        first, last = (_moment(int(t)) for t in (quakes.time_ns.min(), quakes.time_ns.max()))
        shown = last[11:] if last[:10] == first[:10] else last
        parts.append(f"{first} UTC" if first == last else f"{first} to {shown} UTC")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"


def _moment(time_ns: int) -> str:
    return iso(time_ns)[:19].replace("T", " ")


# ---------------------------------------------------------------------------------------------
# Map


def _draw_map(page: _Page) -> None:
    layout, view, quakes, sites = page.layout, page.view, page.quakes, page.sites
    box = (layout.left, layout.map_base, layout.map_width, layout.map_height)
    axes = layout.add(page.figure, box, xlim=(view.west, view.east), ylim=(view.south, view.north))
    axes.set_label("map")
    _ticks_of_degrees(axes.xaxis, layout.map_width, "EW")
    _ticks_of_degrees(axes.yaxis, layout.map_height, "NS")
    axes.tick_params(bottom=False, labelbottom=False)
    axes.set_ylabel("Latitude")
    page.paint.scatter(axes, quakes.longitude, quakes.latitude, quakes)
    axes.scatter(
        sites.longitude, sites.latitude, s=_site_area(sites), marker="^", zorder=4,
        facecolors=_INK, edgecolors="white", linewidths=0.6,
    )  # fmt: skip
    ruler = _draw_scale_bar(page, axes)
    if len(sites) <= _LABELLED_STATIONS:
        _label_stations(page, axes, ruler)


def _site_area(sites: _Sites) -> float:
    return 42.0 if len(sites) <= 60 else 22.0 if len(sites) <= 300 else 9.0


def _ticks_of_degrees(axis: Any, inches: float, hemispheres: str) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    low, high = axis.get_view_interval()
    places = MaxNLocator(max(2, min(6, round(inches / 0.95))), steps=[1, 2, 5, 10])
    edge = (high - low) * 0.08 / inches  # room for labels across the gap
    ticks = [float(t) for t in places.tick_values(low, high) if low + edge <= t <= high - edge]
    if hemispheres == "NS":
        ticks = [t for t in ticks if -90 <= t <= 90]
    digits = next((n for n in range(6) if all(abs(round(t, n) - t) < 1e-7 for t in ticks)), 6)
    axis.set_ticks(ticks, [_degrees(t, digits, hemispheres) for t in ticks])
    axis.grid(True)


def _degrees(value: float, digits: int, hemispheres: str) -> str:
    """Write degrees with their hemisphere.

    >>> _degrees(-117.5, 1, "EW"), _degrees(181, 0, "EW"), _degrees(0, 0, "NS")
    ('117.5°W', '179°W', '0°')
    """
    turned = round((value + 180) % 360 - 180 if hemispheres == "EW" else value, digits)
    letter = "" if turned in (0, 180, -180) else hemispheres[0 if turned > 0 else 1]
    return f"{abs(turned):.{digits}f}°{letter}"


def _draw_scale_bar(page: _Page, axes: Axes) -> Box:
    """Draw the bar into the emptiest corner; return its box in pixels."""
    layout, view = page.layout, page.view
    km = _round_below(0.3 * view.width_km)
    length = km / view.width_km * layout.map_width
    size = (max(length, 0.5) + 0.16, 0.3)
    x, y = _emptiest_corner(page, size)
    inches = _inches(page, layout.left, layout.map_base)
    start, low, high = x + (size[0] - length) / 2, y + 0.06, y + 0.1
    end = start + length
    look: dict[str, Any] = {
        "transform": inches,
        "color": _INK,
        "path_effects": _halo(),
        "zorder": 6,
    }
    axes.plot([start, start, end, end], [high, low, low, high], linewidth=1.1, **look)
    axes.text((start + end) / 2, high, f"{km:,g} km", ha="center", va="bottom", **look)
    corners = inches.transform([(x, y), (x + size[0], y + size[1])])
    left, bottom, right, top = (float(v) for v in corners.ravel())
    return left, bottom, right, top


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    return [withStroke(linewidth=2, foreground="white", alpha=0.9)]


def _inches(page: _Page, x: float, y: float) -> Any:
    """Return a transform whose unit is the inch and whose origin is this point of the page."""
    from matplotlib.transforms import Affine2D  # noqa: PLC0415

    return Affine2D().translate(x, y) + page.figure.dpi_scale_trans


def _emptiest_corner(page: _Page, size: tuple[float, float]) -> tuple[float, float]:
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


def _label_stations(page: _Page, axes: Axes, ruler: Box) -> None:
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
    return [_drawable(n) for n in (short if len(networks) == 1 and all(short) else names)]


def _station_text(axes: Axes, name: str) -> Any:
    x, y = (float(np.mean(limits)) for limits in (axes.get_xlim(), axes.get_ylim()))
    return axes.text(
        x, y, name, fontsize=7, va="bottom", ha="left", color=_INK, path_effects=_halo(), zorder=7,
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


# ---------------------------------------------------------------------------------------------
# Sections


def _draw_sections(page: _Page) -> None:
    """Draw depth against longitude below the map, and against latitude beside it."""
    layout, view, depths, quakes = page.layout, page.view, page.depths, page.quakes
    south = (layout.left, layout.south_base, layout.map_width, layout.section)
    east = (layout.east_base, layout.map_base, layout.section, layout.map_height)
    down, right = (depths.bottom, depths.top), (depths.top, depths.bottom)
    below = layout.add(page.figure, south, xlim=(view.west, view.east), ylim=down)
    beside = layout.add(page.figure, east, xlim=right, ylim=(view.south, view.north))
    _ticks_of_degrees(below.xaxis, layout.map_width, "EW")
    _ticks_of_degrees(beside.yaxis, layout.map_height, "NS")
    _ticks_of_depth(below.yaxis, layout.section)
    _ticks_of_depth(beside.xaxis, layout.section)
    below.set(xlabel="Longitude", ylabel="Depth (km)", label="depth by longitude")
    beside.set(xlabel="Depth (km)", label="depth by latitude")
    beside.tick_params(left=False, labelleft=False)
    below.axhline(0, color="#888888", linewidth=0.6, zorder=1)
    beside.axvline(0, color="#888888", linewidth=0.6, zorder=1)
    page.paint.scatter(below, quakes.longitude, quakes.depth, quakes)
    page.paint.scatter(beside, quakes.depth, quakes.latitude, quakes)
    if not len(quakes):
        _say_no_events(below)
        _say_no_events(beside)


def _ticks_of_depth(axis: Any, inches: float) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    low, high = sorted(axis.get_view_interval())
    edge = (high - low) * 0.04 / inches
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    axis.set_ticks([float(t) for t in ticks if low + edge <= t <= high - edge])


def _say_no_events(axes: Axes) -> None:
    axes.text(0.5, 0.5, _NO_EVENTS, transform=axes.transAxes, ha="center", va="center",
              color="#777777", style="italic", fontsize=9)  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Corner: legend and colour bar


def _draw_corner(page: _Page) -> None:
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


def _legend_handles(page: _Page) -> list[Any]:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    colour, edge = page.paint.colormap(0.55), page.quakes.edge
    marks = [
        (len(page.sites), "Station", {"marker": "^", "mfc": _INK, "mec": "white", "ms": 7}),
        ((~edge).sum(), "Event", {"marker": "o", "mfc": colour, "mec": _INK, "mew": 0.4, "ms": 5}),
        (edge.sum(), "Event at the edge of\nthe search box",
         {"marker": "x", "mec": colour, "mew": 1.4, "ms": 5}),
    ]  # fmt: skip
    return [Line2D([], [], ls="none", label=name, **look) for number, name, look in marks if number]


def _draw_colour_bar(page: _Page) -> None:
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

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


# ---------------------------------------------------------------------------------------------
# Timeline


def _draw_timeline(page: _Page) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    layout, time_ns = page.layout, np.sort(page.quakes.time_ns)
    width = layout.map_width + layout.gap + layout.section
    box = (layout.left, layout.bottom, width, layout.timeline)
    bars = layout.add(page.figure, box, label="timeline")
    bars.set(xlabel="Time (UTC)", ylabel="Events")
    if not len(time_ns):
        bars.set(xticks=[], yticks=[])
        _say_no_events(bars)
        return
    total = bars.twinx()
    edges = _draw_bars(bars, time_ns)
    _draw_total(total, time_ns, edges)
    total.yaxis.set_label_coords(1 + 0.62 / width, 0.5)
    _ticks_of_time(bars, int(edges[0]), int(edges[-1]))
    for axes in (bars, total):
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(
            MaxNLocator(5, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
        )
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_bars(axes: Axes, time_ns: I64) -> I64:
    """Draw numbers of events; return the edges of the bins, which show at least a minute."""
    first, last = int(time_ns[0]), int(time_ns[-1])
    missing = max(60 * SECOND_NS - (last - first), 0) // 2
    number, unit, word = _step(first - missing, last + missing, most=60)
    edges = _edges(first - missing, last + missing, number, unit)
    counts, _ = np.histogram(time_ns, edges)
    days = edges / DAY_NS
    axes.bar(
        days[:-1], counts, np.diff(days), align="edge", color=_BARS, edgecolor="white",
        linewidth=0.4,
    )  # fmt: skip
    axes.set_xlim(days[0], days[-1])
    axes.set_ylabel(f"Events per {word if number == 1 else f'{number} {word}'}")
    return edges


def _draw_total(axes: Axes, time_ns: I64, edges: I64) -> None:
    """Draw the running total, by at most 5000 points."""
    shown = np.unique(np.linspace(0, len(time_ns) - 1, 5000).astype(int))
    times = np.concatenate([edges[:1], time_ns[shown], edges[-1:]]) / DAY_NS
    totals = np.concatenate([[0], shown + 1, [len(time_ns)]])
    axes.plot(times, totals, color=_TOTAL, linewidth=1.2, drawstyle="steps-post")
    axes.set_ylabel("Cumulative number", color=_TOTAL)
    axes.tick_params(axis="y", labelcolor=_TOTAL, length=3, width=0.6)
    axes.set_label("cumulative number")


def _ticks_of_time(axes: Axes, first: int, last: int) -> None:
    number, unit, _ = _step(first, last, most=6)
    ticks = [int(t) for t in _edges(first, last, number, unit) if first <= t <= last]
    axes.set_xticks([t / DAY_NS for t in ticks], [_tick_of_time(t, unit) for t in ticks])
    days = sorted({iso(first)[:10], iso(last - 1)[:10]})
    axes.set_xlabel("Time (UTC)" + (", " + " to ".join(days) if unit in "smh" else ""))


def _tick_of_time(time_ns: int, unit: str) -> str:
    """Write a time as far as the unit goes; midnight by its date.

    >>> [_tick_of_time(1_561_075_200_000_000_000, unit) for unit in "mMY"]
    ['2019-06-21', '2019-06', '2019']
    """
    text = iso(time_ns)
    if time_ns % DAY_NS or unit == "s":
        return text[11 : 19 if unit == "s" else 16]
    return text[: {"Y": 4, "M": 7}.get(unit, 10)]


def _step(first: int, last: int, most: int) -> tuple[int, str, str]:
    """Return the shortest step that cuts a span of time into at most so many pieces."""
    seconds = (last - first) / SECOND_NS
    fitting = (s for s in _STEPS if s[0] * _UNIT_SECONDS[s[1]] * most >= seconds)
    return next(fitting, _STEPS[-1])


def _edges(first: int, last: int, number: int, unit: str) -> I64:
    """Return multiples of the step since 1970, from the last before ``first`` to after ``last``."""
    ends = np.array([first, last], "datetime64[ns]").astype(f"datetime64[{unit}]").astype(np.int64)
    steps = np.arange(ends[0] // number, ends[1] // number + 2) * number
    return steps.astype(f"datetime64[{unit}]").astype("datetime64[ns]").astype(np.int64)


# ---------------------------------------------------------------------------------------------
# At the door


def _save_options(path: Path) -> dict[str, Any]:
    options = _SAVE.get(path.suffix.lower())
    if options is None:
        raise InputError(
            f"cannot draw {path.name!r}: the suffix must be one of {', '.join(sorted(_SAVE))}"
        )
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: the folder {path.parent} does not exist")
    return options


def _style() -> Any:
    """Return a context in which matplotlib draws in our style, whatever the user's settings."""
    try:
        from matplotlib import style  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            "figures need matplotlib, which is not installed: pip install 'epicat[plot]'"
        ) from error
    return style.context(["default", _STYLE])


def _drawable(text: str) -> str:
    """Replace what the font does not have by question marks."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415

    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold")))
    line = " ".join(text.split())
    return "".join(c if font.get_char_index(ord(c)) else "?" for c in line)
