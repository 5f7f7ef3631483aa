"""Which channel of a sensor is vertical or horizontal, and how to rotate channels to Z, N, E.

Directions are unit vectors (up, north, east).  They come from station metadata, azimuth clockwise
from north and dip downwards from the horizontal, else from the component code (SEED Reference
Manual 2.4, appendix A): Z is vertical, N and 1 point north, E and 2 east.  Next to a Z without 1,
the codes 2 and 3 are the two horizontals; without a Z, 3 is the vertical.  U, V, W need metadata.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epicat.model import Orientation, Span, digest_of

__all__ = [
    "SLOTS",
    "Directions",
    "SensorDirections",
    "Weights",
    "directions_at",
    "orientation_bounds",
    "orientation_digest",
    "weights_of",
]

SLOTS: Final = "ZNE"
"""The components of a picker."""

Vector = tuple[float, float, float]
"""Up, north, east."""
Directions = Mapping[str, Vector]
"""Direction of each component code."""
Weights = Mapping[str, tuple[tuple[str, float], ...]]
"""For each component of a picker that can be had, component codes and their weights."""

_AXES: Final[dict[str, Vector]] = {
    "Z": (1.0, 0.0, 0.0),
    "N": (0.0, 1.0, 0.0),
    "E": (0.0, 0.0, 1.0),
}
_NAMED_TOLERANCE: Final = cos(radians(5.0))
"""SEED allows N and E, and in practice Z, to deviate by up to 5 degrees."""
_EXACT_TOLERANCE: Final = cos(radians(0.01))
_INDEPENDENT: Final = sin(radians(20.0))
"""Smallest part of a direction that is not in the plane of others, for it to count as another."""
_REACHED: Final = sin(radians(5.0))
"""Largest error of a rotated component's direction."""


@dataclass(frozen=True, slots=True)
class SensorDirections:
    """Directions of the component codes of a sensor at a time."""

    directions: Directions
    """Those that are known."""
    by_metadata: bool
    """Whether metadata gave them, rather than the codes."""
    notes: tuple[str, ...] = ()
    """What the user should know about them."""


def orientation_bounds(rows: Iterable[Orientation]) -> list[int]:
    """Return the times in ns at which the directions may change, ascending."""
    return sorted({t for row in rows for t in (row.epoch.start_ns, row.epoch.end_ns)})


def orientation_digest(rows: Mapping[str, Iterable[Orientation]], span: Span) -> str:
    """Return a digest of the directions by location code that are valid in a span.

    Sensors whose channels all have the directions of their codes do not contribute; the digest is
    empty if none is left.
    """
    parts: list[str] = []
    for location, orientations in sorted(rows.items()):
        valid = sorted(row for row in orientations if row.epoch.overlaps(span))
        turned = {row.channel[:2] for row in valid if _is_turned(row)}
        parts += [
            f"{location}.{row.channel} {row.azimuth_deg!r} {row.dip_deg!r} "
            f"{max(row.epoch.start_ns, span.start_ns)} {min(row.epoch.end_ns, span.end_ns)}"
            for row in valid
            if row.channel[:2] in turned
        ]
    return digest_of(*parts) if parts else ""


def _is_turned(row: Orientation) -> bool:
    """Whether a channel's direction is not the one that its code has without metadata."""
    code = row.channel[2:]
    axis = {"1": "N", "2": "E"}.get(code, code)
    return axis not in _AXES or _snapped(code, row) != _AXES[axis]


def directions_at(
    rows: Sequence[Orientation],
    band: str,
    codes: Collection[str],
    day: Collection[str],
    time_ns: int,
) -> SensorDirections:
    """Return the directions of the component codes of a sensor at a time.

    ``rows`` are the metadata of its location, ``codes`` all component codes that have data, and
    ``day`` those with data on the day, which decide what 2 and 3 mean.  Metadata are used if they
    give all codes of the day a direction and these are no less independent than by the codes.
    """
    named = _by_code(codes, day)
    epochs = [row for row in rows if row.channel[:2] == band and len(row.channel) == 3]
    current = {
        row.channel[2]: _snapped(row.channel[2], row)
        for row in epochs
        if row.epoch.start_ns <= time_ns < row.epoch.end_ns
    }
    known = {code: current[code] for code in codes if code in current}
    known |= {code: _AXES[code] for code in codes if code in _AXES and code not in known}
    if current and set(day) <= known.keys() | _without_direction(day):
        by_codes = {code: named[code] for code in day if code in named}
        if _rank(known[c] for c in sorted(day) if c in known) >= _rank(by_codes.values()):
            return SensorDirections(known, True)
        note = f"directions of {band}{''.join(sorted(known))} in the metadata are not independent"
        return SensorDirections(
            named, False, (f"{note}: codes used", *_notes(band, codes, day, named))
        )
    return SensorDirections(named, False, _notes(band, codes, day, named))


