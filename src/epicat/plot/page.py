"""The page: what every panel is given, and where on the paper it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from epicat.plot.data import Quakes, Sites
from epicat.plot.geometry import Depths, View
from epicat.plot.style import Paint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["REFERENCE", "Box", "Layout", "Page"]

Box = tuple[float, float, float, float]
"""Left, bottom, width and height, or left, bottom, right and top for pixels of text."""

REFERENCE: Final[dict[str, Any]] = {"marker": "+", "color": "#c2410c", "s": 46, "linewidths": 0.9}
"""The look of another catalog's events."""


@dataclass(frozen=True, slots=True)
class Layout:
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


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the panels need."""

    figure: Figure
    layout: Layout
    view: View
    quakes: Quakes
    sites: Sites
    depths: Depths
    paint: Paint
    reference: Quakes | None = None
    """Another catalog, drawn as crosses below the events."""

    def draw_reference(self, axes: Axes, x: str, y: str) -> None:
        """Draw the other catalog, if there is one, by the names of two of its coordinates."""
        if self.reference is not None:
            axes.scatter(
                getattr(self.reference, x), getattr(self.reference, y), **REFERENCE, zorder=2
            )
