"""The page: sizes and style, and the elements that several panels share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from epicat.errors import InputError, NameChoiceError
from epicat.plot.data import F64, Depths, Quakes, Sites, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "INK",
    "REFERENCE",
    "STYLES",
    "UNKNOWN_DEPTH",
    "Box",
    "Layout",
    "Page",
    "Paint",
    "Style",
    "choose_paint",
    "choose_style",
    "degree_ticks",
    "drawable",
    "halo",
    "style_context",
    "write_no_events",
]

INK = "#222222"
UNKNOWN_DEPTH = (0.6, 0.6, 0.6, 1.0)
"""Color of events whose depth is unknown."""
_NARROWEST_MM, _WIDEST_MM = 110.0, 420.0

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
_PAPER: Final[dict[str, Any]] = {
    **_STYLE,
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.linewidth": 0.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "grid.linewidth": 0.0,
}


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a figure."""

    rc: dict[str, Any]
    """Settings of matplotlib."""
    width_inches: float
    """Largest width of the figure."""
    land: str
    """Color of land."""
    sea: str
    """Color of the sea."""
    title_size: float
    """Size of the title in points."""


STYLES: Final[dict[str, Style]] = {
    "screen": Style(_STYLE, 8.6, "#f6f4ef", "#e3edf5", 12),
    "paper": Style(_PAPER, 7.087, "#ffffff", "#ededed", 9),
}
"""Styles by name: ``screen``, and ``paper`` for print, 180 mm wide with 7 pt type."""

_LOOKS: Final[tuple[tuple[float, tuple[float, float, float]], ...]] = (
    (50, (30, 0.5, 0.95)),
    (300, (18, 0.4, 0.9)),
    (2000, (9, 0.25, 0.8)),
    (20_000, (4, 0.1, 0.6)),
    (np.inf, (1.5, 0.0, 0.4)),
)
"""Area, outline and opacity of markers, by the largest number of events they are used for."""


def choose_style(name: str, width_mm: float | None = None) -> Style:
    """Return a style by name, with another width if given; raise `InputError`."""
    if name not in STYLES:
        raise NameChoiceError("style", name, STYLES)
    if width_mm is None:
        return STYLES[name]
    if not _NARROWEST_MM <= width_mm <= _WIDEST_MM:
        raise InputError(
            f"width {width_mm:g} mm: it must be from {_NARROWEST_MM:g} to {_WIDEST_MM:g} mm"
        )
    return replace(STYLES[name], width_inches=width_mm / 25.4)


def style_context(style: Style = STYLES["screen"]) -> Any:
    """Return a context with epicat's matplotlib style, independent of the user's settings."""
    try:
        from matplotlib import style as mpl_style
    except ImportError as error:
        raise InputError(
            "plotting needs matplotlib, which is not installed: pip install 'epicat[plot]'"
        ) from error
    return mpl_style.context(["default", style.rc])


@dataclass(frozen=True, slots=True)
class Paint:
    """The appearance of events, the same in every panel."""

    colormap: Any
    norm: Any
    extend: str
    """Ends of the color bar beyond which there are events."""
    area: float
    """Size of the markers in square points."""
    line: float
    """Width of their outline in points."""
    alpha: float
    """Opacity of the markers."""
    middle_magnitude: float | None = None
    """Magnitude of events with the size ``area``; None if sizes do not depend on it."""

    def areas(self, magnitude: F64) -> F64:
        """Return marker sizes: a diameter 1.6 times as large for one unit of magnitude more."""
        if self.middle_magnitude is None:
            return np.full(len(magnitude), self.area)
        above = np.nan_to_num(magnitude, nan=self.middle_magnitude - 1) - self.middle_magnitude
        return np.asarray(np.clip(self.area * 1.6 ** (2 * above), self.area / 6, 500.0))

    def colors(self, quakes: Quakes) -> Any:
        """Return the color of the depth of each event, shape (events, 4)."""
        found = np.array(self.colormap(self.norm(quakes.depth))).reshape(-1, 4)
        found[~quakes.has_depth] = UNKNOWN_DEPTH
        return found

    def scatter(self, axes: Axes, x: F64, y: F64, quakes: Quakes) -> None:
        """Draw the events at x and y in the color of their depth.

        Discs; rings for those that are poorly constrained; crosses at the edge; grey if the depth
        is unknown.
        """
        shared: dict[str, Any] = {"rasterized": len(quakes) > 2000}
        areas, edge, poor = self.areas(quakes.magnitude), quakes.edge, quakes.is_poor
        good, open_, cross = ~edge & ~poor, ~edge & poor, edge
        colors = self.colors(quakes)
        axes.scatter(
            x[good], y[good], c=colors[good], s=areas[good], alpha=self.alpha, zorder=3,
            linewidths=self.line, edgecolors=INK, **shared,
        )  # fmt: skip
        axes.scatter(
            x[open_], y[open_], s=0.8 * areas[open_], facecolors="none", edgecolors=colors[open_],
            zorder=3, linewidths=0.5 + self.line, **shared,
        )  # fmt: skip
        axes.scatter(
            x[cross], y[cross], c=colors[cross], s=np.maximum(0.8 * areas[cross], 6),
            marker="x", zorder=3.1, linewidths=0.6 + 2 * self.line, **shared,
        )  # fmt: skip


