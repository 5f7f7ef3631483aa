"""What is implausible about a velocity model: a list for the user, no refusal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from epicat.velocity.layers import LayerModel

__all__ = ["doubts"]

_VP_VS = (1.5, 2.6)
"""Ratios that occur in rock and sediment (Brocher 2005, doi:10.1785/0120050077)."""
_VP_KM_S = (1.0, 12.0)
_MANTLE_KM, _MANTLE_VP = 60.0, 7.0
_DROP = 0.85


def doubts(model: LayerModel) -> Iterator[str]:
    """Give a sentence for each row that a velocity model of the earth hardly has."""
    rows = list(zip(model.depth_km, model.vp, model.vs, strict=True))
    for depth, vp, vs in rows:
        low, high = _VP_VS
        if not low <= vp / vs <= high:
            yield f"vp/vs is {vp / vs:.2f} at {depth:g} km depth; rock has {low} to {high}"
        if not _VP_KM_S[0] <= vp <= _VP_KM_S[1]:
            yield f"vp is {vp:g} km/s at {depth:g} km depth; rock has {_VP_KM_S[0]:g} to 12"
        if depth >= _MANTLE_KM and vp < _MANTLE_VP:
            yield f"vp is {vp:g} km/s at {depth:g} km depth; the mantle has more than 7"
    ratios = np.divide(model.vp[1:], model.vp[:-1])
    for (depth, vp, _), ratio in zip(rows[1:], ratios, strict=True):
        if ratio < _DROP:
            yield f"vp drops by {1 - ratio:.0%} to {vp:g} km/s at {depth:g} km depth"
