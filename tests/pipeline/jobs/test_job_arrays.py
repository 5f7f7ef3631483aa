from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import epicat.pipeline.jobs.job_arrays
from epicat.campaign.options import Partition
from epicat.errors import InputError
from epicat.ledger import Stage, StationDayEntry, Status
from epicat.model import Span, StationDay
from epicat.pipeline.jobs.job_arrays import MOST_NEEDS, plan_job_arrays
from epicat.pipeline.ledger_view import LedgerView
from epicat.pipeline.plan import block_units, pick_units
from epicat.time import DAY_NS
from support.tiny_network import MIDNIGHT, bare_campaign

NOTHING = LedgerView({}, {})


def campaign_of(days: int):
    return bare_campaign(Span(MIDNIGHT, MIDNIGHT + days * DAY_NS))


def done(campaign, keys) -> LedgerView:
    digest = campaign.run.digest
    entries = [StationDayEntry(digest, key, Status.DONE, "g", 1) for key in keys]
    return LedgerView({entry.key: entry for entry in entries}, {})


cuts = st.builds(
    Partition,
    stations_per_unit=st.integers(1, 9),
    window_days=st.integers(1, 6),
    blocks_per_unit=st.none() | st.integers(1, 9),
)


@given(days=st.integers(1, 9), cut=cuts, most=st.integers(3, 6), data=st.data())
def test_arrays_hold_the_plan_and_wait_for_all_that_they_read(days, cut, most, data):
    campaign = campaign_of(days)
    names = [str(StationDay(n, d)) for n in campaign.names for d in campaign.span.days()]
    known = done(campaign, data.draw(st.sets(st.sampled_from(names))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epicat.pipeline.jobs.job_arrays, "MOST_JOBS", most)
        arrays = list(plan_job_arrays(campaign, cut, known))
    plain = cut.model_copy(update={"days_per_unit": cut.window_days})
    picking = [unit for a in arrays if a.stage == Stage.PICK for unit in a.units]
    associating = [unit for a in arrays if a.stage == Stage.ASSOCIATE for unit in a.units]
    assert picking == list(pick_units(campaign, plain, known))
    pending = {StationDay.parse(key).day for unit in picking for key in unit.keys}
    assert associating == list(block_units(campaign, plain, known, pending))
    assert len({array.name for array in arrays}) == len(arrays)
    seen = {}
    for array in arrays:
        assert len(array.units) <= most
        assert set(array.needs) <= set(seen), "what is needed is handed over before"
        seen[array.name] = {StationDay.parse(k).day for u in array.units for k in u.keys
                            } if array.stage == Stage.PICK else set()  # fmt: skip
        assert array.days == seen[array.name] or array.stage == Stage.ASSOCIATE
        if array.stage == Stage.ASSOCIATE:
            assert_is_prompt(array, arrays, seen)
            for unit in array.units:
                due = pending.intersection(unit.needs.days())
                assert due <= set().union(*(seen[name] for name in array.needs))
                assert all(seen[name] & due for name in array.needs), "no more than it reads"


def assert_is_prompt(array, arrays, before):
    """Check that only associations and parts of the same window come before it."""
    if not array.needs:
        return
    last = list(before).index(max(array.needs, key=list(before).index))
    between = arrays[last + 1 : arrays.index(array)]
    window = arrays[last].name.partition(".")[0]
    assert all(other.stage == Stage.ASSOCIATE or other.name.startswith(window) for other in between)


def test_a_job_that_would_wait_for_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(epicat.pipeline.jobs.job_arrays, "MOST_JOBS", 1)
    assert len(campaign_of(1).names) == 8
    arrays = list(plan_job_arrays(campaign_of(2), Partition(window_days=1), NOTHING))
    assert max(len(array.needs) for array in arrays) == 16 <= MOST_NEEDS
    with pytest.raises(InputError, match=r"24 job arrays, at most 20 .*--stations-per"):
        list(plan_job_arrays(campaign_of(3), Partition(window_days=1), NOTHING))


def arrays_of(campaign, known=NOTHING, **cut):
    arrays = plan_job_arrays(campaign, Partition(**cut), known)
    return [(a.name, len(a.units), a.needs) for a in arrays]


def test_blocks_of_a_window_are_an_array_and_those_between_windows_another():
    """None waits for a window that it does not read."""
    assert arrays_of(campaign_of(6), window_days=2, stations_per_unit=4, blocks_per_unit=2) == [
        ("pick-0000", 2, ()),
        ("associate-0000", 3, ("pick-0000",)),
        ("pick-0001", 2, ()),
        ("associate-0001", 2, ("pick-0000", "pick-0001")),
        ("associate-0002", 2, ("pick-0001",)),
        ("pick-0002", 2, ()),
        ("associate-0003", 2, ("pick-0001", "pick-0002")),
        ("associate-0004", 3, ("pick-0002",)),
    ]


def test_windows_whose_days_are_picked_are_one_array():
    """As for another associator, location or law of magnitudes, however many windows."""
    campaign = campaign_of(40)
    known = done(
        campaign, [str(StationDay(n, d)) for n in campaign.names for d in campaign.span.days()]
    )
    assert arrays_of(campaign, known, window_days=2) == [("associate-0000", 20, ())]
    assert arrays_of(campaign, known, window_days=2, blocks_per_unit=4) == [
        ("associate-0000", 40, ())
    ]
    sizes = [a.needs or len(a.units)
             for a in plan_job_arrays(campaign, Partition(), known, most_jobs=8)]  # fmt: skip
    assert sizes == [8, 8, 4]


def test_a_campaign_that_begins_at_noon_has_whole_days_in_a_window():
    noon = MIDNIGHT + DAY_NS // 2
    campaign = bare_campaign(Span(noon, noon + 3 * DAY_NS))
    arrays = list(plan_job_arrays(campaign, Partition(window_days=2), NOTHING))
    picking = [a for a in arrays if a.stage == Stage.PICK]
    assert [(a.name, len(a.days)) for a in picking] == [("pick-0000", 2), ("pick-0001", 2)]


def test_names_are_those_of_windows():
    assert arrays_of(campaign_of(5), window_days=2, stations_per_unit=4) == [
        ("pick-0000", 2, ()),
        ("pick-0001", 2, ()),
        ("associate-0000", 1, ("pick-0000", "pick-0001")),
        ("pick-0002", 2, ()),
        ("associate-0001", 1, ("pick-0000", "pick-0001", "pick-0002")),
        ("associate-0002", 1, ("pick-0001", "pick-0002")),
    ]
    (first, *_) = plan_job_arrays(campaign_of(1), Partition(), NOTHING)
    assert "units" not in repr(first)
