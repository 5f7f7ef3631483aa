"""Cutting does not matter; hypothesis picks the cuts."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epicat.campaign.options import Partition
from epicat.pipeline.runner import make_plan
from epicat.time import DAY_NS, SECOND_NS
from faults.cuts import WHOLE, Cutting, done, rows, trials
from faults.midnights import BLOCK_HOURS, DAYS, MIDNIGHTS, campaign_of, world, write
from faults.trial import Form
from support.tiny_bundle import RATE
from support.tiny_network import arrivals, stations

cuts = st.builds(
    Partition,
    stations_per_unit=st.integers(1, 8),
    days_per_unit=st.integers(1, DAYS),
    window_days=st.integers(1, DAYS),
)


def with_the_rest(some):
    """Add the days that are still missing, one by one."""
    reached = {day for first, stop in some for day in range(first, stop)}
    return (*some, *((day, day + 1) for day in range(DAYS) if day not in reached))


days = st.tuples(st.integers(0, DAYS - 1), st.integers(1, DAYS)).filter(lambda d: d[0] < d[1])
cuttings = st.builds(
    Cutting,
    cut=cuts,
    invocations=st.lists(days, max_size=3).map(with_the_rest),
    workers=st.integers(1, 3),
    order=st.integers(0, 10**6),
    again=cuts,
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Give a campaign, and its rows if it is done at once."""
    root = tmp_path_factory.mktemp("archive")
    write(root, world(41))
    campaign = campaign_of(root)
    store = done(campaign, WHOLE, root / "whole")
    return root, campaign, rows(store)


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(cuttings)
def test_however_a_campaign_is_cut_its_rows_are_the_same(archive, how):
    root, campaign, right = archive
    store = done(campaign, how, root / "cut")
    assert rows(store) == right
    whole = campaign.model_copy(update={"store": store.location})
    again = make_plan(whole, how.again, store, recheck=False)
    assert again.is_empty
    assert again.done_before == again.station_days == DAYS * 8
    shutil.rmtree(root / "cut")


def test_cuts_and_midnights_cost_nothing(tmp_path):
    for trial in trials(Form.SHORT, tmp_path):
        assert (trial.lost, trial.doubled) == (0, 0), trial
        assert trial.survived == trial.tried > 0, trial


def test_the_archives_meet_in_every_way_and_have_events_where_it_matters():
    worlds = [world(seed) for seed in range(12)]
    habits = [habit for of in worlds for row in of.habits for habit in row]
    overlaps = [habit.late_s + habit.early_s for habit in habits]
    assert min(overlaps) < 0 < max(overlaps)  # gaps and overlaps
    assert any(h.late_s == h.early_s == 0 for h in habits)
    assert any(h.late_s == -h.early_s > 0 for h in habits)  # the earlier file has the first record
    assert any(h.early_s == -h.late_s > 0 for h in habits)  # the later one begins before midnight
    assert {habit.jitters for habit in habits} == {True, False}
    assert {rate for of in worlds for rate in of.rates} == {RATE, 2 * RATE}
    length_ns = round(BLOCK_HOURS * 3600) * SECOND_NS
    for of in worlds:
        for edge in (MIDNIGHTS[0], MIDNIGHTS[0] // length_ns * length_ns):
            assert min(abs(event.time_ns - edge) for event in of.events) <= SECOND_NS
        after = [p.time_ns - MIDNIGHTS[1] for p in arrivals(of.events[4], stations())]
        assert min(after) < 0 < max(after)
    assert MIDNIGHTS[1] - MIDNIGHTS[0] == DAY_NS
