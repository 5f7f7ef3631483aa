"""The timeline: number of events per bin and cumulative number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from epicat.plot.data import I64
from epicat.plot.page import Page, write_no_events
from epicat.time import DAY_NS, SECOND_NS, iso

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_timeline"]

_BARS, _TOTAL = "#9db0c4", "#b3402a"

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
"""Time steps of bins and ticks: number, numpy unit, name."""

_UNIT_SECONDS: Final = {
    "s": 1, "m": 60, "h": 3600, "D": 86_400, "M": 2_629_746, "Y": 31_556_952,
}  # fmt: skip


def draw_timeline(page: Page) -> None:
    """Draw the number of events per bin and the cumulative number."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    layout, time_ns = page.layout, np.sort(page.quakes.time_ns)
    width = layout.map_width + layout.gap + layout.section
    box = (layout.left, layout.bottom, width, layout.timeline)
    bars = layout.add(page.figure, box, label="timeline")
    bars.set(xlabel="Time (UTC)", ylabel="Events")
    if not len(time_ns):
        bars.set(xticks=[], yticks=[])
        write_no_events(bars)
        return
    total = bars.twinx()
    edges = _draw_bars(bars, time_ns)
    _draw_total(total, time_ns, edges)
    _time_ticks(bars, int(edges[0]), int(edges[-1]))
    for axes in (bars, total):
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(
            MaxNLocator(5, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
        )
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_bars(axes: Axes, time_ns: I64) -> I64:
    """Draw the histogram; return its bin edges, which span at least a minute."""
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
    """Draw the cumulative number, with at most 5000 points."""
    shown = np.unique(np.linspace(0, len(time_ns) - 1, 5000).astype(int))
    times = np.concatenate([edges[:1], time_ns[shown], edges[-1:]]) / DAY_NS
    totals = np.concatenate([[0], shown + 1, [len(time_ns)]])
    axes.plot(times, totals, color=_TOTAL, linewidth=1.2, drawstyle="steps-post")
    axes.set_ylabel("Cumulative number", color=_TOTAL)
    axes.tick_params(axis="y", labelcolor=_TOTAL, length=3, width=0.6)
    axes.set_label("cumulative number")


def _time_ticks(axes: Axes, first: int, last: int) -> None:
    number, unit, _ = _step(first, last, most=6)
    ticks = [int(t) for t in _edges(first, last, number, unit) if first <= t <= last]
    axes.set_xticks([t / DAY_NS for t in ticks], [_time_label(t, unit) for t in ticks])
    days = sorted({iso(first)[:10], iso(last - 1)[:10]})
    axes.set_xlabel("Time (UTC)" + (", " + " to ".join(days) if unit in "smh" else ""))


def _time_label(time_ns: int, unit: str) -> str:
    """Format a time to the precision of the unit; midnight as a date.

    >>> [_time_label(1_561_075_200_000_000_000, unit) for unit in "mMY"]
    ['2019-06-21', '2019-06', '2019']
    """
    text = iso(time_ns)
    if time_ns % DAY_NS or unit == "s":
        return text[11 : 19 if unit == "s" else 16]
    return text[: {"Y": 4, "M": 7}.get(unit, 10)]


def _step(first: int, last: int, most: int) -> tuple[int, str, str]:
    """Return the shortest step that divides a time range into at most ``most`` bins."""
    seconds = (last - first) / SECOND_NS
    fitting = (s for s in _STEPS if s[0] * _UNIT_SECONDS[s[1]] * most >= seconds)
    return next(fitting, _STEPS[-1])


def _edges(first: int, last: int, number: int, unit: str) -> I64:
    """Return multiples of the step since 1970 that cover ``first`` to ``last``."""
    ends = np.array([first, last], "datetime64[ns]").astype(f"datetime64[{unit}]").astype(np.int64)
    steps = np.arange(ends[0] // number, ends[1] // number + 2) * number
    return steps.astype(f"datetime64[{unit}]").astype("datetime64[ns]").astype(np.int64)
