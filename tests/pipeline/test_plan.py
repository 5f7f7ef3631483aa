from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.campaign.options import Partition
from epicat.campaign.pick_run import PickRun
from epicat.ledger import BlockEntry, Stage, StationDayEntry, Status
from epicat.model import Span, StationDay
from epicat.pick.picker import PickOptions
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import Unit, block_key, block_span, block_units, inputs_digest, pick_units
from epicat.time import DAY_NS, day_start, parse_time
from support.tiny_network import associate_options, bare_campaign, stations

FIRST = date(2019, 12, 30)
NOTHING = LedgerView({}, {})


def days(count, first=FIRST):
    start = day_start(first)
    return Span(start, start + count * DAY_NS)


def campaign_of(count=1, *, places=8, first=FIRST, archive="nowhere", **options):
    chosen = associate_options(**options) if options else None
    return bare_campaign(days(count, first), stations(places=places), chosen, archive)


def picked(campaign, key, status=Status.DONE, *, result="r", archive=None):
    return StationDayEntry(
        campaign.run.digest, key, status, "g", 1,
        archive=archive or campaign.archive, result=result,
    )  # fmt: skip


def associated(campaign, block, known, status=Status.DONE):
    reach = block.widened(campaign.design.reach_ns)
    return BlockEntry(
        campaign.design.digest, block_key(block), status, "g", 1,
        inputs=inputs_digest(known.picks, campaign.names, reach),
    )  # fmt: skip


def keys_of(units):
    return [key for unit in units for key in unit.keys]


def all_keys(campaign):
    return {str(StationDay(n, d)) for n in campaign.names for d in campaign.span.days()}


def all_picked(campaign, status=Status.DONE):
    return LedgerView({key: picked(campaign, key, status) for key in all_keys(campaign)}, {})


def all_done(campaign, cut=Partition()):  # noqa: B008 - frozen
    known = all_picked(campaign)
    entries = {}
    for unit in block_units(campaign, cut, known, ()):
        for key in unit.keys:
            block = block_span(key, campaign.design.block_ns)
            entries[key] = associated(campaign, block, known)
    return LedgerView(known.picks, entries)


cuts = st.builds(
    Partition,
    stations_per_unit=st.integers(1, 10),
    days_per_unit=st.integers(1, 8),
    window_days=st.integers(1, 8),
)
campaigns = st.builds(
    campaign_of,
    st.integers(1, 7),
    places=st.integers(1, 8),
    block_hours=st.sampled_from([1.0, 5.0, 6.0, 7.5, 24.0, 48.0]),
)


@settings(max_examples=60)
@given(campaign=campaigns, cut=cuts)
def test_any_cut_covers_every_key_once(campaign, cut):
    picking = list(pick_units(campaign, cut, NOTHING))
    assert Counter(keys_of(picking)) == Counter(all_keys(campaign))
    for unit in picking:
        keys = [StationDay.parse(key) for key in unit.keys]
        assert len({k.station for k in keys}) <= cut.stations_per_unit
        assert len({k.day for k in keys}) <= cut.days_per_unit

    length = campaign.design.block_ns
    blocks = [block_span(k, length) for k in keys_of(block_units(campaign, cut, NOTHING, ()))]
    assert blocks == sorted(set(blocks))
    assert blocks[0].start_ns <= campaign.span.start_ns
    assert blocks[-1].end_ns >= campaign.span.end_ns
    assert all(a.end_ns == b.start_ns for a, b in pairwise(blocks))
    assert all(block.start_ns % length == 0 for block in blocks)
    assert all(block.overlaps(campaign.span) for block in blocks)


@settings(max_examples=40)
@given(campaign=campaigns, cut=cuts)
def test_units_need_every_day_that_their_blocks_read(campaign, cut):
    for unit in block_units(campaign, cut, NOTHING, ()):
        for key in unit.keys:
            reach = block_span(key, campaign.design.block_ns).widened(campaign.design.reach_ns)
            assert unit.needs.start_ns <= reach.start_ns
            assert unit.needs.end_ns >= reach.end_ns


