"""The catalog as a static picture, for those who read the page without its script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from epicat.plot.data import F64, View

__all__ = ["static_picture"]

_WIDTH, _SECTION, _COUNTS, _MARGIN = 720.0, 190.0, 120.0, 44.0
_MOST_EVENTS = 8_000
_COLORS = ("#5ec962", "#21918c", "#31688e", "#443983", "#440154")
"""Viridis from shallow to deep."""


def static_picture(
    events: pa.Table, stations: Sequence[dict[str, Any]], view: View, basemap: dict[str, Any]
) -> str:
    """Return an SVG element: a map, a depth section from west to east, and counts over time.

    ``events`` are rows of `epicat.viewer.columns.EVENTS`; rejected ones are not drawn.  Of many
    events, those with the most stations are.
    """
    kept = events.filter(pc.equal(pc.fill_null(events["rejected"].cast(pa.string()), ""), ""))
    height = min(_WIDTH * view.height_km / view.width_km, 900.0)
    drawing = _Drawing(view, height)
    total = height + _SECTION + _COUNTS + 3 * _MARGIN
    note = _note(kept.num_rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _MARGIN:.0f} '
        f'{total:.0f}" width="100%" role="img" aria-label="Map, depth section and counts"'
        ' font-family="sans-serif" font-size="11">',
        drawing.frame(),
        drawing.land(basemap["region"]),
        drawing.events(_best(kept)),
        drawing.stations(stations),
        drawing.counts(kept),
        f'<text x="{_MARGIN}" y="14">{escape(note)}</text></svg>',
    ]
    return "".join(parts)


def _note(count: int) -> str:
    if count <= _MOST_EVENTS:
        return f"{count:,} events"
    return f"{_MOST_EVENTS:,} of {count:,} events: those with the most stations"


def _best(events: pa.Table) -> pa.Table:
    if events.num_rows <= _MOST_EVENTS:
        return events
    order = pc.sort_indices(events, [("n_stations", "descending"), ("time", "descending")])
    return events.take(order[:_MOST_EVENTS])


def _numbers(events: pa.Table, name: str) -> F64:
    scale = float((events.schema.field(name).metadata or {}).get(b"scale", b"1"))
    return np.asarray(events[name].to_numpy(), dtype=float) * scale


class _Drawing:
    """Positions on the page."""

    def __init__(self, view: View, height: float) -> None:
        self.view, self.height = view, height
        self.section_top = height + 2 * _MARGIN - 14
        self.counts_top = self.section_top + _SECTION + 30

    def x(self, longitude: F64) -> F64:
        share = (self.view.unwrapped(longitude) - self.view.west) / (
            self.view.east - self.view.west
        )
        return np.asarray(_MARGIN + share * _WIDTH)

    def y(self, latitude: F64) -> F64:
        share = (self.view.north - latitude) / (self.view.north - self.view.south)
        return np.asarray(_MARGIN / 2 + share * self.height)

    def frame(self) -> str:
        """Return the clip path, the sea and the numbers at the corners."""
        view = self.view
        x, y, bottom = _MARGIN, _MARGIN / 2, _MARGIN / 2 + self.height
        box = f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{self.height:.1f}"'
        return (
            f'<clipPath id="map">{box}/></clipPath>{box} fill="#eaf1f6"/>'
            f'<text x="{x}" y="{bottom + 13:.1f}">{_degrees(view.west, "EW")}</text>'
            f'<text x="{x + _WIDTH}" y="{bottom + 13:.1f}" text-anchor="end">'
            f"{_degrees(view.east, 'EW')}</text>"
            f'<text x="{x - 3}" y="{bottom:.1f}" text-anchor="end">{_degrees(view.south, "NS")}'
            f'</text><text x="{x - 3}" y="{y + 9}" text-anchor="end">{_degrees(view.north, "NS")}'
            "</text>"
        )

    def land(self, part: dict[str, Any]) -> str:
        """Return the land; its details are coarser than the page's."""
        lines = []
        for line in part["polygons"]:
            points = np.cumsum(np.asarray(line).reshape(-1, 2), axis=0) * part["unit"]
            x, y = self.x_of_land(points[:, 0]), self.y(points[:, 1])
            keep = np.concatenate([[True], np.hypot(np.diff(x), np.diff(y)) > 0.3])
            dots = zip(x[keep], y[keep], strict=True)
            lines.append("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in dots))
        return (
            f'<path clip-path="url(#map)" fill="#fbfaf6" fill-rule="evenodd" stroke="#8b9298" '
            f'stroke-width="0.6" d="{"".join(lines)}"/>'
        )

    def x_of_land(self, longitude: F64) -> F64:
        """Return positions of longitudes that continue across the antimeridian."""
        share = (longitude - self.view.west) / (self.view.east - self.view.west)
        return np.asarray(_MARGIN + share * _WIDTH)

    def events(self, events: pa.Table) -> str:
        """Return the events on the map and in the section, colored by depth."""
        x, y = self.x(_numbers(events, "longitude")), self.y(_numbers(events, "latitude"))
        depth = _numbers(events, "depth_km")
        low, high = min(0.0, depth.min(initial=0.0)), max(depth.max(initial=1.0), 1.0)
        down = self.section_top + (depth - low) / (high - low) * _SECTION
        classes = np.clip((depth - low) / (high - low) * len(_COLORS), 0, len(_COLORS) - 1e-6)
        parts = [
            f'<rect x="{_MARGIN}" y="{self.section_top:.1f}" width="{_WIDTH}" height="{_SECTION}" '
            'fill="none" stroke="#8b9298"/>'
            f'<text x="{_MARGIN - 3}" y="{self.section_top + 9:.1f}" text-anchor="end">{low:.0f}'
            f'</text><text x="{_MARGIN - 3}" y="{self.section_top + _SECTION:.1f}" '
            f'text-anchor="end">{high:.0f} km</text>'
        ]
        for number, color in enumerate(_COLORS):
            own = classes.astype(int) == number
            dots = [*zip(x[own], y[own], strict=True), *zip(x[own], down[own], strict=True)]
            path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in dots)
            parts.append(f'<path d="{path}" stroke="{color}" stroke-width="3" '
                         'stroke-linecap="round" fill="none"/>')  # fmt: skip
        return "".join(parts)

    def stations(self, stations: Sequence[dict[str, Any]]) -> str:
        """Return triangles with the stations' names as titles."""
        if not stations:
            return ""
        x = self.x(np.array([row["longitude"] for row in stations]))
        y = self.y(np.array([row["latitude"] for row in stations]))
        marks = (
            f'<path d="M{a:.1f} {b - 5:.1f}l4.5 8h-9z"><title>{escape(row["name"])}</title></path>'
            for a, b, row in zip(x, y, stations, strict=True)
        )
        return f'<g fill="#1b2126" stroke="#fff" stroke-width="0.7">{"".join(marks)}</g>'

    def counts(self, events: pa.Table) -> str:
        """Return bars of the number of events over time."""
        seconds = events["time"].cast(pa.int64()).to_numpy() / 1e6
        if not len(seconds):
            return ""
        counts, edges = np.histogram(seconds, bins=90)
        top, most = self.counts_top, max(int(counts.max()), 1)
        wide = _WIDTH / len(counts)
        bars = "".join(
            f'<rect x="{_MARGIN + i * wide:.1f}" y="{top + _COUNTS * (1 - n / most):.1f}" '
            f'width="{wide - 1:.1f}" height="{_COUNTS * n / most:.1f}"/>'
            for i, n in enumerate(counts)
            if n
        )
        first, last = (np.datetime64(int(edge), "s").item().isoformat() for edge in edges[[0, -1]])
        below = top + _COUNTS + 14
        hours = (edges[1] - edges[0]) / 3600
        return (
            f'<g fill="#3b6ea5">{bars}</g><text x="{_MARGIN}" y="{below:.1f}">{first}</text>'
            f'<text x="{_MARGIN + _WIDTH}" y="{below:.1f}" text-anchor="end">{last}</text>'
            f'<text x="{_MARGIN}" y="{top - 4:.1f}">Events per {hours:.3g} hours; highest bar '
            f"{most:,}</text>"
        )


def _degrees(value: float, sides: str) -> str:
    if sides == "EW":
        value = (value + 180) % 360 - 180
    return f"{abs(value):.2f}°{sides[0 if value >= 0 else 1]}"
