"""Travel times for the page: a table by distance and depth, from which it interpolates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["model_of", "travel_time_table"]

_DISTANCES, _DEPTHS = 121, 41


def model_of(records: Mapping[str, Mapping[str, Any]], *digests: str) -> LayerModel | None:
    """Return the velocity model of the first digest that has a record with one.

    ``records`` are those of locations and associators by their digest.
    """
    for digest in digests:
        record = records.get(digest) or {}
        if record.get("layers"):
            depth, vp, vs = zip(*record["layers"], strict=True)
            return LayerModel(depth, vp, vs, constant=bool(record.get("constant_layers")))
        if record.get("p_velocity") and record.get("s_velocity"):
            p, s = (float(record[name]) for name in ("p_velocity", "s_velocity"))
            return LayerModel((0.0,), (p,), (s,), constant=True)
    return None


def travel_time_table(
    model: LayerModel, farthest_km: float, depths_km: tuple[float, float], elevation_km: float
) -> dict[str, Any]:
    """Return first arrivals in milliseconds by depth and distance, ``P`` and ``S``.

    Distances are denser near the source: the n-th of N is at (n/N)^2 of the farthest one.  The
    station is at ``elevation_km``; the error of linear interpolation is below 20 ms at 100 km.
    """
    distance = np.linspace(0, 1, _DISTANCES) ** 2 * max(farthest_km, 10.0)
    low, high = depths_km
    depth = np.linspace(low, max(high, low + 1.0), _DEPTHS)
    times = {
        phase: np.rint(1000 * travel_times(model, phase, -elevation_km, distance, depth).T)
        .astype(int)
        .tolist()
        for phase in ("P", "S")
    }
    return {
        "distance_km": np.round(distance, 4).tolist(),
        "depth_km": np.round(depth, 4).tolist(),
        "elevation_km": elevation_km,
        **times,
    }
