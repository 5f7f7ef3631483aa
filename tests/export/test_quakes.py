from __future__ import annotations

import math
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.export import stream as module
from epicat.export.quakes import Part
from epicat.export.stream import quakes
from epicat.time import SECOND_NS
from support.tiny_catalog import ASSOCIATOR, IDS, RUN, START, event, many, part

TWO = [(IDS[0], "P", 2 * SECOND_NS, 0.1), (IDS[0], "S", 4 * SECOND_NS, -0.2)]


def test_an_event_has_its_arrivals_and_their_picks() -> None:
    (quake,) = quakes([part(event(TWO, edge=True))])
    assert (quake.origin.time_ns, quake.origin.depth_km, quake.origin.edge) == (START, 8.5, True)
    assert (quake.associator, quake.origin.n_stations) == (ASSOCIATOR, 1)
    first, second = quake.origin.arrivals
    assert (first.phase, first.trace_id, first.time_ns) == ("P", IDS[0], START + 2 * SECOND_NS)
    assert (first.band, first.confidence, first.run) == ("HH", 0.75, RUN)
    assert second.residual_s == -0.2


def test_nothing_comes_of_nothing() -> None:
    assert list(quakes([])) == list(quakes([part()])) == []
    (quake,) = quakes([part(event([]))])
    assert quake.origin.arrivals == ()


def test_a_pick_that_is_not_there_is_not_made_up() -> None:
    whole = part(event(TWO))
    (quake,) = quakes([replace(whole, picks=whole.picks.slice(1))])
    assert (quake.origin.arrivals[0].band, quake.origin.arrivals[0].confidence) == (None, None)
    assert quake.origin.arrivals[1].band == "HH"
    assert [r.time_ns - START for r in quake.origin.arrivals] == [2 * SECOND_NS, 4 * SECOND_NS]


def test_arrivals_of_other_events_are_left_alone() -> None:
    first, second = event(TWO), event(TWO, START + 60 * SECOND_NS)
    whole = part(first, second)
    (quake,) = quakes([replace(whole, events=whole.events.slice(1))])
    assert [r.time_ns - quake.origin.time_ns for r in quake.origin.arrivals] == [
        2 * SECOND_NS,
        4 * SECOND_NS,
    ]


@pytest.mark.parametrize("place", [(math.nan, 0, 0), (0, math.inf, 0), (0, 0, math.nan)])
def test_an_event_without_a_position_is_refused(place: tuple[float, float, float]) -> None:
    found = event(TWO, place=place)
    with pytest.raises(InputError, match=found[0].id(ASSOCIATOR)):
        list(quakes([part(found)]))


@given(
    sizes=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    at_once=st.integers(1, 5),
    seed=st.randoms(use_true_random=False),
)
def test_neither_the_order_of_rows_nor_the_pieces_matter(
    sizes: list[int], at_once: int, seed: object
) -> None:
    rows = [(IDS[n], "P", (n + 1) * SECOND_NS, 0.0) for n in range(4)]
    found = [event(rows[:n], START + 60 * at * SECOND_NS) for at, n in enumerate(sizes)]
    whole = list(quakes([part(*found)]))
    assert [len(q.origin.arrivals) for q in whole] == sizes
    shuffled = Part(*(_shuffled(t, seed) for t in _tables(part(*found))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", at_once)
        assert list(quakes([shuffled])) == whole
    assert list(quakes([part(one) for one in found])) == whole


def test_thousands_of_events_keep_their_own_arrivals() -> None:
    found = list(quakes([many(2_500, readings=6)]))
    assert [q.event_id for q in found] == [f"e{n:015d}" for n in range(2_500)]
    for number, quake in enumerate(found):
        names = {r.pick_id for r in quake.origin.arrivals}
        assert names == {f"p{n:015d}" for n in range(6 * number, 6 * number + 6)}


def _tables(whole: Part) -> list[pa.Table]:
    return [whole.events, whole.arrivals, whole.picks]


def _shuffled(table: pa.Table, seed: object) -> pa.Table:
    order = list(range(table.num_rows))
    seed.shuffle(order)  # type: ignore[attr-defined]
    return table.take(pa.array(order, pa.int64()))
