"""The figure of a comparison of two catalogs: a map and how matched events differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from epicat.plot.figure import save_figure
from epicat.plot.page import drawable, style_context

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ComparisonPlot", "draw_comparison"]

_F64 = NDArray[np.float64]

_GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "matched": ("o", "#2b6ca3"),
    "missed": ("x", "#c0392b"),
    "extra": ("+", "#8a8a8a"),
}
_PANELS: Final = (
    ("time_s", "origin time difference (s)"),
    ("distance_km", "epicentral distance (km)"),
    ("depth_km", "depth difference (km)"),
    ("magnitude", "magnitude difference"),
)


@dataclass(frozen=True, slots=True)
class ComparisonPlot:
    """What the figure shows."""

    title: str
    """First line of the heading."""
    subtitle: str
    """Second line of the heading."""
    positions: Mapping[str, tuple[_F64, _F64]]
    """Latitudes and longitudes in degrees of the events ``matched``, ``missed`` and ``extra``."""
    differences: Mapping[str, _F64]
    """``time_s``, ``distance_km``, ``depth_km`` and ``magnitude`` of each pair."""


def draw_comparison(plot: ComparisonPlot, path: Path) -> None:
    """Draw the figure as PNG, PDF or SVG, by the suffix of ``path``; raise `InputError`."""
    with style_context():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.6, 5.4), dpi=200, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        title = f"{drawable(plot.title)}\n{drawable(plot.subtitle)}"
        figure.suptitle(title, fontsize=9, x=0.01, ha="left", parse_math=False)
        grid = figure.add_gridspec(2, 4)
        _draw_map(figure.add_subplot(grid[:, :2]), plot.positions)
        places = (grid[0, 2], grid[0, 3], grid[1, 2], grid[1, 3])
        for place, (name, label) in zip(places, _PANELS, strict=True):
            _draw_histogram(figure.add_subplot(place), plot.differences[name], label)
        save_figure(figure, path)


def _draw_map(axes: Axes, positions: Mapping[str, tuple[_F64, _F64]]) -> None:
    latitudes = np.concatenate([lat for lat, _ in positions.values()])
    reference = _middle([lon for _, lon in positions.values()])
    for name in ("extra", "missed", "matched"):
        latitude, longitude = positions[name]
        marker, color = _GROUPS[name]
        unwrapped = reference + (longitude - reference + 180) % 360 - 180
        options: dict[str, Any] = (
            {"facecolors": "none", "edgecolors": color} if marker == "o" else {"color": color}
        )
        axes.scatter(unwrapped, latitude, s=22, marker=marker, linewidths=0.9,
                     label=f"{name} ({len(latitude):,})", **options)  # fmt: skip
    middle = float(np.median(latitudes)) if len(latitudes) else 0.0
    axes.set_aspect(1 / max(float(np.cos(np.radians(middle))), 0.1), adjustable="datalim")
    axes.set_xlabel("longitude (°)")
    axes.set_ylabel("latitude (°)")
    axes.grid(True)
    axes.legend(loc="best", framealpha=0.9)


def _middle(longitudes: Sequence[_F64]) -> float:
    """Return a longitude that no event is half the Earth away from, as a rule."""
    radians = np.radians(np.concatenate(longitudes))
    if not len(radians):
        return 0.0
    return float(np.degrees(np.arctan2(np.sin(radians).mean(), np.cos(radians).mean())))


def _draw_histogram(axes: Axes, values: _F64, label: str) -> None:
    known = values[np.isfinite(values)]
    axes.set_xlabel(label)
    if not len(known):
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center",
                  color="#777777", style="italic")  # fmt: skip
        axes.set_yticks([])
        return
    median = float(np.median(known))
    mad = float(np.median(np.abs(known - median)))
    bins = min(max(int(np.sqrt(len(known)) * 2), 8), 60)
    axes.hist(known, bins=bins, color="#9dbfdc", edgecolor="white", linewidth=0.4)
    axes.axvline(median, color="#2b6ca3", linewidth=1)
    axes.set_title(f"median {median:.2f}, MAD {mad:.2f}, n {len(known):,}", fontsize=7, loc="left")
    axes.grid(True, axis="y")
