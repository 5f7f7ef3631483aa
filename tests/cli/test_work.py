"""A campaign that is done by jobs, one unit each, as a cloud runs them."""

from __future__ import annotations

import json

import pytest

from epicat._util.files import cache_folder
from epicat.campaign.options import Partition
from epicat.cli.app import main
from epicat.ledger import Stage, Status
from epicat.pipeline.jobs.submission import Submission
from epicat.pipeline.runner import make_plan, write_records
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.store.parquet import ParquetStore
from epicat.tables import TABLES
from support import s3
from support.network_fixtures import written_network
from support.tiny_network import arguments, settled, truths


def epicat(*given):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in given])
    return left.value.code


network = written_network(truths([-300, -1.0, 60.5]))


@pytest.fixture(scope="module")
def expected(network):
    assert epicat("run", *arguments(network, network / "store"), "--workers", 1) == 0
    store = ParquetStore(network / "store")
    return {table: store.read(table, Where()) for table in TABLES}


def submitted(network, store, location):
    """Write a submission as `epicat submit` does; return it with the numbers of units."""
    opened = open_store(store, create=True)
    campaign = settled(network, network / "unused").model_copy(update={"store": store})
    plan = make_plan(campaign, Partition(stations_per_unit=3), opened, recheck=False)
    write_records(campaign, opened)
    submission = Submission(location)
    submission.write_campaign(campaign)
    for name, units in (("pick", plan.picking), ("associate", plan.associating)):
        submission.write_units(name, units)
    return submission, [(n, i) for n in ("pick", "associate") for i in range(submission.count(n))]


def test_jobs_make_the_catalog_that_a_run_makes(
    network, expected, s3_server, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    place = s3_server.make("campaigns", {}, public=False)
    store = f"{place}/one/store"
    submission, jobs = submitted(network, store, f"{place}/one/submission")
    # Another machine has neither the picker in its cache nor the folder it came from.
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    assert len(jobs) == 4
    for name, index in jobs:
        monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", str(index))
        assert epicat("work", "--plan", f"{submission.location}/{name}.units") == 0
        told = json.loads(capsys.readouterr().out)
        assert not told["failures"]
        assert sum(told["statuses"].values()) == told["keys"]
    found = open_store(store)
    assert {table: found.read(table, Where()) for table in TABLES} == expected
    assert len(list(cache_folder("bundles").iterdir())) == 1
    # A job that is run again, as after an interruption, changes nothing.
    assert epicat("work", "--plan", f"{submission.location}/pick.units", "--index", 0) == 0
    assert found.read("picks", Where()) == expected["picks"]


def test_a_unit_that_fails_is_tried_again_and_at_last_recorded(network, tmp_path, capsys):
    store = str(tmp_path / "store")
    submission, _ = submitted(network, store, str(tmp_path / "submission"))
    (tmp_path / "store" / "picks").touch()  # where picks go is no folder
    given = ("work", "--plan", f"{submission.location}/pick.units", "--tries", 3)
    capsys.readouterr()
    for attempt in (1, 2):
        assert epicat(*given, "--attempt", attempt) == 75
        assert "cannot be written" in capsys.readouterr().err
        assert not open_store(store).ledger(Stage.PICK)
    assert epicat(*given, "--attempt", 3, "--strict") == 1
    capsys.readouterr()
    assert epicat(*given, "--attempt", 3) == 0
    told = json.loads(capsys.readouterr().out)
    assert "cannot be written" in told["failures"][0]
    entries = open_store(store).ledger(Stage.PICK)
    assert {entry.status for entry in entries} == {Status.FAILED}
    assert {entry.key for entry in entries} == set(submission.unit("pick", 0).keys)


def test_what_cannot_be_a_job_is_told(network, tmp_path, capsys):
    submission, _ = submitted(network, str(tmp_path / "store"), str(tmp_path / "submission"))
    manifest = f"{submission.location}/pick.units"
    for given, words in (
        ((manifest, "--index", 99), "index 99 is out of range: the manifest has units 0 to 2"),
        ((f"{submission.location}/none.units",), "there is no 'none.units' in submission"),
        ((str(tmp_path / "none" / "pick.units"),), "there is no 'pick.units' in submission"),
        (("pick.units",), "is not the location of a manifest, such as s3://"),
    ):
        capsys.readouterr()
        assert epicat("work", "--plan", *given) == 2
        assert words in " ".join(capsys.readouterr().err.split())
    (tmp_path / "submission" / "campaign.json").write_text("{}")
    assert epicat("work", "--plan", manifest) == 2
    assert "campaign.json cannot be read by this version" in capsys.readouterr().err


def test_a_place_that_cannot_be_reached_is_tried_again(monkeypatch, capsys):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    given = ("work", "--plan", "s3://nobody/at-home/pick.units", "--tries", 2)
    for attempt, code in ((1, 75), (2, 2)):
        assert epicat(*given, "--attempt", attempt) == code
        assert "cannot be reached" in " ".join(capsys.readouterr().err.split())
