"""What an archive does not give: told, never taken for empty, and tried again by the next run."""

from __future__ import annotations

from pathlib import Path

import pytest

from epicat.archive.access import Access
from epicat.campaign.campaign import Campaign
from epicat.campaign.options import Partition
from epicat.errors import AwayError
from epicat.ledger import Stage, Status
from epicat.pipeline.executors import Serial
from epicat.pipeline.process_pool import Pool
from epicat.pipeline.runner import Summary, make_plan, run
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.store.parquet import ParquetStore
from support.tiny_network import settled, truths, write_network
from support.undisturbed import Silent, run_undisturbed

ROWS = Where()
NOBODY = Access(endpoint="http://127.0.0.1:1")


def done(campaign: Campaign) -> tuple[Summary, ParquetStore]:
    store = open_store(campaign.store, create=True)
    assert isinstance(store, ParquetStore)
    return run_undisturbed(campaign, store), store


def test_a_day_that_lacks_an_object_is_picked_again_when_that_can_be_had(tmp_path: Path) -> None:
    write_network(tmp_path, truths([-60, 60, 200]), around_s=300)
    _, right = done(settled(tmp_path, tmp_path / "right"))
    (gone,) = (tmp_path / "sds").rglob("*.ST03.00.HHZ.D.2020.002")
    body = gone.read_bytes()
    gone.unlink()
    gone.symlink_to("nowhere")
    campaign = settled(tmp_path, tmp_path / "store")

    made, store = done(campaign)
    lacking = [entry for entry in store.ledger(Stage.PICK) if entry.is_incomplete]
    assert [entry.key for entry in lacking] == ["XX.ST03/2020.001", "XX.ST03/2020.002"]
    assert {entry.status for entry in lacking} == {Status.DONE}
    assert all(gone.name in entry.reason for entry in lacking)
    assert (made.n_incomplete, made.has_failures) == (2, True)
    assert not store.read("picks", ROWS).equals(right.read("picks", ROWS))

    before = store.read("picks", ROWS)
    again, store = done(campaign)
    assert (again.n_incomplete, again.has_failures) == (2, True)
    assert store.read("picks", ROWS).equals(before)

    gone.unlink()
    gone.write_bytes(body)
    mended, store = done(campaign)
    assert (mended.n_incomplete, mended.has_failures, mended.station_days.total()) == (0, False, 2)
    for table in ("picks", "events", "arrivals"):
        assert store.read(table, ROWS).equals(right.read(table, ROWS))
    assert make_plan(campaign, Partition(), store, recheck=False).is_empty


def test_worse_trouble_leaves_what_there_is(tmp_path: Path) -> None:
    write_network(tmp_path, truths([60]), around_s=120)
    files = sorted((tmp_path / "sds").rglob("*.ST03.00.HH?.D.*"))
    first, *others = files
    bodies = [path.read_bytes() for path in files]
    campaign = settled(tmp_path, tmp_path / "store")
    _break(first)
    _, store = done(campaign)
    before = store.read("picks", ROWS)
    for path in others:
        _break(path)
    made, store = done(campaign)
    assert store.read("picks", ROWS).equals(before)
    assert (made.n_incomplete, made.has_failures) == (2, True)
    for path, body in zip(files, bodies, strict=True):
        path.unlink()
        path.write_bytes(body)
    made, store = done(campaign)
    assert (made.n_incomplete, made.has_failures) == (0, False)


def _break(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("executor", [Serial, lambda campaign: Pool(campaign, 1)])
def test_an_archive_that_is_gone_ends_the_run_and_nothing_is_noted(
    tmp_path: Path, executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPICAT_PATIENCE", "0.3")
    write_network(tmp_path, truths([60]), around_s=120)
    whole = settled(tmp_path, tmp_path / "store")
    campaign = whole.model_copy(update={"archive": "s3://gone", "access": NOBODY})
    store = open_store(campaign.store, create=True)
    plan = make_plan(campaign, Partition(), store, recheck=False)
    with pytest.raises(AwayError, match="connection refused"):
        run(campaign, plan, store, lambda: executor(campaign), Silent())
    assert not store.ledger()
