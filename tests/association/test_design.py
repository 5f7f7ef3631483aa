from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from epicat.association.associate_options import AssociateOptions, PyOctoOptions
from epicat.association.design import Design, make_design
from epicat.association.sites import SiteIndex
from epicat.errors import InputError
from epicat.geo import Extent, Plane
from epicat.store.parquet import ParquetStore
from epicat.velocity.layers import LayerModel
from support.tiny_network import EXTENT, RUN, associate_options, design_of, stations

TESTS = Path(__file__).resolve().parent.parent

PYOCTO = {
    "n_picks": 9,
    "n_p_picks": 4,
    "n_s_picks": 2,
    "n_p_and_s_picks": 2,
    "tolerance": 0.9,
    "pick_match_tolerance": 1.1,
    "association_cutoff_distance": 77.0,
    "time_before": 55.0,
    "time_slicing": 600.0,
    "min_node_size": 8.0,
    "min_node_size_location": 0.7,
    "min_interevent_time": 2.0,
    "min_pick_fraction": 0.3,
    "max_pick_overlap": 2,
    "refinement_iterations": 3,
    "location_split_depth": 8,
    "location_split_return": 5,
    "exponential_edt": True,
    "edt_pick_std": 0.5,
    "queue_memory_protection_dfs_size": 1000,
    "second_pass_overwrites": {"n_picks": 6},
}
ASSOCIATE = {
    "p_velocity": 5.9,
    "s_velocity": 3.3,
    "min_depth_km": -2.0,
    "max_depth_km": 25.0,
    "margin_km": 7.0,
    "block_hours": 3.0,
    "halo_s": 1500.0,
    "event_extent": "-40.2,-39.8,174.7,175.3",
}
ELSEWHERE = {"velocity", "velocity_layers", "site_radius_m", "pyocto", "quality"}


def test_every_option_has_a_test_here():
    assert set(PYOCTO) == set(PyOctoOptions.model_fields)
    assert set(ASSOCIATE) | ELSEWHERE == set(AssociateOptions.model_fields)


@pytest.mark.parametrize("name", PYOCTO)
def test_every_parameter_of_pyocto_is_in_the_digest_and_handed_on(name):
    plain = design_of(stations(), associate_options(pyocto=PyOctoOptions()))
    changed = associate_options(pyocto=PyOctoOptions(**{name: PYOCTO[name]}))
    design = design_of(stations(), changed)
    assert design.pyocto[name] == PYOCTO[name]
    assert design.digest != plain.digest


@pytest.mark.parametrize("name", ASSOCIATE)
def test_every_option_is_in_the_digest(name):
    plain = design_of(stations())
    assert (
        design_of(stations(), associate_options(**{name: ASSOCIATE[name]})).digest != plain.digest
    )


def design_with(*, extent=EXTENT, run=RUN.digest, rows=None, layers=None, **options):
    sites = SiteIndex.from_stations(rows or stations(), Plane(*extent.center), 100.0).sites
    return make_design(AssociateOptions(**options), run, extent, sites, layers)


def test_run_sites_extent_and_velocities_are_in_the_digest():
    layers = LayerModel((0.0, 10.0), (5.0, 6.0), (3.0, 3.5))
    constant = LayerModel((0.0, 10.0), (5.0, 6.0), (3.0, 3.5), constant=True)
    designs = [
        design_with(),
        design_with(run="another"),
        design_with(rows=stations(places=7)),
        design_with(extent=Extent.parse("-40.3,-39.7,174.6,175.5")),
        design_with(layers=layers),
        design_with(layers=constant),
    ]
    assert len({d.digest for d in designs}) == len(designs)


def test_the_digest_is_the_same_in_every_process_and_after_a_journey_as_json():
    design = design_of(stations())
    code = "from support.tiny_network import *; print(RUN.digest, design_of(stations()).digest)"
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            check=True, capture_output=True, text=True,
        ).stdout.split()[1]
        for seed in ("1", "2")
    }  # fmt: skip
    assert found == {design.digest}
    assert Design.model_validate_json(design.model_dump_json()).digest == design.digest


