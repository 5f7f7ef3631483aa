"""Pack Natural Earth's land polygons for `epicat.plot`: src/epicat/plot/coastline.npz.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python tools/coastline.py package/land-10m.json

The input is TopoJSON of the 1:10m land polygons of Natural Earth 4.1 (public domain), quantized to
about 0.004 degrees.  The output has, ring by ring, the first point and the steps to the next points
in units of the quantization; longitudes continue across the antimeridian.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "epicat" / "plot" / "coastline.npz"
_LARGEST = 30_000
"""Longer steps are divided, so that all fit into 16 bits."""
_NULL_ISLAND = 10
"""Natural Earth has a fictitious island at 0°N 0°E, which is smaller than this."""


def main(source: Path) -> None:
    """Convert the file."""
    topology = json.loads(source.read_text(encoding="utf-8"))
    transform = topology["transform"]
    turn = round(360.0 / transform["scale"][0])
    pole = round((-90.0 - transform["translate"][1]) / transform["scale"][1])
    origin = -np.array(transform["translate"]) / transform["scale"]
    rings = [
        _divided(_unwrapped(ring, turn, pole))
        for ring in _rings(topology)
        if np.abs(ring - origin).max() > _NULL_ISLAND
    ]
    steps = np.concatenate([np.diff(ring, axis=0) for ring in rings]).astype(np.int16)
    np.savez_compressed(
        OUTPUT,
        transform=np.array([*transform["translate"], *transform["scale"]]),
        counts=np.array([len(ring) for ring in rings], np.int32),
        starts=np.array([ring[0] for ring in rings], np.int32),
        steps=np.ascontiguousarray(steps.T).view(np.uint8).reshape(2, -1, 2).transpose(0, 2, 1),
    )
    print(f"{len(rings):,} rings, {len(steps):,} steps, {OUTPUT.stat().st_size:,} bytes")


def _rings(topology: dict[str, Any]) -> Iterator[I64]:
    """Yield the closed rings of all polygons, (n, 2), in units of the quantization."""
    arcs = [np.cumsum(np.array(arc, np.int64), axis=0) for arc in topology["arcs"]]
    for geometry in topology["objects"]["land"]["geometries"]:
        is_multi = geometry["type"] == "MultiPolygon"
        for polygon in geometry["arcs"] if is_multi else [geometry["arcs"]]:
            for ring in polygon:
                parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
                yield np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _unwrapped(ring: I64, turn: int, pole: int) -> I64:
    """Continue longitudes across the antimeridian, with the center between -180 and 180 degrees.

    A ring around the South Pole is closed there.
    """
    jumps = np.diff(ring[:, 0])
    turns = np.cumsum(np.where(jumps > turn // 2, -turn, np.where(jumps < -turn // 2, turn, 0)))
    flat = ring.copy()
    flat[1:, 0] += turns
    if flat[0, 0] != flat[-1, 0]:
        flat = np.vstack([flat, [flat[-1, 0], pole], [flat[0, 0], pole], flat[0]])
    middle = (flat[:, 0].min() + flat[:, 0].max()) // 2
    flat[:, 0] -= middle // turn * turn
    return flat


def _divided(ring: I64) -> I64:
    """Divide steps that are too long for 16 bits."""
    parts = [ring[:1]]
    for begin, end in pairwise(ring):
        pieces = -(-int(np.abs(end - begin).max()) // _LARGEST) or 1
        weights = np.arange(1, pieces + 1)[:, None] / pieces
        parts.append(np.rint(begin + (end - begin) * weights).astype(np.int64))
    return np.concatenate(parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
