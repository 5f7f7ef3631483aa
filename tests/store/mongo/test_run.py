"""Whole runs into a database: the same catalog as in files, and no secret anywhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from epicat.cli.app import main
from epicat.config import Campaign
from epicat.store.interface import Where
from epicat.store.mongo.address import secured
from epicat.store.open import open_store
from epicat.tables import TABLES
from mongo_server import ENCODED, PASSWORD, MongoServer
from tiny_network import arguments, settled, truths, write_network

EVENTS = truths([-700, -420, -60, 1, 240, 600])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, EVENTS)
    return folder


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
    for table in TABLES:
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
