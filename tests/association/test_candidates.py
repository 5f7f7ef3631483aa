from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.association.candidates import (
    Candidate,
    Matched,
    Needs,
    exclusive,
    without_impossible,
)

NEEDS = Needs(n_picks=4, n_p_picks=2, n_s_picks=1, n_p_and_s_picks=1, match_s=1.5)
POOL = [(f"S{site}", phase, turn) for turn in range(2) for site in range(5) for phase in "PS"]


def matched(site, phase, turn=0, residual=0.0):
    time = turn * 10**9 + int(site[1:]) * 10**8 + (phase == "S")
    return Matched(time, f"{site}{phase}{turn}", f"XX.{site}.00", site, phase, residual)


@st.composite
def candidates(draw, span=10):
    members = draw(st.lists(st.sampled_from(POOL), min_size=1, unique_by=lambda m: m[:2]))
    picks = tuple(sorted(matched(*m, draw(st.floats(-1.5, 1.5))) for m in members))
    return Candidate(draw(st.integers(-span, span)), 0.0, 0.0, 0.0, picks)


def ids(events):
    return [p.pick_id for event in events for p in event.picks]


@given(st.lists(candidates(), max_size=8))
def test_no_pick_is_in_two_events_and_every_event_is_one(found):
    kept = exclusive(found, NEEDS)
    assert len(ids(kept)) == len(set(ids(kept)))
    assert all(NEEDS.met_by(event) for event in kept)
    assert [event.time_ns for event in kept] == sorted(event.time_ns for event in kept)


@given(st.lists(candidates(), max_size=8))
def test_events_are_candidates_that_may_have_lost_some_picks(found):
    for event in exclusive(found, NEEDS):
        origin = [c for c in found if c.time_ns == event.time_ns and {*event.picks} <= {*c.picks}]
        assert any(len(event.picks) >= 0.6 * len(c.picks) for c in origin)


@given(st.lists(candidates(), max_size=8), st.randoms())
def test_the_order_does_not_matter(found, shuffler):
    mixed = list(found)
    shuffler.shuffle(mixed)
    assert exclusive(mixed, NEEDS) == exclusive(found, NEEDS)


@given(st.lists(candidates(), max_size=8))
def test_doing_it_again_changes_nothing(found):
    kept = exclusive(found, NEEDS)
    assert exclusive(kept, NEEDS) == kept
    assert exclusive([*found, *found], NEEDS) == kept


@given(st.lists(candidates(), max_size=8))
def test_the_best_candidate_keeps_all_its_picks(found):
    if able := [c for c in found if NEEDS.met_by(c)]:
        best = min(able, key=NEEDS.rank)
        if all(NEEDS.rank(best) <= NEEDS.rank(c) for c in found):
            assert best in exclusive(found, NEEDS)


@given(st.lists(candidates(), max_size=6), st.lists(candidates(), max_size=6))
def test_candidates_that_share_no_pick_do_not_influence_each_other(one, other):
    apart = [
        replace(c, picks=tuple(replace(p, pick_id=f"other {p.pick_id}") for p in c.picks))
        for c in other
    ]
    together = exclusive([*one, *apart], NEEDS)
    alone = [*exclusive(one, NEEDS), *exclusive(apart, NEEDS)]
    assert together == sorted(alone, key=lambda c: (c.time_ns, c.picks))


def candidate(members, residual=0.0, time_ns=0):
    return Candidate(
        time_ns, 0, 0, 0, tuple(sorted(matched(m[:2], m[2], 0, residual) for m in members))
    )


def test_many_picks_that_hardly_fit_lose_to_fewer_that_do():
    loose = candidate(["S0P", "S1P", "S2P", "S3P", "S0S", "S1S", "S2S"], residual=1.2)
    tight = candidate(["S0P", "S1P", "S2P", "S0S", "S1S"], residual=0.1, time_ns=1)
    assert exclusive([loose, tight], NEEDS) == [tight]