@settings(max_examples=40)
@given(campaign=campaigns, cut=cuts, other=cuts, data=st.data())
def test_what_is_done_is_not_planned_again_under_another_cut(campaign, cut, other, data):
    everything = all_done(campaign, cut)
    assert list(pick_units(campaign, other, everything)) == []
    assert list(block_units(campaign, other, everything, ())) == []

    missing = data.draw(st.sets(st.sampled_from(sorted(all_keys(campaign)))))
    some = LedgerView({k: e for k, e in everything.picks.items() if k not in missing}, {})
    assert set(keys_of(pick_units(campaign, other, some))) == missing


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 20])
@pytest.mark.parametrize("places", [1, 2, 8])
def test_the_last_day_and_the_last_station_are_there(count, places):
    campaign = campaign_of(count, places=places)
    keys = {StationDay.parse(k) for k in keys_of(pick_units(campaign, Partition(), NOTHING))}
    last = FIRST + timedelta(days=count - 1)
    assert {k.day for k in keys} == {FIRST + timedelta(days=n) for n in range(count)}
    assert StationDay(f"XX.ST{places - 1:02d}", last) in keys
    assert len(keys) == count * places


def test_a_single_day_of_a_single_station():
    campaign = campaign_of(1, places=1)
    (unit,) = pick_units(campaign, Partition(), NOTHING)
    assert unit.keys == ("XX.ST00/2019.364",)
    (blocks,) = block_units(campaign, Partition(), NOTHING, ())
    assert len(blocks.keys) == 4


def test_early_days_come_first():
    campaign = campaign_of(5)
    units = list(pick_units(campaign, Partition(days_per_unit=2, stations_per_unit=3), NOTHING))
    starts = [StationDay.parse(unit.keys[0]).day for unit in units]
    assert starts == sorted(starts)
    assert len(units) == 9


def test_the_plan_is_a_stream():
    """Fifty million station-days are not made to see the first of them."""
    long = bare_campaign(Span(0, parse_time("2200-01-01")), stations())
    assert len(next(pick_units(long, Partition(), NOTHING)).keys) == 10


@pytest.mark.parametrize(
    ("status", "due"),
    [
        (Status.DONE, False),
        (Status.NO_PICKS, False),
        (Status.NO_DATA, False),
        (Status.TOO_GAPPY, False),
        (Status.READ_ERROR, True),
        (Status.FAILED, True),
    ],
)
def test_what_could_not_be_done_is_due_again(status, due):
    campaign = campaign_of(2)
    known = all_picked(campaign, status)
    assert len(keys_of(pick_units(campaign, Partition(), known))) == (16 if due else 0)


@pytest.mark.parametrize("status", Status)
def test_only_days_without_data_are_looked_for_in_another_archive(status):
    campaign, elsewhere = campaign_of(1), campaign_of(1, archive="elsewhere")
    here = set(keys_of(pick_units(campaign, Partition(), all_picked(campaign, status))))
    there = set(keys_of(pick_units(elsewhere, Partition(), all_picked(campaign, status))))
    assert there - here == (all_keys(campaign) if status == Status.NO_DATA else set())


def test_days_without_data_are_looked_for_by_another_layout():
    campaign = campaign_of(1)
    entries = all_picked(campaign, Status.NO_DATA).picks
    known = LedgerView({key: replace(e, layout=campaign.layout) for key, e in entries.items()}, {})
    assert not list(pick_units(campaign, Partition(), known))
    other = campaign.model_copy(update={"layout": "ncedc"})
    assert set(keys_of(pick_units(other, Partition(), known))) == all_keys(campaign)


