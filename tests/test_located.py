"""Events and arrivals at their best places."""

from __future__ import annotations

from epicat.located import (
    BEST_ARRIVALS,
    BEST_EVENTS,
    arrivals_at_best_places,
    events_at_best_places,
)
from epicat.tables import EVENTS
from epicat.time import SECOND_NS
from support.located_catalog import (
    LOCATION,
    arrival_row,
    locate,
    origin_arrivals_table,
    origin_row,
    origins_table,
)
from support.tiny_catalog import ASSOCIATOR, IDS, START, event, part

ROWS = [(IDS[0], "P", 2 * SECOND_NS, 0.1), (IDS[3], "S", 4 * SECOND_NS, -0.2)]
FIRST = event(ROWS, START)[0], event(ROWS, START)[1]
SECOND = event(ROWS, START + SECOND_NS // 4)
WHOLE = part(FIRST, SECOND)


def test_an_event_is_where_its_origin_is():
    origins, _ = locate(FIRST[0], associator=ASSOCIATOR)
    found = events_at_best_places(WHOLE.events, origins)
    assert found.schema == BEST_EVENTS
    assert found["time"].cast("int64").to_pylist() == [
        START + SECOND_NS // 4,
        START + SECOND_NS // 2,
    ]
    left, moved = found.to_pylist()
    known = origins.to_pylist()[0]
    for name in ("time", "latitude", "longitude", "depth_km", "rms_s", "gap_deg", "dmin_km",
                 "major_km", "quality", "origin_id"):  # fmt: skip
        assert moved[name] == known[name]
    assert (moved["location"], moved["design"], moved["key"]) == (LOCATION, ASSOCIATOR, "block")
    assert moved["associated_latitude"] == FIRST[0].latitude
    assert moved["associated_depth_km"] == FIRST[0].depth_km
    event_row = WHOLE.events.slice(1).to_pylist()[0]
    assert {name: left[name] for name in EVENTS.names} == event_row
    assert {left[n] for n in ("origin_id", "location", "major_km", "quality", "unmet")} == {None}


def test_origins_of_other_events_change_nothing():
    other = event(ROWS, START + 60 * SECOND_NS)[0]
    origins, arrivals = locate(other, associator=ASSOCIATOR)
    found = events_at_best_places(WHOLE.events, origins)
    assert found.select(EVENTS.names).to_pylist() == WHOLE.events.to_pylist()
    none = WHOLE.events.slice(0, 0)
    assert events_at_best_places(none, origins).num_rows == 0
    rows = arrivals_at_best_places(
        WHOLE.arrivals, arrivals, origins["event_id"].slice(0, 0).combine_chunks()
    )
    assert rows.num_rows == WHOLE.arrivals.num_rows


def test_a_criterion_that_is_no_longer_met_is_no_rejection():
    rejected, _ = event(ROWS, START)
    row = origin_row(rejected, ASSOCIATOR, rejected="3 picks < 5")
    (found,) = events_at_best_places(part(FIRST).events, origins_table(row)).to_pylist()
    assert (found["rejected"], found["unmet"]) == (None, "3 picks < 5")


def test_a_criterion_that_is_met_is_null_in_stores_that_have_it_empty():
    rejected, _ = event(ROWS, START)
    row = origin_row(rejected, ASSOCIATOR, rejected="")
    (found,) = events_at_best_places(part(FIRST).events, origins_table(row)).to_pylist()
    assert found["unmet"] is None


def test_arrivals_are_those_of_the_origin():
    row = origin_row(FIRST[0], ASSOCIATOR)
    stays, joins = FIRST[0].arrivals[0], FIRST[0].arrivals[1]
    arrivals = origin_arrivals_table(
        arrival_row(row, stays), arrival_row(row, joins, pick_id="new", added=True)
    )
    located = origins_table(row)["event_id"].combine_chunks()
    found = arrivals_at_best_places(WHOLE.arrivals, arrivals, located)
    assert found.schema == BEST_ARRIVALS
    ours = [r for r in found.to_pylist() if r["event_id"] == row["event_id"]]
    assert [(r["pick_id"], r["added"]) for r in ours] == [(stays.pick_id, False), ("new", True)]
    assert {(r["design"], r["term_s"], r["residual_s"]) for r in ours} == {
        (ASSOCIATOR, -0.02, 0.031)
    }
    others = [r for r in found.to_pylist() if r["event_id"] != row["event_id"]]
    assert {r["sigma_s"] for r in others} == {None}
    assert [r["residual_s"] for r in others] == [0.1, -0.2]