def weights_of(directions: Directions, available: Iterable[str]) -> Weights:
    """Return how the components of a picker are made of component codes.

    ``available`` are the codes in order of preference.  A component whose direction the available
    codes span is solved for; a single horizontal whose direction is between north and east stands
    for the nearer one.
    """
    chosen: list[str] = []
    rows: list[NDArray[np.float64]] = []
    for code in available:
        vector = np.array(directions[code]) if code in directions else None
        if vector is not None and len(rows) < 3 and _residual(vector, rows) > _INDEPENDENT:
            chosen.append(code)
            rows.append(vector)
    if not rows:
        return {}
    inverse = np.linalg.pinv(np.array(rows))
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    for slot in SLOTS:
        axis = np.array(_AXES[slot])
        weights = axis @ inverse
        if np.linalg.norm(weights @ np.array(rows) - axis) <= _REACHED:
            found[slot] = _terms(zip(chosen, weights.tolist(), strict=True))
    used = {code for terms in found.values() for code, _ in terms}
    for code, vector in zip(chosen, rows, strict=True):
        if code not in used and (slot := _nearest(vector)) not in found and slot:
            found[slot] = ((code, 1.0 if vector["ZNE".index(slot)] > 0 else -1.0),)
    return found


def _by_code(codes: Collection[str], day: Collection[str]) -> dict[str, Vector]:
    """Return the documented directions of component codes."""
    found = {code: _AXES[code] for code in codes if code in _AXES}
    pairs = {"1": "N", "2": "E", "3": "Z"}
    if "Z" in day:
        pairs = {"1": "N", "2": "E"} if "1" in day or "3" not in day else {"2": "N", "3": "E"}
        if "3" in day and not {"1", "2"} & set(day):
            pairs = {"3": "E"}
    return found | {code: _AXES[axis] for code, axis in pairs.items() if code in codes}


def _notes(
    band: str, codes: Collection[str], day: Collection[str], named: Directions
) -> tuple[str, ...]:
    notes = []
    if named.get("3") == _AXES["Z"] and "3" in day:
        notes.append(f"{band}3 taken as vertical without orientation metadata")
    unknown = sorted(set(codes) & set("UVW"))
    if unknown:
        names = ", ".join(f"{band}{code}" for code in unknown)
        notes.append(f"{names} not used: no orientation metadata")
    if "3" in day and "3" not in named:
        notes.append(f"{band}3 not used next to {band}Z and {band}1 without orientation metadata")
    return tuple(notes)


def _without_direction(day: Collection[str]) -> set[str]:
    """Return codes that do not name a direction of ground motion."""
    return set(day) - set("ZNE123UVW")


def _snapped(code: str, row: Orientation) -> Vector:
    """Return a direction, exactly along an axis if it deviates by no more than is tolerated."""
    dip, azimuth = radians(row.dip_deg), radians(row.azimuth_deg)
    vector = (-sin(dip), cos(dip) * cos(azimuth), cos(dip) * sin(azimuth))
    for at, slot in enumerate(SLOTS):
        tolerance = _NAMED_TOLERANCE if code in SLOTS else _EXACT_TOLERANCE
        if abs(vector[at]) >= tolerance:
            sign = 1.0 if vector[at] > 0 else -1.0
            up, north, east = (sign * value for value in _AXES[slot])
            return (up, north, east)
    return vector


def _residual(vector: NDArray[np.float64], rows: Sequence[NDArray[np.float64]]) -> float:
    """Return the length of what a direction has outside the space of others."""
    if not rows:
        return 1.0
    base = np.array(rows)
    return float(np.linalg.norm(vector - vector @ np.linalg.pinv(base) @ base))


def _rank(vectors: Iterable[Vector]) -> int:
    rows: list[NDArray[np.float64]] = []
    for vector in map(np.array, vectors):
        if _residual(vector, rows) > _INDEPENDENT:
            rows.append(vector)
    return len(rows)


def _terms(terms: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return the terms that matter; weights of one are exact."""
    kept = [(code, weight) for code, weight in terms if abs(weight) > 1e-9]
    return tuple((c, float(round(w)) if abs(abs(w) - 1) < 1e-9 else w) for c, w in kept)


def _nearest(vector: NDArray[np.float64]) -> str:
    """Return the horizontal axis nearest to a direction; empty if it is not horizontal."""
    if abs(vector[0]) > _REACHED:
        return ""
    return "N" if abs(vector[1]) >= abs(vector[2]) else "E"
