"""Whole runs into a database: the same catalog as in files, and no secret anywhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from epicat.campaign.campaign import Campaign
from epicat.cli.app import main
from epicat.store.base import Where
from epicat.store.mongo.address import secured
from epicat.store.open import open_store
from support.mongo_server import ENCODED, PASSWORD
from support.network_fixtures import written_network
from support.tiny_network import arguments, settled, truths

EVENTS = truths([-100, -60, 1, 90])


network = written_network(EVENTS, around_s=200)


def called(*given: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(given))
    return int(left.value.code or 0)


def test_a_run_gives_the_same_catalog_as_in_files(network, tmp_path, url, monkeypatch, capsys):
    monkeypatch.setenv("EPICAT_STORE", url)
    folder = str(tmp_path / "files")
    for place in ([], ["--store", folder]):
        given = arguments(network, tmp_path / "ignored")
        at = given.index("--store")
        given[at : at + 2] = place
        assert called("run", *given, "--workers", "2", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert first["events"] == len(EVENTS)
    for table in ("picks", "events", "arrivals", "origins", "origin_arrivals"):
        texts = []
        for place in ([], ["--store", folder]):
            assert called("export", "--table", table, "--columns", "all", *place) == 0
            texts.append(capsys.readouterr().out)
        assert texts[0] == texts[1]
        assert texts[0].count("\n") > 1
    rows = [open_store(place).read("picks", Where()) for place in (url, folder)]
    assert rows[0].equals(rows[1])
    assert called("run", *given, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["picks"] == 0


@pytest.mark.parametrize("way", ["variable", "command line", "file"])
def test_no_secret_is_told_or_kept(way, network, tmp_path, url, request):
    mongo, monkeypatch, capfd, caplog = map(
        request.getfixturevalue, ("mongo", "monkeypatch", "capfd", "caplog")
    )
    monkeypatch.setenv("EPICAT_CACHE", str(tmp_path / "cache"))
    caplog.set_level(logging.DEBUG)
    store = url
    if way == "variable":
        monkeypatch.setenv("EPICAT_STORE", url)
        store = url.replace(f":{ENCODED}@", "@")
    elif way == "file":
        (tmp_path / "address").write_text(f"{url}\n")
        store = f"@{tmp_path / 'address'}"
    given = arguments(network, tmp_path / "store")
    given[given.index("--store") + 1] = store
    assert called("plan", *given, "--json") == 0
    assert called("run", *given, "--workers", "1", "--json") == 0
    assert called("status", "--store", store) == 0
    assert called("copy", "--from", store, "--to", str(tmp_path / "copy"), "--json") == 0
    told = capfd.readouterr()
    (tmp_path / "address").unlink(missing_ok=True)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    with mongo.client() as client:
        database = client[urlsplit(url).path.strip("/")]
        names = database.list_collection_names()
        kept = [repr(list(database[name].find())) for name in names]
    assert len(files) > 5
    assert "sb_runs" in names
    for secret in (PASSWORD, ENCODED):
        assert secret not in told.out + told.err + caplog.text
        assert not any(secret in text for text in kept)
        assert not any(secret.encode() in data for data in files)
    assert ("can see a password" in told.err) == (way == "command line")


def test_what_travels_has_a_reference_and_no_secret(network, url, monkeypatch):
    monkeypatch.setenv("EPICAT_STORE", url)
    campaign = settled(network, Path("unused")).model_copy(update={"store": secured(url)})
    again = Campaign.model_validate_json(campaign.model_dump_json())
    assert again.store.endswith("#env:EPICAT_STORE")
    given = Campaign(**{**dict(campaign), "store": url})
    store = open_store(again.store, create=True)
    for shown in (repr(again), repr(given), given.store, repr(store), str(vars(store))):
        assert PASSWORD not in shown
        assert ENCODED not in shown
    assert store.location.startswith("mongodb://ana@127.0.0.1:")


def test_plan_export_plot_and_query_take_a_database(network, tmp_path, url, monkeypatch, capsys):
    monkeypatch.setenv("EPICAT_STORE", url)
    given = arguments(network, tmp_path)
    given[given.index("--store") : given.index("--store") + 2] = []
    assert called("plan", *given) == 0
    assert "16 station-days, 0 already done" in capsys.readouterr().err
    assert called("export") == 2
    assert "there is no store at 'mongodb://ana@" in capsys.readouterr().err
    assert called("run", *given, "--workers", "1") == 0
    capsys.readouterr()
    sql = "select count(*) n, min(month) m from picks join arrivals using (pick_id)"
    assert called("query", sql.replace("month", "picks.month"), "--json") == 0
    (answer,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert answer["m"] == "2020-01"
    assert answer["n"] == 2 * 8 * len(EVENTS)
    assert called("query", "select count(*) from runs", "--csv") == 0
    assert capsys.readouterr().out.splitlines()[1] == "1"
    assert called("plot", "-o", str(tmp_path / "events.png")) == 0
    assert (tmp_path / "events.png").stat().st_size > 1000
    assert called("export", "--format", "quakeml", "-o", str(tmp_path / "events.xml")) == 0
    assert called("compact") == 0
    assert "0 documents of 0 keys deleted" in capsys.readouterr().err
    assert called("status", "--collection", "another") == 2
    assert "/another'" in capsys.readouterr().err
