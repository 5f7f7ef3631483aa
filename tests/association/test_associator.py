from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epicat.association.associate_options import PyOctoOptions
from epicat.association.associator import Associator, site_picks
from epicat.association.candidates import Needs, exclusive
from epicat.association.search import Search
from epicat.association.sites import SiteIndex
from epicat.model import Pick
from epicat.table_rows import picks_table
from epicat.time import SECOND_NS
from support.tiny_network import (
    MIDNIGHT,
    PLANE,
    RUN,
    arrivals,
    associate_options,
    design_of,
    picks_of,
    stations,
    truths,
)

HALF = SECOND_NS // 2
ONE = stations(locations=("00", "10"), places=1)
INDEX = SiteIndex.from_stations(ONE, PLANE, 100.0)


def kept(picks, index=INDEX):
    return site_picks(picks_table(picks, RUN.digest, "key"), index)


def pick(time_ns, confidence=0.5, *, location="00", band="HH", phase="P", code="ST00"):
    return Pick(time_ns, f"XX.{code}.{location}", band, phase, confidence, time_ns, time_ns)


def test_the_more_confident_of_two_instruments_keeps_an_arrival():
    found = kept([pick(0, 0.4), pick(HALF, 0.6, location="10")])
    assert [(p.time_ns, p.trace_id) for p in found] == [(HALF, "XX.ST00.10")]
    found = kept([pick(0, 0.7), pick(HALF, 0.6, band="HN")])
    assert [(p.time_ns, p.band) for p in found] == [(0, "HH")]


@pytest.mark.parametrize(
    "other",
    [
        pick(HALF + 1, location="10"),  # later than half a second
        pick(HALF),  # the same instrument
        pick(0, location="10", phase="S"),
    ],
)
def test_what_is_not_the_same_arrival_stays(other):
    assert len(kept([pick(0), other])) == 2


def test_picks_of_other_stations_are_left_out():
    assert kept([pick(0, code="ST07")]) == []


def test_picks_keep_their_channel_and_get_the_site():
    (found,) = kept([pick(17, 0.25, location="10", band="HN", phase="S")])
    assert (found.trace_id, found.band, found.site) == ("XX.ST00.10", "HN", "XX.ST00")
    assert (found.time_ns, found.phase, found.confidence) == (17, "S", 0.25)


