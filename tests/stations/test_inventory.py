from __future__ import annotations

import warnings
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.model import EVER, Span
from epicat.stations.channel_epoch import ChannelEpoch, Inventory
from epicat.stations.inventory import merge_epochs, move_messages
from epicat.stations.inventory import to_stations as stations_of_inventory

times = st.integers(EVER.start_ns, EVER.start_ns + 40)
spans = st.builds(lambda a, b: Span(min(a, b), max(a, b) + 1), times, times)


def row(channel: str = "HHZ", location: str = "", epoch: Span = EVER, latitude: float = 39.0):
    return ChannelEpoch("NC", "KBG", location, channel, latitude, -124.0, 1.0, epoch)


def to_stations(rows, where):
    return stations_of_inventory(Inventory(list(rows)), where)


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@given(st.lists(spans, max_size=8))
def test_merged_epochs_hold_the_same_moments_and_are_apart(epochs):
    union = merge_epochs(epochs)
    assert list(union) == sorted(union)
    assert all(a.end_ns < b.start_ns for a, b in pairwise(union))
    for moment in range(EVER.start_ns, EVER.start_ns + 45):
        at = Span(moment, moment + 1)
        assert any(e.overlaps(at) for e in epochs) == any(e.overlaps(at) for e in union)


def test_all_of_time_is_no_epoch():
    assert merge_epochs([EVER]) == merge_epochs([]) == ()


def test_channels_of_a_location_are_one_station_with_their_epochs_together():
    (station,) = to_stations(
        [
            row("HHZ", epoch=Span(0, 5)),
            row("HHN", epoch=Span(3, 9)),
            row("HHZ", epoch=Span(20, 30)),
        ],
        "x",
    )
    assert station.channels == ("HHN", "HHZ")
    assert station.epochs == (Span(0, 9), Span(20, 30))
    assert (station.id, station.name) == ("NC.KBG.", "NC.KBG")


def test_a_channel_without_dates_leaves_the_epochs_unknown():
    (station,) = to_stations([row(epoch=Span(0, 5)), row()], "x")
    assert station.epochs == ()


def test_channels_that_cannot_be_picked_are_left_out():
    with pytest.warns(UserWarning, match=r"left out, no channel that can be picked: NC\.KBG\.10$"):
        (station,) = to_stations([row("HHZ"), row("LHZ"), row("LHZ", "10"), row("BDF", "10")], "x")
    assert station.channels == ("HHZ",)
    with pytest.raises(
        InputError, match=r"no station can be used\n.*no channel that can be picked: NC"
    ):
        to_stations([row("LOG")], "x")
    with pytest.raises(InputError, match=r"'x': no station can be used$"):
        to_stations([], "x")


def test_an_epoch_that_ends_before_it_starts_is_ignored():
    (station,) = to_stations([row(epoch=Span(9, 5)), row(epoch=Span(20, 30))], "x")
    assert station.epochs == (Span(20, 30),)


def test_a_station_that_moved_has_a_placement_for_each_epoch():
    rows = [row(epoch=Span(0, 5), latitude=39.0), row(epoch=Span(5, 9), latitude=39.1)]
    for order in (rows, rows[::-1]):
        (station,) = to_stations(order, "x")
        assert station.latitude == 39.1
        assert [(p.epoch, p.latitude) for p in station.placements] == [
            (Span(0, 5), 39.0), (Span(5, 9), 39.1),
        ]  # fmt: skip
        assert move_messages([station])


def test_channels_that_disagree_a_little_have_one_position_the_newest():
    rows = [row("HNZ", epoch=Span(0, 50), latitude=39.0001), row("HHZ", epoch=Span(10, 50))]
    (station,) = to_stations(rows, "x")
    assert [(p.epoch, p.latitude) for p in station.placements] == [
        (Span(0, 10), 39.0001), (Span(10, 50), 39.0),
    ]  # fmt: skip
    assert move_messages([station]) == []


@given(st.lists(st.tuples(spans, st.sampled_from([39.0, 39.1, 39.2])), min_size=1, max_size=6))
def test_every_moment_of_operation_has_a_position_of_a_channel_then(epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (station,) = to_stations([row(epoch=e, latitude=lat) for e, lat in epochs], "x")
    for moment in range(EVER.start_ns, EVER.start_ns + 45):
        at = Span(moment, moment + 1)
        here = {lat for e, lat in epochs if e.overlaps(at)}
        if here:
            assert station.position_at(moment).latitude in here
