"""Entries that are read some days at a time are those that are there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from epicat.ledger import BlockEntry, LedgerEntry, StationDayEntry, Status
from epicat.model import Span, StationDay
from epicat.pipeline.ledger_view import DayEntries, LedgerView
from epicat.store.base import of_days
from epicat.store.parquet import ParquetStore
from epicat.time import day_start
from support import tiny_network

FIRST = date(2019, 12, 20)
DAYS = [FIRST + timedelta(days=number) for number in range(30)]
SPAN = Span(day_start(DAYS[0]), day_start(DAYS[-1] + timedelta(days=1)))


def entry(station: str, day: date) -> LedgerEntry:
    return StationDayEntry("run", str(StationDay(station, day)), Status.DONE, "g", 1)


class Ledger:
    def __init__(self, there: list[LedgerEntry]) -> None:
        self.there = there
        self.readings: list[Span] = []

    def read(self, span: Span) -> list[LedgerEntry]:
        self.readings.append(span)
        return list(of_days(self.there, span))


keys = st.tuples(st.sampled_from("ABC"), st.sampled_from(DAYS))


@given(there=st.sets(keys), asked=st.lists(keys), days_at_once=st.integers(1, 40))
def test_asked_in_any_order_each_entry_is_there_or_not(there, asked, days_at_once):
    ledger = Ledger([entry(*key) for key in sorted(there)])
    found = DayEntries(ledger.read, SPAN, days_at_once)
    for key in asked:
        name = str(StationDay(*key))
        assert (name in found) == (key in there)
        assert found.get(name) == (entry(*key) if key in there else None)
    assert set(found) == {e.key for e in ledger.there}
    assert len(found) == len(there)


@given(days_at_once=st.integers(1, 40))
def test_a_walk_from_day_to_day_reads_each_day_once(days_at_once):
    ledger = Ledger([entry(station, day) for station in "ABC" for day in DAYS])
    found = DayEntries(ledger.read, SPAN, days_at_once)
    for day in DAYS:
        for near in (day, day - timedelta(days=1)):  # as blocks do, which reach back
            assert found.get(str(StationDay("A", near))) == (
                entry("A", near) if near in DAYS else None
            )
    assert len(ledger.readings) == len(set(ledger.readings))
    assert sum(1 for span in ledger.readings for _ in span.days()) <= 31 + 2 * days_at_once


def test_a_store_is_asked_for_the_campaign_and_what_it_reaches(tmp_path):
    span = Span(day_start(DAYS[10]), day_start(DAYS[12]))
    campaign = tiny_network.bare_campaign(span)
    store = ParquetStore(tmp_path, create=True)
    run, associator = campaign.run.digest, campaign.design.digest
    for day in DAYS:
        name = campaign.pick_names[0]
        store.mark([StationDayEntry(run, str(StationDay(name, day)), Status.DONE, "g", 1)])
        store.mark([StationDayEntry("other", f"{name}/x", Status.DONE, "g", 1)])
        block = f"{day.isoformat()}T00:00:00.000000Z"
        store.mark([BlockEntry(associator, block, Status.DONE, "g", 1)])
    known = LedgerView.from_store(store, campaign)
    blocks = {key[:10] for key in known.blocks}
    assert {day.isoformat() for day in DAYS[9:13]} <= blocks
    assert len(blocks) < 8
    assert known.is_done(StationDay(campaign.pick_names[0], DAYS[10]), "nowhere", "sds")
    assert not known.is_done(StationDay(campaign.pick_names[1], DAYS[10]), "nowhere", "sds")
    assert all(found.design != "other" for found in known.picks.values())
    assert LedgerView.from_store(None, campaign) == LedgerView({}, {})


def test_days_without_data_are_settled_for_the_archive_and_layout_in_which_they_were_looked_for():
    key = StationDay("XX.A", FIRST)
    nothing = StationDayEntry("run", str(key), Status.NO_DATA, "g", 1, archive="here")
    known = LedgerView({str(key): replace(nothing, layout="sds")}, {})
    assert known.is_done(key, "here", "sds")
    assert not known.is_done(key, "here", "ncedc")
    assert not known.is_done(key, "there", "sds")
    assert LedgerView({str(key): nothing}, {}).is_done(
        key, "here", "ncedc"
    )  # by an earlier version
