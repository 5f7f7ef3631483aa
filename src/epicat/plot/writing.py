"""Words and ticks that several panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["drawable", "halo", "say_no_events", "ticks_of_degrees"]

_NO_EVENTS = "no events"


def drawable(text: str) -> str:
    """Replace what the font does not have by question marks."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold")))
    line = " ".join(text.split())
    return "".join(c if font.get_char_index(ord(c)) else "?" for c in line)


def halo() -> list[Any]:
    """Return path effects that set words and lines off from what is below them."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2, foreground="white", alpha=0.9)]


def say_no_events(axes: Axes) -> None:
    """Write into an empty panel why it is empty."""
    axes.text(0.5, 0.5, _NO_EVENTS, transform=axes.transAxes, ha="center", va="center",
              color="#777777", style="italic", fontsize=9)  # fmt: skip


def ticks_of_degrees(axis: Any, inches: float, hemispheres: str) -> None:
    """Mark round degrees on an axis of this length; ``hemispheres`` is EW or NS."""
    from matplotlib.ticker import MaxNLocator

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
