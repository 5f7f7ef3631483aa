"""Names of runs and catalogs: defaults, given names, and what they choose, in every store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from epicat.catalog.overview import list_catalogs
from epicat.catalog.selection import select_results
from epicat.errors import InputError
from epicat.ledger import BlockEntry, StationDayEntry, Status
from epicat.store.base import Store, new_generation
from epicat.store.catalogs import choose_catalog, default_name, fitting_runs, name_catalog
from epicat.store.copy import copy_store
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.open import open_store
from support import s3

PHASENET = {"model": "PhaseNet", "weight": "original"}


def record(p: float | None = 0.3, s: float | None = 0.3, **more: Any) -> dict[str, Any]:
    return {"picker": PHASENET, "p_threshold": p, "s_threshold": s, **more}


def add(store: Store, run: str, associator: str = "", **settings: Any) -> None:
    """Add a run with a station-day, and its associator with a block."""
    store.put_record("run", run, settings.pop("record", record()))
    day = StationDayEntry(run, "NC.KBG/2019.172", Status.DONE, new_generation(), 1, n_picks=7)
    store.mark([day])
    if associator:
        store.put_record("associator", associator, {"run": run, **settings})
        key = "2019-06-21T00:00:00.000000Z"
        found = {"n_events": 5, "n_rejected": 2}
        store.mark([BlockEntry(associator, key, Status.DONE, new_generation(), 1, **found)])
    record_invocation(store, Invocation(run, associator))


@pytest.fixture(params=["parquet", "s3", "mongo"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        request.getfixturevalue("server")
        return open_store(f"s3://{s3.CATALOGS}/{tmp_path.name}", create=True)
    if request.param == "mongo":
        return open_store(request.getfixturevalue("mongo").url(f"n{tmp_path.name}"), create=True)
    return open_store(str(tmp_path / "store"), create=True)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (record(), "PhaseNet-original-0.3"),
        (record(0.3, 0.2), "PhaseNet-original-0.3-0.2"),
        (record(0.5, None), "PhaseNet-original-0.5"),
        (record(precision="bf16"), "PhaseNet-original-0.3-bf16"),
        (record(quality={"max_gaps": 5, "min_hours": None}), "PhaseNet-original-0.3-qc"),
        (record(quality={"max_gaps": None}), "PhaseNet-original-0.3"),
        ({"picker": {"model": "PhaseNet", "weight": "my weights/v 2.pt"}}, "PhaseNet-v-2.pt"),
        ({"imported": "/data/picks of 2019.csv"}, "picks-of-2019.csv"),
        ({}, ""),
    ],
)
def test_default_names(given, name):
    assert default_name(given) == name


def test_catalogs_that_differ_in_a_threshold_are_told_apart(store):
    add(store, "aaaa1", "bbbb1")
    add(store, "aaaa2", "bbbb2", record=record(0.2, 0.2))
    assert select_results(store).name == "PhaseNet-original-0.2"
    chosen = select_results(store, "PhaseNet-original-0.3")
    assert (chosen.run, chosen.associator, chosen.others) == ("aaaa1", "bbbb1", 1)
    assert select_results(store, "phasenet-original-0.3") == chosen
    assert select_results(store, "bbbb1") == select_results(store, "aaaa1") == chosen
    assert fitting_runs(store, "PhaseNet-original-0.2") == ["aaaa2"]
    with pytest.raises(InputError, match="several digests begin with 'aaaa'"):
        select_results(store, "aaaa")
    with pytest.raises(InputError, match=r"no run or catalog 'x'.*PhaseNet-original-0\.3 \(run"):
        select_results(store, "x")


def test_an_ambiguous_name_lists_the_candidates_and_how_they_differ(store):
    add(store, "aaaa1", "bbbb1", pyocto={"n_picks": 8})
    add(store, "aaaa1", "cccc1", pyocto={"n_picks": 9})
    assert select_results(store, "aaaa1").associator == "cccc1"
    with pytest.raises(InputError) as caught:
        select_results(store, "PhaseNet-original-0.3")
    _, first, second = str(caught.value).splitlines()
    assert "PhaseNet-original-0.3~bbbb" in first
    assert "pyocto.n_picks 8" in first
    assert "PhaseNet-original-0.3~cccc" in second
    assert select_results(store, "PhaseNet-original-0.3~bbbb").associator == "bbbb1"
    assert select_results(store, "PhaseNet-original-0.3~bbbb1").associator == "bbbb1"
    assert fitting_runs(store, "PhaseNet-original-0.3") == ["aaaa1"]


def test_given_names_take_precedence_and_stay(store):
    add(store, "aaaa1", "bbbb1")
    add(store, "aaaa2", "bbbb2", record=record(0.2, 0.2))
    name_catalog(store, "mine", "bbbb1")
    name_catalog(store, "mine", "bbbb1")
    assert select_results(store, "mine").associator == "bbbb1"
    assert select_results(store, "PhaseNet-original-0.3").associator == "bbbb1"
    for taken in ("mine", "PhaseNet-original-0.3"):
        with pytest.raises(InputError, match="is that of"):
            name_catalog(store, taken, "bbbb2")
    with pytest.raises(InputError, match="cannot be the name"):
        name_catalog(store, "a name", "bbbb2")


def test_a_named_import_keeps_its_name_when_it_is_associated(store):
    add(store, "aaaa1", record={"imported": "picks.csv"})
    assert select_results(store, "picks.csv").run == "aaaa1"
    name_catalog(store, "jma", "aaaa1")
    assert choose_catalog(store, "jma").label == "jma"
    add(store, "aaaa1", "bbbb1", record={"imported": "picks.csv"})
    assert choose_catalog(store, "jma").associator == "bbbb1"
    assert fitting_runs(store, "jma") == ["aaaa1"]


def test_the_overview_has_dates_and_counts_the_newest_first(tmp_path):
    store = open_store(str(tmp_path / "store"), create=True)
    assert list_catalogs(store.location) == []
    add(store, "aaaa1", "bbbb1")
    add(store, "aaaa2", record={"imported": "picks.csv"})
    second, first = list_catalogs(store.location)
    assert (first.name, first.picks, first.events, first.station_days) == (
        "PhaseNet-original-0.3", 7, 3, 1,
    )  # fmt: skip
    assert (first.first_day, first.last_day) == ("2019-06-21", "2019-06-21")
    assert (second.name, second.associator, second.events) == ("picks.csv", "", 0)


def test_names_are_copied(tmp_path, store):
    add(store, "aaaa1", "bbbb1")
    name_catalog(store, "mine", "bbbb1")
    other = open_store(str(tmp_path / "copy"), create=True)
    copy_store(store, other)
    assert select_results(other, "mine").associator == "bbbb1"


def test_a_store_of_a_run_without_a_record_has_digests_as_names(tmp_path):
    store = open_store(str(tmp_path / "store"), create=True)
    record_invocation(store, Invocation("aaaa1", "bbbb1"))
    assert select_results(store).name == "aaaa1"
