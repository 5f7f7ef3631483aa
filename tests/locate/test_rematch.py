"""Picks go to the event that predicts them best, each to one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS, Errors, Simulated, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.locate.locator import Locator
from epicat.locate.rematch import CandidatePicks, Claimants, Limits, Matches, rematch

EXPECTED = np.repeat([[0.05], [0.08]], 5, axis=1)
LIMITS = Limits(EXPECTED, cutoff_km=90.0, reach_s=60.0)
APART_NS = 8 * 10**9
"""Events follow each other so fast that their picks overlap."""


@pytest.fixture(scope="module")
def case() -> Simulated:
    return simulate(51, events=30, errors=Errors(wrong=0.0), least=12)


@pytest.fixture(scope="module")
def locator(case) -> Locator:
    return Locator(LAYERS, case.network, case.box)


def picks_of(case: Simulated) -> tuple[CandidatePicks, np.ndarray]:
    """Give the picks in the order of time, and the true event of each."""
    a = case.arrivals
    time = a.event * APART_NS + np.round(a.time_s * 1e9).astype(np.int64)
    order = np.argsort(time, kind="stable")
    ids = [f"p{k:05d}" for k in range(len(order))]
    zero = np.zeros(len(order), dtype=np.int64)
    picks = CandidatePicks(ids, a.sensor[order], a.sensor[order], a.phase[order], zero, time[order])
    return picks, a.event[order]


def claimants(case: Simulated, owner: np.ndarray, picks: CandidatePicks) -> Claimants:
    n = len(case.place_km)
    return Claimants(
        event_id=[f"e{i:03d}" for i in range(n)],
        time_ns=np.arange(n) * APART_NS,
        place_km=case.place_km,
        origin_s=case.origin_s,
        error_factor=np.ones(n),
        wrong_share=np.full(n, 0.1),
        pick_ids=[
            frozenset(picks.pick_id[k] for k in np.flatnonzero(owner == i)) for i in range(n)
        ],
    )


def pairs(found: Matches) -> set[tuple[int, int]]:
    return set(zip(found.event.tolist(), found.pick.tolist(), strict=True))


def test_picks_find_their_events_though_none_has_any(case, locator):
    picks, true = picks_of(case)
    found = rematch(locator, picks, claimants(case, np.full(len(true), -1), picks), LIMITS)
    assert np.mean(true[found.pick] == found.event) > 0.97
    assert len(found.pick) > 0.9 * len(true)


def test_a_pick_is_in_one_event_and_a_site_has_one_of_each_phase(case, locator):
    picks, true = picks_of(case)
    found = rematch(locator, picks, claimants(case, true, picks), LIMITS)
    assert len(set(found.pick.tolist())) == len(found.pick)
    slots = zip(found.event, picks.site[found.pick], picks.phase[found.pick], strict=True)
    assert len(set(slots)) == len(found.pick)


def test_s_is_after_p_and_no_pick_before_its_origin(case, locator):
    picks, true = picks_of(case)
    rng = np.random.default_rng(3)
    shuffled = replace(
        picks, phase=np.where(rng.random(len(true)) < 0.3, 1 - picks.phase, picks.phase)
    )
    found = rematch(locator, shuffled, claimants(case, true, picks), LIMITS)
    at: dict[tuple[int, int], dict[int, int]] = {}
    for event, pick in pairs(found):
        assert picks.time_ns[pick] > event * APART_NS + case.origin_s[event] * 1e9
        at.setdefault((event, int(picks.site[pick])), {})[int(shuffled.phase[pick])] = int(
            picks.time_ns[pick]
        )
    both = [times for times in at.values() if len(times) == 2]
    assert both
    assert all(times[0] < times[1] for times in both)


def test_a_pick_that_does_not_fit_leaves_and_one_that_fits_joins(case, locator):
    picks, true = picks_of(case)
    late = picks.time_ns.copy()
    late[10] += 700_000_000
    owner = true.copy()
    owner[20] = -1
    found = rematch(locator, replace(picks, time_ns=late), claimants(case, owner, picks), LIMITS)
    assert (int(true[10]), 10) not in pairs(found)
    assert (int(true[20]), 20) in pairs(found)


def test_a_far_pick_does_not_join(case, locator):
    picks, true = picks_of(case)
    events = claimants(case, np.full(len(true), -1), picks)
    found = rematch(locator, picks, events, replace(LIMITS, cutoff_km=20.0))
    at = np.c_[case.network.x_km, case.network.y_km][picks.sensor[found.pick]]
    assert np.hypot(*(at - case.place_km[found.event, :2]).T).max() <= 20.0


@settings(max_examples=10)
@given(first=st.integers(4, 12), last=st.integers(16, 26))
def test_events_beyond_reach_change_nothing(case, locator, first, last):
    """The events of a block and those within reach of it are enough to know its matches."""
    picks, true = picks_of(case)
    everything = claimants(case, true, picks)
    whole = rematch(locator, picks, everything, LIMITS)
    near = np.arange(first - 4, min(last + 4, len(case.place_km)))
    part = Claimants(*(
        [value[i] for i in near] if isinstance(value, list) else value[near]
        for value in (everything.event_id, everything.time_ns, everything.place_km,
                      everything.origin_s, everything.error_factor, everything.wrong_share,
                      everything.pick_ids)
    ))  # fmt: skip
    found = rematch(locator, picks, part, replace(LIMITS, reach_s=30.0))
    whole = rematch(locator, picks, everything, replace(LIMITS, reach_s=30.0))
    ours = {(int(near[e]), p) for e, p in pairs(found) if first <= near[e] < last}
    assert ours == {(e, p) for e, p in pairs(whole) if first <= e < last}


def test_the_order_of_events_changes_nothing(case, locator):
    picks, true = picks_of(case)
    events = claimants(case, true, picks)
    back = np.arange(len(case.place_km))[::-1]
    reversed_ = Claimants(
        [events.event_id[i] for i in back], events.time_ns[back], events.place_km[back],
        events.origin_s[back], events.error_factor[back], events.wrong_share[back],
        [events.pick_ids[i] for i in back],
    )  # fmt: skip
    found = rematch(locator, picks, reversed_, LIMITS)
    again = {(int(back[e]), p) for e, p in pairs(found)}
    assert again == pairs(rematch(locator, picks, events, LIMITS))