def test_recheck_gives_the_settled_days_too_and_apart():
    campaign = campaign_of(1)
    known = all_picked(campaign)
    gone = dict(list(known.picks.items())[2:])
    units = list(
        pick_units(campaign, Partition(stations_per_unit=8), LedgerView(gone, {}), recheck=True)
    )
    assert {unit.recheck: set(unit.keys) for unit in units} == {
        False: all_keys(campaign) - set(gone),
        True: set(gone),
    }


def test_a_failed_block_is_due_again():
    campaign = campaign_of(1)
    known = all_done(campaign)
    key = next(iter(known.blocks))
    blocks = {**known.blocks, key: replace(known.blocks[key], status=Status.FAILED)}
    assert keys_of(block_units(campaign, Partition(), LedgerView(known.picks, blocks), ())) == [key]


@pytest.mark.parametrize("status", [Status.DONE, Status.NO_EVENTS, Status.NO_PICKS])
def test_blocks_whose_picks_have_changed_are_due_again_and_no_others(status):
    campaign = campaign_of(6)
    known = all_done(campaign)
    blocks = {k: replace(e, status=status) for k, e in known.blocks.items()}
    changed = str(StationDay("XX.ST03", FIRST + timedelta(days=2)))
    picks = {**known.picks, changed: replace(known.picks[changed], result="other")}
    due = keys_of(block_units(campaign, Partition(), LedgerView(picks, blocks), ()))
    day = StationDay.parse(changed).span
    expected = [
        key
        for key in sorted(known.blocks)
        if block_span(key, campaign.design.block_ns).widened(campaign.design.reach_ns).overlaps(day)
    ]
    assert due == expected
    assert 4 < len(due) < len(known.blocks)


def test_a_new_entry_with_the_same_picks_makes_nothing_due():
    campaign = campaign_of(2)
    known = all_done(campaign)
    again = {k: replace(e, generation="other", marked_ns=9) for k, e in known.picks.items()}
    assert list(block_units(campaign, Partition(), LedgerView(again, known.blocks), ())) == []


def test_blocks_near_days_that_are_due_are_due_too():
    campaign = campaign_of(4)
    known = all_done(campaign)
    due = keys_of(block_units(campaign, Partition(), known, [FIRST]))
    assert due == sorted(known.blocks)[: len(due)]
    assert block_key(days(1, FIRST)) in due
    assert 4 < len(due) < 16


def test_an_extended_range_makes_the_neighbouring_blocks_due():
    one, two = campaign_of(1), campaign_of(1, first=FIRST + timedelta(days=1))
    known = all_done(one)
    own = set(keys_of(block_units(two, Partition(), NOTHING, ())))
    due = keys_of(block_units(two, Partition(), known, two.span.days()))
    assert own < set(due)
    older = set(due) - own
    assert sorted(known.blocks)[-1] in older
    assert older <= set(known.blocks)
    assert len(due) == len(set(due))


def test_another_extent_or_threshold_knows_nothing_of_this_one():
    campaign = campaign_of(1)
    entries = [*all_done(campaign).picks.values(), *all_done(campaign).blocks.values()]
    fewer = campaign_of(1, places=7)
    known = LedgerView.from_entries(entries, fewer)
    assert len(known.picks) == 8  # the same run: its picks are used
    assert known.blocks == {}
    stricter = PickRun.from_options(campaign.run.picker, PickOptions(p_threshold=0.9))
    other_run = campaign.model_copy(update={"run": stricter})
    assert LedgerView.from_entries(entries, other_run).picks == {}


@given(st.integers(0, 10**6), st.sampled_from([1, 60, 5 * 3600, 6 * 3600, 90_001]))
def test_a_block_is_found_again_by_its_key(number, seconds):
    length = seconds * 10**9
    block = Span(number * length, (number + 1) * length)
    assert block_span(block_key(block), length) == block


def test_a_unit_has_a_name_for_people():
    assert Unit(Stage.PICK, ("a", "b", "c")).name == "pick a and 2 more"
    assert Unit(Stage.ASSOCIATE, ("a",)).name == "associate a"
