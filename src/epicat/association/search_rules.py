"""Rules by which the numbers of the search follow from a network, each with its reason.

They know nothing of picks or of a block, so that the first block and the last are searched alike.
The reasons are in docs/design/association.md; `Rules.reasons` repeats them in short.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from epicat.association.network import Network

__all__ = ["LEAST_MATCHED_KM", "Rules", "deep_tolerance", "depth_ranges", "needed_picks"]

SUPPORT_SITES = 12
"""So many nearest sites take part in the search of an event: half of them make it certain."""
_WIDER = 1.25
"""Events lie between sites: the cutoff is so much larger than the distance between sites."""
LEAST_CUTOFF_KM = 30.0
"""Earthquakes that are seen at all are seen out to a few times their depth."""
_SPARSE_SITES, _SPARSE_PERCENT = 6, 90
"""So many sites must be near almost all sites, too, in percent: a dense cluster in the middle of a
region must not leave the rest without an event."""
LEAST_MATCHED_KM = 100.0
"""Sites take part in matching to twice the cutoff, and at least as far as this."""
PICK_ERROR_S = 0.1
"""Scatter of picks, in s."""
SLOWNESS_S = 0.29
"""Of S waves in the crust, in s/km."""
_MANTLE_SLOWNESS_S = 0.22
"""Of S waves in the upper mantle, in s/km."""
_FIRST_RANGE_KM = 60.0
"""The first range of depths reaches the cutoff, and at least this deep."""
_DEEPER = 3.0
"""Bottom of a range of depths over that of the one above it."""
_TOLERANCE_S = (0.3, 2.0)
"""Smallest and largest tolerance of the search."""
_NODE_KM_PER_S = 10.0
"""Size of the smallest node over the tolerance: a node adds about as much as the tolerance."""
_NODE_KM = (2.0, 20.0)
_MATCH = 1.5
"""Tolerance of matching over that of searching: matching follows a location that is not exact."""
_MATCH_S = (0.8, 2.5)
_NOISE_PER_HOUR = 10.0
"""Noise picks of one phase that a picker is taken to make at a site in an hour."""
_CHANCE = 1e-9
"""Largest chance that noise alone gives one place and time enough picks."""
_LEAST_PICKS = 6
"""P and S at three sites: four unknowns, and two picks that contradict a wrong event."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Numbers of the search that follow from a network."""

    cutoff_km: float
    """Horizontal distance to which sites take part in the search."""
    tolerance_s: float
    """How wrong travel times may be while space is searched."""
    match_s: float
    """Largest residual of a pick that belongs to an event."""
    node_km: float
    """Smallest node of the search."""
    location_node_km: float
    """Smallest node of PyOcto's location."""
    n_picks: int
    """Picks that an event needs."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why each is what it is, by PyOcto's name of the parameter."""

    @classmethod
    def from_network(
        cls, network: Network, model_error: float, cutoff_km: float | None = None
    ) -> Rules:
        """Derive them.

        ``model_error`` is the relative error of the velocities, such as 0.02; ``cutoff_km`` takes
        the place of the derived cutoff.
        """
        cutoff, why = (cutoff_km, "as set") if cutoff_km else _cutoff(network)
        error = model_error * SLOWNESS_S * cutoff
        tolerance = round(_within(PICK_ERROR_S + error, _TOLERANCE_S), 2)
        match = round(_within(_MATCH * tolerance, _MATCH_S), 2)
        node = round(_within(_NODE_KM_PER_S * tolerance, _NODE_KM), 1)
        sites = network.most_within(cutoff) if len(network) else 0
        n_picks = needed_picks(sites, match)
        reasons = {
            "association_cutoff_distance": why,
            "tolerance": (
                f"{PICK_ERROR_S:g} s for picks and {model_error:.0%} of the S travel time to "
                f"{cutoff:.0f} km"
            ),
            "pick_match_tolerance": f"{_MATCH:g} times the tolerance, {_MATCH_S[0]:g} s at least",
            "min_node_size": f"{_NODE_KM_PER_S:g} km for each second of tolerance",
            "n_picks": (
                f"at {sites} sites within {cutoff:.0f} km, {_NOISE_PER_HOUR:g} noise picks an "
                "hour and phase reach it by chance less than once in 1e9"
            ),
        }
        location_node = round(_within(0.1 * node, (0.2, 2.0)), 2)
        return cls(round(cutoff, 1), tolerance, match, node, location_node, n_picks, reasons)


def depth_ranges(z_km: tuple[float, float], cutoff_km: float) -> list[tuple[float, float]]:
    """Divide the depths of a box into ranges, each with a tolerance for its own travel times.

    The first one, down to the cutoff, is searched with the tolerance of the cutoff.  A range that
    would be thin, or below which the tolerance no longer grows, is part of the one above it.
    """
    top, bottom = z_km
    bounds = [max(cutoff_km, _FIRST_RANGE_KM)]
    while bounds[-1] < _largest_useful_km():
        bounds.append(_DEEPER * bounds[-1])
    inner = [bound for bound in bounds[:-1] if 1.5 * bound < bottom]
    edges = [top, *inner, bottom]
    return list(itertools.pairwise(edges))


def deep_tolerance(model_error: float, bottom_km: float) -> tuple[float, float, float]:
    """Return tolerances of search and match in s, and the smallest node in km, down to a depth."""
    error = model_error * _MANTLE_SLOWNESS_S * bottom_km
    tolerance = round(_within(PICK_ERROR_S + error, _TOLERANCE_S), 2)
    match = round(_within(_MATCH * tolerance, _MATCH_S), 2)
    return tolerance, match, round(_within(_NODE_KM_PER_S * tolerance, _NODE_KM), 1)


def _largest_useful_km() -> float:
    """Return the depth from which the tolerance is the largest one."""
    return (_TOLERANCE_S[1] - PICK_ERROR_S) / (0.02 * _MANTLE_SLOWNESS_S)


def needed_picks(sites: int, match_s: float) -> int:
    """Return the number of picks that noise at so many sites hardly ever reaches, 6 at least.

    Noise picks of both phases are Poisson distributed: ``2 sites rate 2 match`` of them fit any
    one hypocenter and origin time.
    """
    mean = 2 * sites * _NOISE_PER_HOUR / 3600 * 2 * match_s
    term = tail = math.exp(-mean)
    count, remaining = 0, 1 - tail
    while remaining > _CHANCE and count < 2 * sites:
        count += 1
        term *= mean / count
        tail += term
        remaining = 1 - tail
    return max(_LEAST_PICKS, count + 1)


def _cutoff(network: Network) -> tuple[float, str]:
    if len(network) <= SUPPORT_SITES:
        cutoff = max(network.aperture_km, LEAST_CUTOFF_KM)
        return cutoff, f"all of {len(network)} sites, {LEAST_CUTOFF_KM:g} km at least"
    many = float(np.median(network.distance_to_nth_km(SUPPORT_SITES)))
    few = float(np.percentile(network.distance_to_nth_km(_SPARSE_SITES), _SPARSE_PERCENT))
    cutoff = max(_WIDER * max(many, few), LEAST_CUTOFF_KM)
    held = (
        f"{many:.0f} km that hold {SUPPORT_SITES} sites around half of them"
        if many >= few
        else f"{few:.0f} km that hold {_SPARSE_SITES} sites around {_SPARSE_PERCENT} % of them"
    )
    return cutoff, f"{_WIDER:g} times the {held}, {LEAST_CUTOFF_KM:g} km at least"


def _within(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
