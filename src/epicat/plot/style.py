"""How it looks: fonts and lines, and the colours and markers of the events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from epicat.errors import InputError
from epicat.plot.data import F64, Quakes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["INK", "Paint", "choose_paint", "style_context"]

INK = "#222222"

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

_LOOKS: Final[tuple[tuple[float, tuple[float, float, float]], ...]] = (
    (50, (30, 0.5, 0.95)),
    (300, (18, 0.4, 0.9)),
    (2000, (9, 0.25, 0.8)),
    (20_000, (4, 0.1, 0.6)),
    (np.inf, (1.5, 0.0, 0.4)),
)
"""Area, outline and opacity of the markers, by the largest number of events they suit."""


def style_context() -> Any:
    """Return a context in which matplotlib draws in our style, whatever the user's settings."""
    try:
        from matplotlib import style
    except ImportError as error:
        raise InputError(
            "figures need matplotlib, which is not installed: pip install 'epicat[plot]'"
        ) from error
    return style.context(["default", _STYLE])


@dataclass(frozen=True, slots=True)
class Paint:
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

    def scatter(self, axes: Axes, x: F64, y: F64, quakes: Quakes) -> None:
        """Draw the events at x and y: circles, and crosses for those at the edge."""
        shared = {"cmap": self.colormap, "norm": self.norm, "rasterized": len(quakes) > 2000}
        at, sure = quakes.edge, ~quakes.edge
        axes.scatter(
            x[sure], y[sure], c=quakes.depth[sure], s=self.area, alpha=self.alpha, zorder=3,
            linewidths=self.line, edgecolors=INK, **shared,
        )  # fmt: skip
        axes.scatter(
            x[at], y[at], c=quakes.depth[at], s=max(self.area * 0.8, 6), marker="x", zorder=3.1,
            linewidths=0.6 + 2 * self.line, **shared,
        )  # fmt: skip


def choose_paint(depth: F64) -> Paint:
    """Choose colours and markers that suit the number of events and their depths in km."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, Normalize

    # The last of the yellow is left out: it cannot be seen on white.
    colormap = ListedColormap(colormaps["viridis_r"](np.linspace(0.06, 1, 256)))
    low, high = _colour_limits(depth)
    beyond = int((depth < low).any()) + 2 * int((depth > high).any())
    extend = ("neither", "min", "max", "both")[beyond]
    area, line, alpha = next(look for most, look in _LOOKS if len(depth) <= most)
    return Paint(colormap, Normalize(low, high), extend, area, line, alpha)


def _colour_limits(depth: F64) -> tuple[float, float]:
    """Range of depths, at least 2 km; a few outliers do not take all the colours."""
    if not len(depth):
        return 0.0, 1.0
    low, high = np.percentile(depth, (1, 99) if len(depth) > 100 else (0, 100))
    middle, half = (low + high) / 2, max((high - low) / 2, 1.0)
    up = max(half - middle, 0) if depth.min() >= 0 else 0
    return float(middle - half + up), float(middle + half + up)
