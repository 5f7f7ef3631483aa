"""Which location of a store is preferred, and how locations are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from epicat.errors import InputError
from epicat.ledger import LocateEntry, Status
from epicat.store.base import new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.locations import (
    ASSOCIATION,
    choose_location,
    name_location,
    stored_locations,
)
from epicat.store.parquet import ParquetStore


def located(store: ParquetStore, digest: str, marked_ns: int, associator: str = "a") -> None:
    store.put_record("location", digest, {"associator": associator, "terms": ""})
    entry = LocateEntry(digest, f"2024-02-29T0{marked_ns}:00:00.000000Z", Status.DONE,
                        new_generation(), marked_ns, n_origins=3)  # fmt: skip
    store.mark([entry])


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store", create=True)


def test_nothing_is_located(store):
    assert stored_locations(store, "a") == []
    assert choose_location(store, "a") == choose_location(store, "") == ""
    store.put_record("location", "planned", {"associator": "a"})
    assert choose_location(store, "a") == ""


def test_the_campaigns_location_is_preferred_to_newer_ones(store):
    record_invocation(store, Invocation("r", "a", "first"))
    located(store, "first", 1)
    located(store, "second", 2)
    located(store, "elsewhere", 3, associator="b")
    assert choose_location(store, "a") == "first"
    assert [one.digest for one in stored_locations(store, "a")] == ["first", "second"]
    record_invocation(store, Invocation("r", "a"))  # --no-locate
    assert choose_location(store, "a") == "first"


def test_the_newest_is_preferred_if_the_campaign_has_none(store):
    record_invocation(store, Invocation("r", "a"))
    located(store, "first", 2)
    located(store, "second", 1)
    assert choose_location(store, "a") == "first"
    located(store, "second", 3)
    (best, _) = stored_locations(store, "a")
    assert (best.digest, best.n_blocks, best.n_origins) == ("second", 2, 6)


def test_names_and_digests_choose(store):
    located(store, "first", 1)
    located(store, "second", 2)
    name_location(store, "sec", "first")
    name_location(store, "with-terms", "second")
    assert choose_location(store, "a", "sec") == "first"  # names before digests
    assert choose_location(store, "a", "seco") == "second"
    assert choose_location(store, "a", "with-terms") == "second"
    assert choose_location(store, "a", ASSOCIATION) == ""
    with pytest.raises(InputError, match=r"no location 'third'.* with-terms \(second\)"):
        choose_location(store, "a", "third")


def test_a_name_is_of_one_location(store):
    located(store, "first", 1)
    located(store, "second", 2)
    name_location(store, "final", "first")
    name_location(store, "final", "first")
    with pytest.raises(InputError, match="choose another name"):
        name_location(store, "final", "second")
    for name in ("", "a/b", ASSOCIATION, "x" * 65):
        with pytest.raises(InputError, match="name of a location"):
            name_location(store, name, "second")
