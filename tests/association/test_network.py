from __future__ import annotations

import numpy as np
import pytest

from epicat.association.network import Network
from epicat.association.search_rules import Rules, needed_picks


def grid(side: int, spacing: float) -> Network:
    x, y = np.meshgrid(np.arange(side) * spacing, np.arange(side) * spacing)
    return Network(x.ravel(), y.ravel(), np.zeros(side * side))


def test_distances_to_neighbours_of_a_grid():
    network = grid(5, 10.0)
    assert network.aperture_km == pytest.approx(np.hypot(40, 40))
    assert np.all(network.distance_to_nth_km(1) == 0)
    assert np.all(network.distance_to_nth_km(3) == 10)
    assert network.most_within(10.0) == 5
    assert network.farthest_km((-10, 50), (-10, 50)) == pytest.approx(np.hypot(50, 50))


def test_sites_that_are_spread_evenly_cover_the_network():
    network = grid(20, 5.0)
    members = network.spread(25)
    assert len(set(members.tolist())) == 25
    part = network.take(members)
    gaps = np.hypot(network.x_km[:, None] - part.x_km, network.y_km[:, None] - part.y_km).min(
        axis=1
    )
    assert gaps.max() <= 20.0
    assert np.array_equal(network.spread(500), np.arange(400))


def test_the_cutoff_follows_the_density_and_not_the_size():
    dense, wide = (Rules.from_network(grid(side, 10.0), 0.02) for side in (8, 20))
    assert dense.cutoff_km == pytest.approx(wide.cutoff_km, rel=0.25)
    sparse = Rules.from_network(grid(8, 40.0), 0.02)
    assert sparse.cutoff_km == pytest.approx(4 * dense.cutoff_km, rel=0.35)
    assert sparse.tolerance_s > dense.tolerance_s
    assert sparse.node_km > dense.node_km


def test_numbers_stay_within_their_limits_at_any_scale():
    for spacing in (0.05, 1.0, 30.0, 300.0):
        rules = Rules.from_network(grid(6, spacing), 0.03)
        assert rules.cutoff_km >= 30
        assert 0.3 <= rules.tolerance_s <= 2.0
        assert 0.8 <= rules.match_s <= 2.5
        assert 2 <= rules.node_km <= 20
        assert rules.n_picks >= 6
        assert set(rules.reasons) >= {"association_cutoff_distance", "tolerance", "n_picks"}


def test_more_sites_need_more_picks_for_the_same_chance():
    counts = [needed_picks(sites, 0.8) for sites in (3, 20, 60, 300, 1000)]
    assert counts == sorted(counts)
    assert counts[0] == 6
    assert counts[-1] > 2 * counts[1]


@pytest.mark.parametrize(("sites", "match_s"), [(20, 0.8), (300, 0.8), (100, 2.5)])
def test_noise_reaches_the_needed_picks_hardly_ever(sites, match_s):
    from scipy.stats import poisson

    mean = 2 * sites * 10 / 3600 * 2 * match_s
    needed = needed_picks(sites, match_s)
    assert poisson.sf(needed - 1, mean) <= 1e-9