def test_the_digest_is_the_same_after_a_journey_through_a_store(tmp_path):
    """A store returns the keys of a record in its own order."""
    design = design_of(stations())
    store = ParquetStore(tmp_path / "store", create=True)
    store.put_record("associator", design.digest, design.model_dump(mode="json"))
    read = store.records("associator")[design.digest]
    assert Design.model_validate(read).digest == design.digest
    backwards = dict(reversed(design.pyocto.items()))
    assert design.model_copy(update={"pyocto": backwards}).digest == design.digest


def test_the_order_of_the_list_of_stations_does_not_matter():
    assert design_of(stations()[::-1]).digest == design_of(stations()).digest


def test_defaults_are_settled_and_told():
    design = design_with()
    unsettled = {name for name, value in design.pyocto.items() if value is None}
    assert unsettled == {"second_pass_overwrites"}
    words = design.described()
    for name in ("n_picks", "tolerance", "association_cutoff_distance", "time_before"):
        assert f"{design.pyocto[name]:g}" in words
    assert "8 sites" in words
    assert f"{design.block_ns / 3600e9:g} h" in words


def test_the_box_holds_the_extent_and_its_margin():
    design = design_with(margin_km=4.0)
    x, y = design.plane.to_xy(
        [EXTENT.south, EXTENT.south, EXTENT.north, EXTENT.north],
        [EXTENT.west, EXTENT.east, EXTENT.west, EXTENT.east],
    )
    assert design.x_km[0] <= x.min() - 3.99
    assert design.x_km[1] >= x.max() + 3.99
    assert design.y_km[0] <= y.min() - 3.99
    assert design.y_km[1] >= y.max() + 3.99
    assert design.z_km[0] <= -0.84  # the highest station


def test_the_halo_is_at_least_the_longest_travel_time_of_an_s_wave():
    for extent in ("-40.3,-39.7,174.6,175.4", "-45,-35,165,180"):
        design = design_with(extent=Extent.parse(extent))
        corner = sum((b - a) ** 2 for a, b in (design.x_km, design.y_km, design.z_km)) ** 0.5
        cutoff = design.pyocto["association_cutoff_distance"]
        assert design.halo_ns / 1e9 >= min(corner, 2 * cutoff) / design.s_velocity
        assert design.reach_ns == design.block_ns + design.halo_ns


def test_one_constant_velocity_gives_the_other():
    assert design_with(p_velocity=5.19).s_velocity == pytest.approx(3.0)
    assert design_with(s_velocity=3.0).p_velocity == pytest.approx(5.19)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"p_velocity": 3.0, "s_velocity": 3.5}, "S velocity 3.5 km/s is not below"),
        ({"min_depth_km": 40.0, "max_depth_km": 30.0}, "no depth: from 40 to 30 km"),
        ({"p_velocity": 6.0, "layers": LayerModel((0.0,), (5.0,), (3.0,))}, "not both"),
        ({"block_hours": 1e-9}, "1e-09"),
    ],
)
def test_what_contradicts_itself_is_refused(options, told):
    with pytest.raises(InputError, match=told):
        design_with(**options)


@pytest.mark.parametrize("hours", [6, 24, 5, 1 / 7, 0.3333333333, 1e-3])
def test_blocks_are_whole_seconds_so_that_their_keys_are_exact(hours):
    assert design_with(block_hours=hours).block_ns % 10**9 == 0


def test_a_region_across_the_date_line():
    design = design_with(extent=Extent.parse("-18,-16,179,-179"))
    assert 200 < design.x_km[1] - design.x_km[0] < 260


def test_a_search_box_far_from_the_stations_is_reported():
    far = Extent(60.0, 61.0, 10.0, 11.0)
    (text,) = (t for t in design_with(event_extent=far).contradictions() if "search box, and" in t)
    assert text.startswith("0 of ")
    assert "--event-extent" in text
    assert not any("search box, and" in t for t in design_with().contradictions())
