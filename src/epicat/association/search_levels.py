"""Search levels: some of the sites first, all of them later, and the sparse ones once more.

The time of PyOcto's location grows with the square of the picks of an event.  So a network in which
an event may have hundreds is searched with evenly spread sites first: large events are found with
few of their picks and matched with the others.  The small ones are left for the finer levels.

A dense cluster decides how many picks an event needs, and around it few sites are within the
cutoff.  So the last level has the sites of such a network as if all were as sparse as around the
cluster, with cutoff and number of picks that suit those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat.association.network import Network
from epicat.association.search import Found, Search, SearchInput
from epicat.association.search_rules import (
    LEAST_MATCHED_KM,
    Rules,
    deep_tolerance,
    needed_picks,
)

__all__ = [
    "DepthRange",
    "Level",
    "deep_parameters",
    "level_parameters",
    "search_levels",
    "sparse_sites",
]

I64 = NDArray[np.int64]

_COARSEST = 48
"""Sites of the coarsest level that may have picks of one event."""
_FINER = 4
"""Sites of a level over those of the one before."""
_WORTHWHILE = 2
"""Sites of a level over those of the one before it, at least."""
_SPARSE_PERCENT = 90
"""Percentile of the distance to the nearest site that is the spacing of the sparse sites."""
_NEAR = 0.5
"""Sites nearer to each other than this share of it are in a cluster: an even network has none."""
_DEEP_ROUNDS = 2
"""Rounds of location and matching for deep events: depth and origin time stand for each other, so
that the few picks of a node tell the place less well."""
_CLUSTERED = 2
"""Sites within the cutoff of a clustered network over those that there would be without cluster."""


@dataclass(frozen=True, slots=True)
class DepthRange:
    """A search of a range of depths with some of the sites."""

    search: Search
    """PyOcto, with these sites in a range of depths."""
    number: I64
    """Number of each site of the network in the search, -1 for those that it lacks."""
    window_s: float
    """All picks of an event in the search are within so many seconds."""

    def find(self, picks: SearchInput, rows: I64) -> list[Found]:
        """Return the events among some rows of the picks."""
        rows = rows[self.number[picks.site[rows]] >= 0]
        part = picks.take(rows)
        part = SearchInput(part.time_s, self.number[part.site], part.phase)
        least = self.search.least_picks
        if len(part) < least:
            return []
        apart = part.time_s[least - 1 :] - part.time_s[: len(part) - least + 1]
        if apart.min() > self.window_s:
            return []
        return [
            Found(e.time_s, e.place_km, rows[e.rows], e.residual_s) for e in self.search.find(part)
        ]


@dataclass(frozen=True, slots=True)
class Level:
    """The search of the whole box with some of the sites."""

    by_depth: tuple[DepthRange, ...]
    """Its ranges of depth; what they find competes for picks."""


def search_levels(network: Network, cutoff_km: float) -> list[I64]:
    """Return the sites of each level, from the coarsest to all, as rising numbers.

    ``cutoff_km`` is the cutoff of the search with all sites.
    """
    within = network.most_within(max(2 * cutoff_km, LEAST_MATCHED_KM))
    levels, size = [], _COARSEST * len(network) / max(within, 1)
    while _WORTHWHILE * size < len(network):
        levels.append(network.spread(round(size)))
        size *= _FINER
    return [*levels, np.arange(len(network))]


def sparse_sites(network: Network, model_error: float, cutoff_km: float) -> I64 | None:
    """Return the sites without clusters, as rising numbers; None if there is no cluster.

    ``cutoff_km`` is the cutoff of the search with all sites.
    """
    if len(network) < 2:
        return None
    spacing_km = float(np.percentile(network.distance_to_nth_km(2), _SPARSE_PERCENT))
    sites = network.spread(len(network), _NEAR * spacing_km)
    part = network.take(sites)
    own_km = Rules.from_network(part, model_error).cutoff_km
    within = part.most_within(max(own_km, cutoff_km))
    return sites if _CLUSTERED * within <= network.most_within(cutoff_km) else None


def level_parameters(
    pyocto: Mapping[str, Any], model_error: float, part: Network, is_last: bool = False
) -> dict[str, Any]:
    """Return PyOcto's parameters for some of the sites: looser ones where the rules say so.

    In the last level an event needs as many picks as these sites ask for, if those are fewer.
    """
    rules = Rules.from_network(part, model_error)
    own = {
        "association_cutoff_distance": rules.cutoff_km,
        "tolerance": rules.tolerance_s,
        "min_node_size": rules.node_km,
    }
    looser = {name: max(value, pyocto[name]) for name, value in own.items()}
    if not is_last:
        return {**pyocto, **looser, "n_picks": max(rules.n_picks, pyocto["n_picks"])}
    both = max(pyocto["n_p_and_s_picks"] - 1, 0)
    n_picks = min(rules.n_picks, pyocto["n_picks"])
    return {**pyocto, **looser, "n_picks": n_picks, "n_p_and_s_picks": both}


def deep_parameters(
    pyocto: Mapping[str, Any], model_error: float, part: Network, bottom_km: float
) -> dict[str, Any]:
    """Return PyOcto's parameters for a range of depths below the first: looser by the rules.

    Wider tolerances let more noise in, so that an event needs more picks, but never more than
    most of those that the sites can have.
    """
    tolerance, match, node = deep_tolerance(model_error, bottom_km)
    sites = part.most_within(pyocto["association_cutoff_distance"])
    own = {
        "tolerance": tolerance,
        "pick_match_tolerance": match,
        "min_node_size": node,
        "n_picks": min(needed_picks(sites, match), round(0.7 * 2 * sites)),
        "refinement_iterations": _DEEP_ROUNDS,
    }
    return {**pyocto, **{name: max(value, pyocto[name]) for name, value in own.items()}}
