from __future__ import annotations

import pytest

from epicat.model import Span
from epicat.store.invocations import Invocation, invocations, record_invocation
from epicat.store.parquet import ParquetStore

WHOLE = Invocation(
    run="r", associator="a", archive="/archive", layout="sds", extent="39/41/-125/-123",
    span=Span(1, 2), stations=("NC.KBG",), versions={"epicat": "1"}, python="3.11",
    machine="x86_64", access={"region": "eu-west-1", "endpoint": "", "signed": True},
)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return ParquetStore(tmp_path, create=True)


def test_invocations_come_back_numbered_in_the_order_of_time(store):
    assert invocations(store) == []
    for run in ("c", "a", "b"):
        record_invocation(store, Invocation(run))
    record_invocation(store, WHOLE)
    found = invocations(store)
    assert [i.run for i in found] == ["c", "a", "b", "r"]
    assert [i.number for i in found] == [1, 2, 3, 4]
    assert all(i.time.endswith("+00:00") for i in found)
    assert found[3].access == WHOLE.access
    assert {**WHOLE.to_record(), "number": 4, "time": found[3].time} == found[3].to_record()


def test_a_clock_that_was_set_back_changes_no_order(store):
    record_invocation(store, WHOLE)
    later = Invocation("late", time="1970-01-01T00:00:00+00:00", number=2)
    store.put_record("invocation", "19700101T000000Z-0", later.to_record())
    assert [i.run for i in invocations(store)] == ["r", "late"]


def test_records_of_earlier_versions_and_of_the_tutorial_are_read():
    old = {"time": "2020-01-01T00:00:00", "run": "r", "associator": "", "extent": "", "archive": ""}
    found = Invocation.from_record(old)
    assert (found.run, found.stations, found.number, found.layout) == ("r", None, 0, "")
    assert found.span == Span(0, 0)
