from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.aws.estimate import STARTING_S, job_seconds, stations_per_unit
from epicat.aws.prices import Prices, Shape
from epicat.campaign.options import Partition
from epicat.ledger import Stage
from epicat.model import Span
from epicat.pipeline.estimate import (
    ASSOCIATING_S,
    LOCATING_S,
    PICKING_S,
    blocks_per_unit,
    with_unit_sizes,
    work_seconds,
)
from epicat.pipeline.jobs.job_arrays import MOST_JOBS, JobArray
from epicat.pipeline.plan import Unit
from epicat.time import DAY_NS, iso, parse_time
from support.tiny_network import MIDNIGHT, bare_campaign

HOUR_NS = DAY_NS // 24
ONE, FOUR = Shape(vcpu=1, memory_mib=4096), Shape(vcpu=4, memory_mib=16384)


def test_the_prices_are_those_of_the_list():
    full = Prices.from_architecture("X86_64", "on-demand", has_address=True)
    assert full.compute(ONE, 3600) == pytest.approx(0.04048 + 4 * 0.004445)
    assert full.compute(FOUR, 1800) == pytest.approx(2 * full.compute(ONE, 3600))
    assert full.addresses(7200) == pytest.approx(0.01)
    spot = Prices.from_architecture("X86_64", "spot", has_address=False)
    assert spot.compute(ONE, 3600) == pytest.approx(0.3 * full.compute(ONE, 3600))
    assert spot.addresses(7200) == 0
    arm = Prices.from_architecture("ARM64", "on-demand", has_address=True)
    assert arm.compute(ONE, 3600) < full.compute(ONE, 3600)


def test_a_job_is_its_start_and_its_work():
    keys = tuple(f"XX.ST{i}/2020.001" for i in range(10))
    picking = JobArray("pick-0000", (Unit(Stage.PICK, keys), Unit(Stage.PICK, keys[:2])))
    assert job_seconds(picking, 12, ONE) == 12 * PICKING_S + 2 * STARTING_S
    assert job_seconds(picking, 12, FOUR) == 3 * PICKING_S + 2 * STARTING_S


def associating(blocks, hours=6):
    """Return the unit of the first blocks of a day, which reach a block and 10 min around."""
    start = parse_time("2020-01-01")
    length, reach = hours * HOUR_NS, hours * HOUR_NS + HOUR_NS // 6
    keys = tuple(iso(start + at * length) for at in range(blocks))
    return Unit(Stage.ASSOCIATE, keys, Span(start, start + blocks * length).widened(reach))


def test_a_row_of_blocks_costs_two_runs_of_the_associator_more():
    """For each process: the neighbours at both ends of its share."""
    day = 12 / 4  # station-days of a block
    for blocks, shape, runs, located in [(8, ONE, 10, 8), (8, FOUR, 4, 2), (3, FOUR, 3, 1)]:
        array = JobArray("associate-0000", (associating(blocks), associating(blocks)))
        work = day * (runs * ASSOCIATING_S + located * LOCATING_S)
        assert job_seconds(array, 12, shape) == pytest.approx(2 * (work + STARTING_S))


@given(
    stations=st.integers(1, 3_000_000), hours=st.sampled_from([1, 6, 24]),
    processes=st.integers(1, 16),
)  # fmt: skip
def test_units_of_association_are_of_about_twenty_minutes(stations, hours, processes):
    size = blocks_per_unit(stations, hours * HOUR_NS, processes)
    assert size % processes == 0, "each process has its share"
    work = [
        work_seconds(JobArray("associate-0000", (associating(blocks, hours),)), stations, processes)
        for blocks in (size, size + processes)
    ]
    assert work[0] <= 1200 * (1 + 1e-9) or size == processes
    assert work[1] > 1200 * (1 - 1e-9)


def test_what_the_user_has_chosen_is_kept():
    campaign = bare_campaign(Span(MIDNIGHT, MIDNIGHT + DAY_NS))
    processes = {Stage.PICK: 1, Stage.ASSOCIATE: 2}
    given = Partition(stations_per_unit=3, blocks_per_unit=None)
    chosen = ("stations_per_unit", "blocks_per_unit")
    assert with_unit_sizes(given, chosen, campaign, processes, MOST_JOBS) == given
    resolved = with_unit_sizes(given, (), campaign, processes, MOST_JOBS)
    assert resolved.stations_per_unit == len(campaign.names)
    assert resolved.blocks_per_unit % 2 == 0


@given(
    stations=st.integers(1, 3_000_000), window=st.integers(1, 60),
    vcpu=st.sampled_from([0.25, 1.0, 4.0, 16.0]),
)  # fmt: skip
def test_units_are_of_about_twenty_minutes_and_fill_one_array_at_most(stations, window, vcpu):
    shape = Shape(vcpu=vcpu, memory_mib=4096)
    size = stations_per_unit(stations, window, shape)
    assert 1 <= size <= stations
    units = ceil(stations / size)
    assert units <= MOST_JOBS
    minutes = size * window * PICKING_S / shape.processes / 60
    one = window * PICKING_S / shape.processes / 60  # a unit cannot be smaller than a station
    assert minutes <= 20 or size == 1 or size == ceil(stations / MOST_JOBS)
    assert minutes >= 10 - one or units == 1


def test_the_tutorial_s_region_is_two_units_a_window():
    assert stations_per_unit(89, 2, ONE) == 45
