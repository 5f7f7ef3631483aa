"""The frequency-magnitude figure: how many events there are of each magnitude, and the b-value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from epicat.frequency_magnitude import BIN, BValue, FrequencyMagnitude
from epicat.plot.figure import save_figure
from epicat.plot.page import drawable, style_context, write_no_events

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_frequencies", "frequency_figure"]

_COLOR: Final = "#2b6ca3"
_LINE: Final = "#c0392b"


def draw_frequencies(found: FrequencyMagnitude | None, path: Path, *, title: str) -> None:
    """Draw the figure as PNG, PDF or SVG, by the suffix of ``path``; raise `InputError`."""
    save_figure(frequency_figure(found, title=title), path)


def frequency_figure(found: FrequencyMagnitude | None, *, title: str) -> Figure:
    """Return the figure; None is a catalog without magnitudes."""
    with style_context():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.6, 4.4), dpi=200, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_title(
            drawable(title), fontsize=10, fontweight="bold", loc="left", parse_math=False
        )
        axes.set_xlabel("Magnitude")
        axes.set_ylabel("Number of events")
        if found is None:
            write_no_events(axes)
        else:
            _draw(axes, found)
    return figure


def _draw(axes: Axes, found: FrequencyMagnitude) -> None:
    some = found.counts > 0
    axes.scatter(
        found.magnitudes[some], found.counts[some], s=16, marker="^", color="#8a8a8a",
        label=f"in bins of {BIN:g}",
    )  # fmt: skip
    axes.scatter(
        found.magnitudes, found.cumulative, s=16, color=_COLOR, label="of at least this magnitude"
    )
    axes.axvline(
        found.completeness, color=_LINE, linewidth=0.8, linestyle="--",
        label=f"complete from {found.completeness:.1f}",
    )  # fmt: skip
    reach = np.array([found.completeness, found.magnitudes[-1] + BIN])
    expected = found.expected(reach)
    if found.b is not None and expected is not None:
        axes.plot(reach, expected, color=_LINE, linewidth=1.2, label=_text("b", found.b))
    if found.b_positive is not None:
        axes.plot([], [], " ", label=_text("b-positive", found.b_positive))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(0.7, found.cumulative[0] * 2)
    axes.grid(True)
    axes.legend(loc="upper right", framealpha=0.9)


def _text(name: str, value: BValue) -> str:
    return f"{name} {value.b:.2f} ± {value.error:.2f} ({value.count:,})"