def choose_paint(quakes: Quakes) -> Paint:
    """Choose colors and markers for the number of events, their depths and magnitudes."""
    depth = _depths_for_colors(quakes)
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, Normalize

    # Without the lightest yellow, which is invisible on white.
    colormap = ListedColormap(colormaps["viridis_r"](np.linspace(0.06, 1, 256)))
    low, high = _color_limits(depth)
    shown = quakes.depth[quakes.has_depth]
    beyond = int((shown < low).any()) + 2 * int((shown > high).any())
    extend = ("neither", "min", "max", "both")[beyond]
    area, line, alpha = next(look for most, look in _LOOKS if len(quakes) <= most)
    middle = float(np.nanmedian(quakes.magnitude)) if quakes.has_magnitudes else None
    return Paint(colormap, Normalize(low, high), extend, area, line, alpha, middle)


def _depths_for_colors(quakes: Quakes) -> F64:
    """Return the depths of the well constrained events, else of those that have one, else all."""
    for chosen in (quakes.has_depth & ~quakes.is_poor & ~quakes.edge, quakes.has_depth):
        if chosen.any():
            return np.asarray(quakes.depth[chosen])
    return quakes.depth


def _color_limits(depth: F64) -> tuple[float, float]:
    """Depth range of the colors, at least 2 km; outliers are excluded."""
    if not len(depth):
        return 0.0, 1.0
    low, high = np.percentile(depth, (1, 99) if len(depth) > 100 else (0, 100))
    middle, half = (low + high) / 2, max((high - low) / 2, 1.0)
    up = max(half - middle, 0) if depth.min() >= 0 else 0
    return float(middle - half + up), float(middle + half + up)


_NO_EVENTS = "no events"


def drawable(text: str) -> str:
    """Replace characters that the font does not have by question marks."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold")))
    line = " ".join(text.split())
    return "".join(c if font.get_char_index(ord(c)) else "?" for c in line)


def halo() -> list[Any]:
    """Return path effects that outline text and lines in white."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2, foreground="white", alpha=0.9)]


def write_no_events(axes: Axes) -> None:
    """Write "no events" in an empty panel."""
    axes.text(0.5, 0.5, _NO_EVENTS, transform=axes.transAxes, ha="center", va="center",
              color="#777777", style="italic", fontsize=9)  # fmt: skip


_LONGITUDE_INCHES: Final = 0.6
"""Smallest distance of labels of longitude."""


def degree_ticks(axis: Any, inches: float, hemispheres: str) -> None:
    """Put ticks at round degrees on an axis of this length; ``hemispheres`` is EW or NS."""
    from matplotlib.ticker import MaxNLocator

    low, high = axis.get_view_interval()
    places = MaxNLocator(max(2, min(6, round(inches / 0.95))), steps=[1, 2, 5, 10])
    # Room for labels across the gap: those of longitude are wide.
    edge = (high - low) * (0.2 if hemispheres == "EW" else 0.08) / inches
    ticks = [float(t) for t in places.tick_values(low, high) if low + edge <= t <= high - edge]
    if hemispheres == "NS":
        ticks = [t for t in ticks if -90 <= t <= 90]
    elif len(ticks) > 2 and (ticks[1] - ticks[0]) / (high - low) * inches < _LONGITUDE_INCHES:
        ticks = ticks[::2]
    digits = next((n for n in range(6) if all(abs(round(t, n) - t) < 1e-7 for t in ticks)), 6)
    axis.set_ticks(ticks, [_degrees(t, digits, hemispheres) for t in ticks])
    axis.grid(True)


def _degrees(value: float, digits: int, hemispheres: str) -> str:
    """Format degrees with their hemisphere.

    >>> _degrees(-117.5, 1, "EW"), _degrees(181, 0, "EW"), _degrees(0, 0, "NS")
    ('117.5°W', '179°W', '0°')
    """
    turned = round((value + 180) % 360 - 180 if hemispheres == "EW" else value, digits)
    letter = "" if turned in (0, 180, -180) else hemispheres[0 if turned > 0 else 1]
    return f"{abs(turned):.{digits}f}°{letter}"


Box = tuple[float, float, float, float]
"""(left, bottom, width, height) in inches, or (left, bottom, right, top) in pixels for text."""

REFERENCE: Final[dict[str, Any]] = {"marker": "+", "color": "#c2410c", "s": 46, "linewidths": 0.9}
"""The markers of a reference catalog."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes in inches.  All follow from the map; the three panels have one scale."""

    map_width: float
    map_height: float
    section: float
    """Length of the depth axes."""
    heading: float
    """Height of the title and the subtitle."""
    gap: float = 0.12
    left: float = 0.75
    right: float = 0.65
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
        """Left edge of the section to the right of the map."""
        return self.left + self.map_width + self.gap

    def add(self, figure: Figure, box: Box, **options: Any) -> Axes:
        """Add axes at a box given in inches."""
        x, y, width, height = box
        place = (x / self.width, y / self.height, width / self.width, height / self.height)
        axes = figure.add_axes(place, **options)
        axes.tick_params(length=3, width=0.6, color="#444444")
        return axes


@dataclass(frozen=True, slots=True)
class Page:
    """The state that the panels are drawn from."""

    figure: Figure
    layout: Layout
    view: View
    quakes: Quakes
    sites: Sites
    depths: Depths
    paint: Paint
    style: Style
    reference: Quakes | None = None
    """A reference catalog, drawn as crosses below the events."""

    def draw_reference(self, axes: Axes, x: str, y: str) -> None:
        """Draw the reference catalog, if any; ``x`` and ``y`` are fields of `Quakes`."""
        if self.reference is not None:
            axes.scatter(
                getattr(self.reference, x), getattr(self.reference, y), **REFERENCE, zorder=2
            )
