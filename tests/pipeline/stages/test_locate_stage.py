"""Association locates its events, whatever the partition; ``--no-locate`` does not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from benchmarks.simulated_picks import Errors, simulate

from epicat.association.associate_options import AssociateOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import AssociationOptions, Partition
from epicat.campaign.resolve import resolve_association
from epicat.cli.app import main
from epicat.ledger import Stage, Status
from epicat.pipeline.plan import Unit
from epicat.pipeline.runner import make_plan
from epicat.pipeline.worker import Worker
from epicat.store.base import Store, Where
from epicat.store.open import open_store
from support.simulated_files import EXTENT, write_files

EVERY_NS = 1800 * 10**9


def epicat(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code == 0


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Give picks of 16 events in eight hours."""
    return write_case(tmp_path_factory.mktemp("files") / "a", 41, 20, EVERY_NS)


def write_case(folder: Path, seed: int, events: int, every_ns: int) -> Path:
    """Write the files of simulated events, and their true places."""
    folder.mkdir()
    case = simulate(seed, events=events, sensors=12, errors=Errors(wrong=0.02), least=14)
    write_files(folder, case, every_ns)
    np.save(folder / "true.npy", case.place_km)
    return folder


def associated(files: Path, store: Path, *more: object) -> dict:
    epicat("stations", "import", files / "stations.csv", "--store", store)
    epicat("picks", "import", files / "picks.csv", "--store", store)
    epicat("associate", "2024-02-29", "2024-03-01", EXTENT, "--store", store, "--velocity",
           files / "v.csv", "--workers", 1, *more)  # fmt: skip
    return {e.key: e for e in open_store(str(store)).ledger(Stage.LOCATE)}


def test_events_are_located_and_a_second_run_finds_them_done(files, tmp_path, capsys):
    entries = associated(files, tmp_path / "a")
    store = open_store(str(tmp_path / "a"))
    events, origins = store.read("events", Where()), store.read("origins", Where())
    assert events.num_rows >= 8
    assert set(origins["event_id"].to_pylist()) == set(events["event_id"].to_pylist())
    assert sum(e.n_rows for e in entries.values()) == origins.num_rows
    true = np.load(files / "true.npy")
    place = np.column_stack([origins[n].to_numpy() for n in ("x_km", "y_km")])
    apart = np.hypot(*(place[:, None] - true[None, :, :2]).transpose(2, 0, 1)).min(axis=1)
    assert np.median(apart) < 0.5
    capsys.readouterr()
    epicat("locate", "--store", tmp_path / "a", "--json")
    again = json.loads(capsys.readouterr().out)
    assert again["blocks"] == 0
    assert again["origins"] == origins.num_rows

    # The same in other windows, and after a run that did not locate.
    assert associated(files, tmp_path / "b", "--no-locate") == {}
    other = associated(files, tmp_path / "b", "--window-days", 1)
    assert {k: e.result for k, e in other.items()} == {k: e.result for k, e in entries.items()}
    theirs = open_store(str(tmp_path / "b")).read("origins", Where())
    assert theirs.equals(origins)


def campaign_of(files: Path, store: Store, block_hours: float) -> Campaign:
    options = AssociationOptions(
        start="2024-02-29", end="2024-03-01", extent=EXTENT, store=store.location,
        associate=AssociateOptions(block_hours=block_hours, velocity=str(files / "v.csv")),
    )  # fmt: skip
    return resolve_association(options, store, lambda _: None)


def one_by_one(files: Path, folder: Path, order: str) -> Store:
    """Associate and locate each block as a unit of its own, by two workers in turn."""
    epicat("stations", "import", files / "stations.csv", "--store", folder)
    epicat("picks", "import", files / "picks.csv", "--store", folder)
    store = open_store(str(folder))
    campaign = campaign_of(files, store, 0.05)
    unit = make_plan(campaign, Partition(), store, recheck=False).associating[0]
    keys = [key for key in unit.keys if key < "2024-02-29T00:30"]
    random.Random(order).shuffle(keys)
    workers = [Worker(campaign), Worker(campaign)]
    cut = 1 if order != "together" else len(keys)
    for i in range(0, len(keys), cut):
        workers[i % 2].work(Unit(Stage.ASSOCIATE, tuple(sorted(keys[i : i + cut]))))
    return store


def located(store: Store) -> tuple[pa.Table, pa.Table]:
    order = [("time", "ascending"), ("origin_id", "ascending"), ("pick_id", "ascending")]
    arrivals = store.read("origin_arrivals", Where()).sort_by(order)
    return store.read("origins", Where()), arrivals


def test_origins_are_the_same_to_the_last_bit_however_the_work_is_cut(tmp_path):
    """Events of neighbouring blocks compete for picks, whoever associates these and when."""
    files = write_case(tmp_path / "files", seed=43, events=70, every_ns=20 * 10**9)
    store = one_by_one(files, tmp_path / "together", "together")
    expected = located(store)
    times = expected[0]["time"].cast("int64").to_numpy()
    edge = times % (180 * 10**9)
    assert np.count_nonzero(np.minimum(edge, 180 * 10**9 - edge) < 20 * 10**9) >= 5
    picks = expected[1]["pick_id"].to_pylist()
    assert len(set(picks)) == len(picks)
    at_association = store.read("arrivals", Where())
    before = set(
        zip(*(at_association[n].to_pylist() for n in ("event_id", "pick_id")), strict=True)
    )
    now = set(zip(*(expected[1][n].to_pylist() for n in ("event_id", "pick_id")), strict=True))
    assert before - now
    added = {pick for _, pick in now - before}
    assert added == {r["pick_id"] for r in expected[1].to_pylist() if r["added"]}
    for order in ("one", "two"):
        found = located(one_by_one(files, tmp_path / order, order))
        for mine, theirs in zip(expected, found, strict=True):
            assert mine.equals(theirs), order


def without_places(store: Store, key: str) -> None:
    """Take the places from the events of a block."""
    block = next(e for e in store.ledger(Stage.ASSOCIATE) if e.key == key)
    events = store.read("events", Where())
    at = events.schema.get_field_index("x_km")
    bad = pc.if_else(pc.equal(events["key"], key), np.nan, events["x_km"])
    changed = events.set_column(at, events.schema.field(at), bad)
    store.replace("events", changed, block.generation)


def test_a_block_that_cannot_be_located_does_not_fail_those_located_with_it(files, tmp_path):
    folder, hourly = tmp_path / "a", ("--block-hours", 1)
    associated(files, folder, "--no-locate", *hourly)
    store = open_store(str(folder))
    first, *others = (e.key for e in store.ledger(Stage.ASSOCIATE) if e.n_rows)
    without_places(store, first)
    campaign = campaign_of(files, store, 1)
    unit = make_plan(campaign, Partition(), store, recheck=False).associating[0]
    with np.errstate(invalid="ignore"):
        Worker(campaign).work(unit)
    status = {e.key: e.status for e in store.ledger(Stage.LOCATE)}
    assert status[first] == Status.FAILED
    assert len(others) >= 3
    assert {status[key] for key in others} == {Status.DONE}
