"""A campaign whose archive has nothing of it is found out within seconds."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from epicat.model import StationDay
from epicat.pipeline.first_look import _spread, look_at_archive
from epicat.pipeline.stages.read_day import where_looked
from epicat.time import day_of
from support.network_fixtures import written_network
from support.tiny_network import settled, truths

network = written_network(truths([-300]))


@given(st.integers(0, 400))
def test_every_station_day_is_visited_once_and_early_ones_are_far_apart(number):
    keys = [StationDay(f"XX.S{n}", day_of(0)) for n in range(number)]
    found = list(_spread(keys))
    assert sorted(found) == sorted(keys)
    if number > 20:
        early = sorted(keys.index(key) for key in found[:5])
        assert early[-1] - early[0] > number / 2


def test_one_object_is_enough(network, tmp_path):
    found = look_at_archive(settled(network, tmp_path, start="2019-06-01"))
    assert found.has_objects


def test_nothing_is_found_in_other_days_layouts_and_folders(network, tmp_path):
    (tmp_path / "empty").mkdir()
    days = {"start": "2018-01-01", "end": "2018-01-03"}
    for campaign, words in (
        (settled(network, tmp_path, **days), "first object is '"),
        (settled(network, tmp_path, layout="scedc", archive=network / "sds"), "first object is '"),
        (settled(network, tmp_path, archive=tmp_path / "empty"), "which is empty"),
        (settled(network, tmp_path, layout="files", archive=network / "sds", **days),
         "they name XX.ST00, XX.ST01"),
    ):  # fmt: skip
        found = look_at_archive(campaign)
        assert (found.has_objects, found.is_complete, found.total) == (False, True, 16)
        assert words in where_looked(campaign)


def test_it_takes_some_seconds_at_most(network, tmp_path):
    campaign = settled(network, tmp_path, start="2010-01-01", end="2018-01-01")
    ticks = count(0.0, 0.5)
    found = look_at_archive(campaign, clock=lambda: next(ticks))
    assert not found.has_objects
    assert (found.looked, found.is_complete) == (11, False)
