from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from epicat.association.candidates import Candidate, Matched, Needs, exclusive
from epicat.association.stitch import stitch

SEAM = 0
NEEDS = Needs(n_picks=4, n_p_picks=2, n_s_picks=1, n_p_and_s_picks=1, match_s=1.5)


def event(time_ns, *, sites="012", turn=0, residual=0.1):
    """Return a candidate with P and S at each site; ``turn`` tells whose picks they are."""
    picks = [
        Matched(turn, f"{turn}{site}{phase}", f"XX.S{site}.", f"S{site}", phase, residual)
        for site in sites
        for phase in "PS"
    ]
    return Candidate(time_ns, 0.0, 0.0, 0.0, tuple(sorted(picks)))


# Views of a handful of real events, each placed a little before or after the seam.
views = st.lists(
    st.builds(
        event,
        st.integers(-4, 4),
        sites=st.sampled_from(["012", "0123", "123", "01", "234", "01234"]),
        turn=st.integers(0, 2),
        residual=st.sampled_from([0.0, 0.1, 0.5, 1.2]),
    ),
    max_size=6,
)


def ids(events):
    return [p.pick_id for e in events for p in e.picks]


@given(views, views)
def test_no_pick_is_in_two_events(before, after):
    found = stitch(before, after, SEAM, NEEDS)
    assert len(ids(found)) == len(set(ids(found)))
    assert all(NEEDS.met_by(e) for e in found)


@given(views, views, st.randoms())
def test_the_order_of_candidates_does_not_matter(before, after, shuffler):
    expected = stitch(before, after, SEAM, NEEDS)
    shuffler.shuffle(before)
    shuffler.shuffle(after)
    assert stitch(before, after, SEAM, NEEDS) == expected


@given(views)
def test_two_blocks_of_one_opinion_have_no_seam(both):
    assert stitch(both, both, SEAM, NEEDS) == exclusive(both, NEEDS)


@given(views, views)
def test_every_event_comes_from_one_of_the_two_blocks(before, after):
    for found in stitch(before, after, SEAM, NEEDS):
        assert any(
            c.time_ns == found.time_ns and set(found.picks) <= set(c.picks)
            for c in (*before, *after)
        )


@given(views, views)
def test_the_two_sides_make_up_the_whole(before, after):
    found = stitch(before, after, SEAM, NEEDS)
    sides = [c for c in found if c.time_ns < SEAM] + [c for c in found if c.time_ns >= SEAM]
    assert sides == found


def apart(candidates, seconds):
    """Return the candidates at another time, with picks of their own."""
    return [
        replace(
            c,
            time_ns=c.time_ns + seconds,
            picks=tuple(replace(p, pick_id=f"{seconds}{p.pick_id}") for p in c.picks),
        )
        for c in candidates
    ]


@given(views, views, views)
def test_what_happens_far_from_the_seam_changes_nothing_at_it(before, after, elsewhere):
    expected = stitch(before, after, SEAM, NEEDS)
    early, late = apart(elsewhere, -1000), apart(elsewhere, 1000)
    found = stitch([*early, *before], [*after, *late], SEAM, NEEDS)
    assert [c for c in found if abs(c.time_ns) < 500] == expected
    assert [c for c in found if c.time_ns < -500] == exclusive(early, NEEDS)
    assert [c for c in found if c.time_ns > 500] == exclusive(late, NEEDS)


def test_an_event_that_each_block_places_on_its_own_side_is_kept_once():
    poor, good = event(-1, residual=0.5), event(0, residual=0.1)
    assert stitch([poor], [good], SEAM, NEEDS) == [good]
    poor, good = event(0, residual=0.5), event(-1, residual=0.1)
    assert stitch([good], [poor], SEAM, NEEDS) == [good]


def test_an_event_that_each_block_places_on_the_other_side_is_not_lost():
    poor, good = event(0, residual=0.5), event(-1, residual=0.1)
    assert stitch([poor], [good], SEAM, NEEDS) == [good]
    poor, good = event(-1, residual=0.5), event(0, residual=0.1)
    assert stitch([good], [poor], SEAM, NEEDS) == [good]


def test_an_event_that_neither_owns_but_another_has_taken_is_not_made_again():
    owned = event(-2, sites="01234", residual=0.0)
    late, early = event(0, residual=0.4), event(-1, residual=0.4)
    assert stitch([owned, late], [early], SEAM, NEEDS) == [owned]


def test_two_events_at_the_seam_stay_two():
    one, two = event(-1, turn=0), event(1, turn=1)
    assert stitch([one, two], [one, two], SEAM, NEEDS) == [one, two]


def test_the_seam_belongs_to_the_block_after_it():
    at_seam = event(SEAM)
    assert stitch([], [at_seam], SEAM, NEEDS) == [at_seam]
    assert stitch([at_seam], [], SEAM, NEEDS) == []
    assert stitch([at_seam], [at_seam], SEAM, NEEDS) == [at_seam]


def test_nothing_stitched_to_nothing_is_nothing():
    assert stitch([], [], SEAM, NEEDS) == []
