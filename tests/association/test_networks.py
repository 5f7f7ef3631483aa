"""Association with nothing set but the extent, on synthetic networks of several kinds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.networks import NETWORKS, Setup, associated, case, score

from epicat.association.associate_options import AssociateOptions
from epicat.association.associator import Associator
from epicat.association.candidates import Needs, exclusive
from epicat.association.design import make_design
from epicat.association.events import to_events
from epicat.association.network import Network
from epicat.association.quality import event_flags
from epicat.association.search_levels import level_parameters, search_levels, sparse_sites
from epicat.association.search_rules import Rules
from epicat.association.sites import Site
from epicat.geo import Extent, Plane
from epicat.ledger import Flag
from epicat.velocity.builtin import model_of


def setup(name: str) -> Setup:
    return next(s for s in NETWORKS if name in s.name)


@pytest.mark.parametrize(
    ("name", "model", "missed"),
    [
        ("nodal", None, 1),
        ("deep nest", "iasp91", 1),
        ("region", "iasp91", 1),
        ("206 sites", None, 0),
    ],
)
def test_events_are_found_without_settings_and_none_is_made_of_noise(name, model, missed):
    # At one elevation all sites share a table of travel times.
    made = case(replace(setup(name), seed=11, elevation_m=(0.0, 0.0)))
    _, found, _ = associated(made, model_of(model) if model else None)
    result = score(found, made)
    assert result.expected >= 8
    assert result.found >= result.expected - missed
    assert result.false <= 1
    assert result.doubled <= 1


def test_large_events_of_a_large_network_are_found_on_few_sites_and_matched_on_all(tmp_path):
    made = case(replace(setup("206 sites"), seed=3, noise_per_hour=1.0))
    design, found, _ = associated(made, model_of("iasp91"))
    assert len(Associator(design, tmp_path)._levels) == 2
    for event in found:
        owners = Counter(p.pick_id.split(" ")[0] for p in event.picks)
        owner, count = owners.most_common(1)[0]
        total = sum(p.pick_id.startswith(f"{owner} ") for p in made.picks)
        assert count > 0.6 * total
        assert count > 0.95 * len(event.picks)


def test_threads_change_nothing():
    made = case(setup("volcano"))
    design = make_design(AssociateOptions(), "", made.extent, made.sites, None)
    one, several = (Associator(design, None, n).associate(made.picks) for n in (1, 3))  # type: ignore[arg-type]
    assert one == several
    assert len(exclusive(one, Needs.from_pyocto(design.pyocto))) > 10


SITES = tuple(Site(f"S{n}", 10.0 + 0.1 * (n % 3), 20.0 + 0.1 * (n // 3), 0.0) for n in range(9))


def design_of(**options):
    return make_design(AssociateOptions(**options), "", Extent(9.0, 11.0, 19.0, 21.0), SITES, None)


def test_the_box_is_where_the_network_can_hold_events():
    """EXTENT is 220 km wide, the network 30 km."""
    design = design_of()
    assert 30 < design.x_km[1] - design.x_km[0] < 70
    assert "within" in design.reasons["search box"]
    wide = design_of(margin_km=0.0)
    assert wide.x_km[1] - wide.x_km[0] == pytest.approx(220, abs=3)


def test_the_extent_of_events_and_a_negative_margin_set_the_box():
    design = design_of(event_extent="10,10.2,20,20.2", margin_km=0.0)
    assert design.x_km[1] - design.x_km[0] == pytest.approx(22, abs=0.5)
    smaller = design_of(event_extent="10,10.2,20,20.2", margin_km=-5.0)
    assert smaller.x_km[1] - smaller.x_km[0] == pytest.approx(12, abs=0.5)
    with pytest.raises(ValueError, match="leaves nothing"):
        design_of(event_extent="10,10.2,20,20.2", margin_km=-20.0)


def test_the_box_is_larger_than_the_extent_of_events():
    """As far as the network can hold events, so that none from outside is at its edge."""
    part = design_of(event_extent="10,10.1,20,20.1")
    whole = design_of()
    assert part.x_km[0] <= whole.x_km[0]
    assert part.x_km[1] == whole.x_km[1]
    assert part.wanted == Extent(10.0, 10.1, 20.0, 20.1)
    assert whole.wanted is None
    far = design_of(event_extent="10,10.1,23,23.1")
    assert far.x_km[0] > 270
    assert "of 9 sites are within" in far.contradictions()[0]


def test_events_outside_the_extent_of_events_are_placed_there_and_rejected():
    made = case(replace(setup("volcano"), elevation_m=(0.0, 0.0)))
    middle, east = made.extent.center[1], made.extent.east
    extent = Extent(made.extent.south, made.extent.north, middle, east)
    design, found, _ = associated(
        made, model_of("iasp91"), lambda o: o.model_copy(update={"event_extent": extent})
    )
    events = to_events(found, design)
    kept = [e for e in events if not e.rejected]
    assert {e.rejected for e in events} == {"", "outside the extent of events"}
    assert all(e.longitude >= middle for e in kept)
    assert 5 < len(kept) < len(events) - 5
    assert min(e.longitude for e in kept) > middle + 1e-4  # none at the edge
    assert event_flags(events, design.quality, extent) == (
        Flag("outside", len(events) - len(kept)),
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"max_depth_km": 300.0, "pyocto": {"association_cutoff_distance": 100.0}},
            "deeper events",
        ),
        ({"max_depth_km": 300.0, "pyocto": {"time_before": 20.0}}, "straight up"),
        ({"pyocto": {"n_picks": 30}}, "no event can be found"),
        ({"halo_s": 100.0}, "edges of blocks"),
    ],
)
def test_settings_that_defeat_each_other_are_reported(options, said):
    (text,) = design_of(**options).contradictions()
    assert said in text
    assert any(line.startswith("warning: ") for line in design_of(**options).report())
    assert design_of().contradictions() == []


def test_the_cutoff_and_the_overlap_reach_deep_events():
    design = design_of(max_depth_km=300.0)
    assert design.pyocto["association_cutoff_distance"] > 300
    assert design.pyocto["time_before"] > 300 / design.s_velocity
    assert design.contradictions() == []


def test_a_sparse_region_around_a_dense_cluster_is_decides_the_cutoff():
    rng = np.random.default_rng(5)
    x, y = np.vstack([rng.uniform(-15, 15, (60, 2)), rng.uniform(-150, 150, (25, 2))]).T
    network = Network(x, y, np.zeros(85))
    rules = Rules.from_network(network, 0.02)
    assert 80 < rules.cutoff_km < 150
    assert "6 sites around 90 %" in rules.reasons["association_cutoff_distance"]
    cluster = Rules.from_network(network.take(np.arange(60)), 0.02)
    assert cluster.cutoff_km == 30.0


def test_even_networks_have_one_level():
    rng = np.random.default_rng(6)
    for size_km in (5, 50, 500, 1500):
        x, y = rng.uniform(-size_km / 2, size_km / 2, (60, 2)).T
        network = Network(x, y, np.zeros(60))
        cutoff = Rules.from_network(network, 0.02).cutoff_km
        assert len(search_levels(network, cutoff)) == 1


def test_a_dense_cluster_in_a_region_has_a_last_level_without_it():
    rng = np.random.default_rng(7)
    x, y = np.vstack([rng.uniform(-15, 15, (80, 2)), rng.uniform(-150, 150, (30, 2))]).T
    network = Network(x, y, np.zeros(110))
    cutoff = Rules.from_network(network, 0.02).cutoff_km
    sites = sparse_sites(network, 0.02, cutoff)
    assert sites is not None
    is_cluster = sites < 80
    assert is_cluster.sum() < 8
    assert (~is_cluster).sum() > 20
    ours = {"n_picks": 13, "n_p_and_s_picks": 3, "association_cutoff_distance": cutoff,
            "tolerance": 0.7, "min_node_size": 7.0}  # fmt: skip
    found = level_parameters(ours, 0.02, network.take(sites), is_last=True)
    assert found["n_picks"] < 13
    assert found["association_cutoff_distance"] > cutoff


def test_an_even_network_has_no_cluster():
    made = case(setup("1,000"))
    network = Network.from_sites(made.sites, Plane(*made.extent.center))
    assert sparse_sites(network, 0.02, Rules.from_network(network, 0.02).cutoff_km) is None


def test_events_outside_a_dense_cluster_are_found():
    made = case(replace(setup("80 sites"), elevation_m=(0.0, 0.0), seed=1))
    _, found, _ = associated(made, model_of("iasp91"))
    result = score(found, made)
    assert result.found >= result.expected - 1
    assert result.false + result.doubled == 0