def test_a_candidate_that_lost_more_than_four_tenths_is_gone():
    best = candidate(["S0P", "S1P", "S2P", "S3P", "S4P", "S0S", "S1S"])
    other = candidate(["S0P", "S1P", "S3P", "S4S", "S3S", "S2S", "S2P"], time_ns=1)
    assert exclusive([best, other], NEEDS) == [best]


@pytest.mark.parametrize(
    ("members", "enough"),
    [
        (["S0P", "S1P", "S0S", "S2P"], True),
        (["S0P", "S1P", "S0S"], False),  # picks
        (["S0P", "S0S", "S1S", "S2S"], False),  # P
        (["S0P", "S1P", "S2P", "S3P"], False),  # S
        (["S0P", "S1P", "S2S", "S3S"], False),  # sites with both
    ],
)
def test_what_makes_an_event(members, enough):
    assert NEEDS.met_by(candidate(members)) is enough


def test_a_second_pass_may_ask_for_less():
    pyocto = {
        "n_picks": 10, "n_p_picks": 3, "n_s_picks": 3, "n_p_and_s_picks": 3,
        "pick_match_tolerance": 1.5, "second_pass_overwrites": {"n_picks": 6, "n_s_picks": 4},
    }  # fmt: skip
    assert Needs.from_pyocto(pyocto) == Needs(6, 3, 3, 3, 1.5)
    assert Needs.from_pyocto({**pyocto, "second_pass_overwrites": None}) == Needs(10, 3, 3, 3, 1.5)


def test_the_rms_of_residuals():
    picks = [matched("S0", "P", 0, 0.3), matched("S1", "P", 0, -0.4)]
    random.shuffle(picks)
    assert Candidate(0, 0, 0, 0, tuple(picks)).rms_s == pytest.approx(0.3535534)
    assert Candidate(0, 0, 0, 0, ()).rms_s == 0


def pick_at(second, site, phase, residual=0.1):
    return Matched(second * 10**9, f"{site}{phase}{second}", site, site, phase, residual)


def test_impossible_arrivals_are_dropped_and_counted():
    picks = (
        pick_at(9, "A", "P"),  # before the origin
        pick_at(10, "B", "P"),  # at the origin
        pick_at(12, "C", "P"), pick_at(13, "C", "P", 0.02),  # two P at one site
        pick_at(15, "D", "S", 0.5), pick_at(16, "D", "P", 0.1),  # S before P
        pick_at(15, "E", "S", 0.1), pick_at(15, "E", "P", 0.3),  # at once
        pick_at(14, "F", "P"), pick_at(18, "F", "S"),
    )  # fmt: skip
    found = without_impossible(Candidate(10 * 10**9, 0.0, 0.0, 5.0, tuple(sorted(picks))))
    kept = {(p.site, p.phase, p.time_ns // 10**9) for p in found.picks}
    assert kept == {("C", "P", 13), ("D", "P", 16), ("E", "S", 15), ("F", "P", 14), ("F", "S", 18)}
    assert found.dropped == 5
    assert without_impossible(found) == found


@given(st.lists(st.builds(
    pick_at, st.integers(5, 30), st.sampled_from("ABC"), st.sampled_from("PS"),
    st.sampled_from([-0.4, 0.1, 0.2]),
), max_size=12, unique_by=lambda p: p.pick_id))  # fmt: skip
def test_what_is_left_is_always_possible(picks):
    found = without_impossible(Candidate(10 * 10**9, 0.0, 0.0, 5.0, tuple(sorted(picks))))
    assert found.dropped + len(found.picks) == len(picks)
    times = {(p.site, p.phase): p.time_ns for p in found.picks}
    assert len(times) == len(found.picks)
    for (site, phase), time_ns in times.items():
        assert time_ns > 10 * 10**9
        if phase == "S" and (site, "P") in times:
            assert time_ns > times[site, "P"]