random_picks = st.lists(
    st.builds(
        pick,
        st.integers(0, 12).map(lambda n: n * SECOND_NS // 5),
        st.sampled_from([0.3, 0.5, 0.9]),
        location=st.sampled_from(["00", "10"]),
        band=st.sampled_from(["HH", "HN"]),
        phase=st.sampled_from("PS"),
    ),
    max_size=12,
    unique_by=lambda p: (p.time_ns, p.trace_id, p.band, p.phase),
)


@given(random_picks, st.randoms())
def test_the_order_of_rows_does_not_matter(picks, shuffler):
    table = picks_table(picks, RUN.digest, "key")
    order = list(range(len(picks)))
    shuffler.shuffle(order)
    order = pa.array(order, pa.int64())
    assert site_picks(table.take(order), INDEX) == site_picks(table, INDEX)


@given(random_picks, st.integers(0, 12), st.integers(0, 12))
def test_what_is_kept_depends_on_half_a_second_around_it_only(picks, first, last):
    """So it is the same whatever span was read."""
    low, high = first * SECOND_NS // 5, last * SECOND_NS // 5
    near = [p for p in picks if low - HALF <= p.time_ns < high + HALF]
    inside = [p for p in kept(picks) if low <= p.time_ns < high]
    assert [p for p in kept(near) if low <= p.time_ns < high] == inside


@given(random_picks)
def test_no_two_instruments_share_an_arrival(picks):
    found = kept(picks)
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            if (one.phase, one.site) == (other.phase, other.site):
                instruments = {(p.trace_id, p.band) for p in (one, other)}
                assert len(instruments) == 1 or other.time_ns - one.time_ns > HALF


def test_of_sensors_at_different_depths_the_deepest_has_the_arrival():
    rows = [replace(ONE[0], location="00", elevation_m=100.0),
            replace(ONE[0], location="10", elevation_m=-500.0)]  # fmt: skip
    index = SiteIndex.from_stations(rows, PLANE, 100.0)
    apart_ns = round(0.7 * SECOND_NS)
    picks = [pick(0, 0.3, location="10"), pick(apart_ns, 0.9, location="00"),
             pick(apart_ns, 0.9, location="00", phase="S")]  # fmt: skip
    found = site_picks(picks_table(picks, RUN.digest, "key"), index, s_velocity=3.0)
    assert [(p.trace_id, p.phase, p.site, p.position) for p in found] == [
        ("XX.ST00.10", "P", "XX.ST00", "XX.ST00.10"),
        ("XX.ST00.00", "S", "XX.ST00", "XX.ST00"),
    ]


SECONDS = [10, 45.5, 80.25, 130, 200, 201 + 30, 300, 1190, 1201, 2500]
TRUTHS = truths(SECONDS)


def candidates_of(table, rows, tmp_path, *, options=None):
    design = design_of(rows, options)
    index = SiteIndex.from_stations(rows, PLANE, (options or associate_options()).site_radius_m)
    found = Associator(design, tmp_path).associate(site_picks(table, index))
    return exclusive(found, Needs.from_pyocto(design.pyocto))


def test_exact_arrivals_give_back_every_event(tmp_path):
    rows = stations()
    found = candidates_of(picks_of(TRUTHS, rows), rows, tmp_path)
    assert len(found) == len(TRUTHS)
    for event, truth in zip(found, TRUTHS, strict=True):
        assert abs(event.time_ns - truth.time_ns) < 0.2 * SECOND_NS
        assert np.hypot(event.x_km - truth.x_km, event.y_km - truth.y_km) < 1.0
        assert abs(event.z_km - truth.z_km) < 1.5
        assert {p.pick_id for p in event.picks} == {p.id(RUN.digest) for p in arrivals(truth, rows)}
        assert event.rms_s < 0.1


def test_noise_picks_make_no_event_and_hide_none(tmp_path):
    rows = stations()
    generator = random.Random(3)
    noise = [
        pick(MIDNIGHT + generator.randrange(2600 * SECOND_NS), 0.3, phase=phase, code=row.code)
        for row in rows
        for phase in "PS"
        for _ in range(20)
    ]
    true = [p for truth in TRUTHS for p in arrivals(truth, rows)]
    table = picks_table([*true, *noise], RUN.digest, "key")
    found = candidates_of(table, rows, tmp_path)
    times = np.array([e.time_ns for e in found])
    assert all(np.abs(times - t.time_ns).min() < 0.5 * SECOND_NS for t in TRUTHS)
    assert len(found) == len(TRUTHS)


def test_the_order_of_picks_and_stations_changes_nothing(tmp_path):
    rows = stations()
    table = picks_of(TRUTHS, rows)
    order = list(range(table.num_rows))
    random.Random(1).shuffle(order)
    expected = candidates_of(table, rows, tmp_path)
    assert candidates_of(table.take(order), rows, tmp_path) == expected
    assert candidates_of(table, rows[::-1], tmp_path) == expected


def two_instruments(seconds_apart, *, codes):
    """Return 4 places with two instruments each, and the picks of both.

    The second one has another location code, or the code of another station.
    """
    rows = stations(places=4)
    others = [replace(row, location="10") for row in rows]
    if codes:
        others = [replace(o, code=f"X{o.code}", name=f"XX.X{o.code}") for o in others]
    (truth,) = truths([60])
    later = replace(truth, time_ns=truth.time_ns + round(seconds_apart * SECOND_NS))
    picks = [*arrivals(truth, rows), *arrivals(later, others)]
    return [*rows, *others], picks_table(picks, RUN.digest, "key")


@pytest.mark.parametrize(
    ("seconds_apart", "codes"), [(0, False), (0.1, False), (0.7, False), (0.1, True)]
)
def test_four_sites_are_four_sites_however_many_instruments_they_have(
    tmp_path, seconds_apart, codes
):
    rows, table = two_instruments(seconds_apart, codes=codes)
    few, many = (associate_options(pyocto=PyOctoOptions(n_picks=n)) for n in (8, 9))
    assert candidates_of(table, rows, tmp_path, options=many) == []
    (event,) = candidates_of(table, rows, tmp_path, options=few)
    assert len(event.picks) == len({(p.site, p.phase) for p in event.picks}) == 8


def test_without_sites_the_same_instruments_would_count_twice(tmp_path):
    """What the test before this one guards against."""
    rows, table = two_instruments(0, codes=True)
    options = associate_options(pyocto=PyOctoOptions(n_picks=9), site_radius_m=0.0)
    (event,) = candidates_of(table, rows, tmp_path, options=options)
    assert len(event.picks) == 16


def test_no_picks_and_no_stations_and_one_station_are_normal(tmp_path):
    rows = stations()
    empty = picks_of([], rows)
    assert candidates_of(empty, rows, tmp_path) == []
    assert candidates_of(empty, [], tmp_path) == []
    assert candidates_of(picks_of(TRUTHS, rows[:1]), rows[:1], tmp_path) == []
    assert candidates_of(picks_of(TRUTHS, rows), rows[:1], tmp_path) == []


def test_too_few_picks_for_an_event_are_not_searched(tmp_path):
    rows = stations()
    design = design_of(rows, associate_options())
    index = SiteIndex.from_stations(rows, PLANE, 100.0)
    picks = site_picks(picks_of(TRUTHS, rows), index)
    sites = sorted({pick.site for pick in picks})[: design.pyocto["n_picks"] // 2 - 1]
    associator = Associator(design, tmp_path)
    assert associator.associate([pick for pick in picks if pick.site in sites]) == []
    assert "_levels" not in vars(associator)
    assert associator.associate(picks)
    assert "_levels" in vars(associator)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Give a maker of associators, 40 minutes of picks, an event a minute, and what is found."""
    rows = stations()
    design = design_of(rows, associate_options())
    index = SiteIndex.from_stations(rows, PLANE, 100.0)
    folder = tmp_path_factory.mktemp("tables")
    picks = site_picks(picks_of(truths(range(0, 2400, 60)), rows), index)

    def make():
        return Associator(design, folder)

    return make, design, picks, make().associate(picks)


@settings(max_examples=4)
@given(first=st.integers(-300, 2400), seconds=st.integers(1, 600))
@example(first=600, seconds=600)  # ends where a slice ends
def test_candidates_are_the_same_to_the_last_bit_however_much_was_read(crowd, first, seconds):
    make, design, picks, everything = crowd
    begin = MIDNIGHT + first * SECOND_NS
    end = begin + seconds * SECOND_NS
    margin = design.slicing.span_ns
    read = [p for p in picks if begin - margin <= p.time_ns < end + margin]
    found = make().associate(read)
    expected = [c for c in everything if begin <= c.time_ns < end]
    assert [c for c in found if begin <= c.time_ns < end] == expected


def test_slices_that_two_blocks_share_are_computed_once(crowd, monkeypatch):
    make, design, picks, everything = crowd
    calls = []
    find = Search.find

    def counted(search, part):
        calls.append(len(part))
        return find(search, part)

    monkeypatch.setattr(Search, "find", counted)
    associator, middle = make(), MIDNIGHT + 1200 * SECOND_NS
    halo = design.slicing.span_ns
    early = [p for p in picks if p.time_ns < middle + halo]
    late = [p for p in picks if p.time_ns >= middle - halo]
    first = associator.associate(early)
    alone = len(calls)
    second = associator.associate(late)
    assert len(calls) - alone < alone
    assert [c for c in first if c.time_ns < middle] == [c for c in everything if c.time_ns < middle]
    assert [c for c in second if c.time_ns >= middle] == [
        c for c in everything if c.time_ns >= middle
    ]
    assert second == make().associate(late)
    so_far = len(calls)
    assert associator.associate(early) == first
    assert len(calls) == so_far  # a unit begins with the last block of the one before it
