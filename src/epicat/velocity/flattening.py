"""The Earth-flattening transformation: a flat model with the travel times of a spherical Earth.

A shell at radius r with velocity v becomes a layer at depth a ln(a / r) with velocity v a / r, a
being the Earth's radius; distances are those along the surface.  For the times of rays it is exact
(Mueller 1971, doi:10.1111/j.1365-246X.1971.tb02197.x; Shearer 2009, Introduction to Seismology,
section 4.7).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from epicat.velocity.layers import LayerModel

__all__ = ["NEAR_KM", "flat_depth", "flattened"]

F64 = NDArray[np.float64]

_RADIUS_KM = 6371.0
_STEP_KM, _NEAR_STEP_KM = 4.0, 0.5
"""Shells are at most so thick: within one the flat velocity changes by 0.07 % at most.

Thin ones are for short distances, where times are wrong by 3 ms at most then."""
NEAR_KM = 300.0
"""The longest of the short distances."""
_SAG = 1.5
"""Rays dive deeper than the sagitta of the longest distance by at most this factor."""


def flat_depth(depth_km: F64) -> F64:
    """Return depths in the flat model, km; negative ones are above sea level in both."""
    return np.asarray(-_RADIUS_KM * np.log1p(-np.asarray(depth_km, float) / _RADIUS_KM))


def flattened(model: LayerModel, deepest_km: float, distance_km: float) -> LayerModel:
    """Return the flat model that has the times of a spherical one.

    It is right for points down to ``deepest_km`` and up to ``distance_km`` away.
    """
    last = model.depth_km[-1]
    sagitta = _SAG * distance_km**2 / (8 * _RADIUS_KM)
    end = min(max(last, deepest_km) + sagitta + _STEP_KM, 0.5 * _RADIUS_KM)
    edges = [*model.depth_km, max(end, last + _STEP_KM)]
    step = _NEAR_STEP_KM if distance_km <= NEAR_KM else _STEP_KM
    depth = _subdivided(np.array(edges), step)
    inside = depth if not model.constant else (depth + np.append(depth[1:], depth[-1])) / 2
    scale = _RADIUS_KM / (_RADIUS_KM - inside)
    vp, vs = (model.velocity(inside, phase) * scale for phase in ("P", "S"))
    return replace(
        model,
        depth_km=tuple(flat_depth(depth).tolist()),
        vp=tuple(vp.tolist()),
        vs=tuple(vs.tolist()),
        spherical=False,
    )


def _subdivided(edges: F64, step: float) -> F64:
    """Return edges with others in between, at most ``step`` km apart."""
    parts = [
        np.linspace(top, bottom, math.ceil((bottom - top) / step), endpoint=False)
        for top, bottom in itertools.pairwise(edges.tolist())
    ]
    return np.concatenate([*parts, edges[-1:]])
