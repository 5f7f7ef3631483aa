from __future__ import annotations

import warnings
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.model import EVER, Span
from epicat.stations.inventory import ChannelEpoch, merged, to_stations

times = st.integers(EVER.start_ns, EVER.start_ns + 40)
spans = st.builds(lambda a, b: Span(min(a, b), max(a, b) + 1), times, times)


def row(channel: str = "HHZ", location: str = "", epoch: Span = EVER, latitude: float = 39.0):
    return ChannelEpoch("NC", "KBG", location, channel, latitude, -124.0, 1.0, epoch)


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@given(st.lists(spans, max_size=8))
def test_merged_epochs_hold_the_same_moments_and_are_apart(epochs):
    union = merged(epochs)
    assert list(union) == sorted(union)
    assert all(a.end_ns < b.start_ns for a, b in pairwise(union))
    for moment in range(EVER.start_ns, EVER.start_ns + 45):
        at = Span(moment, moment + 1)
        assert any(e.overlaps(at) for e in epochs) == any(e.overlaps(at) for e in union)


def test_for_ever_tells_nothing():
    assert merged([EVER]) == merged([]) == ()


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


def test_channels_that_cannot_be_picked_do_not_count():
    with pytest.warns(UserWarning, match=r"left out, no channel that can be picked: NC\.KBG\.10$"):
        (station,) = to_stations([row("HHZ"), row("LHZ"), row("LHZ", "10"), row("BDF", "10")], "x")
    assert station.channels == ("HHZ",)
    with pytest.raises(InputError, match=r"no station in it, no channel that can be picked: NC"):
        to_stations([row("LOG")], "x")
    with pytest.raises(InputError, match=r"'x': there is no station in it$"):
        to_stations([], "x")


def test_an_epoch_that_ends_before_it_starts_does_not_count():
    (station,) = to_stations([row(epoch=Span(9, 5)), row(epoch=Span(20, 30))], "x")
    assert station.epochs == (Span(20, 30),)


def test_a_station_stands_where_it_stood_last_and_a_move_is_told():
    rows = [row(epoch=Span(0, 5), latitude=39.0), row(epoch=Span(5, 9), latitude=39.1)]
    for order in (rows, rows[::-1]):
        with pytest.warns(UserWarning, match=r"moved by more than 1 km .*: NC\.KBG\."):
            (station,) = to_stations(order, "x")
        assert station.latitude == 39.1
    (station,) = to_stations([row(latitude=39.0), row(latitude=39.001)], "x")
    assert station.latitude in (39.0, 39.001)
