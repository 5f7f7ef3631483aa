from __future__ import annotations

import json
from pathlib import Path

import pytest

from epicat.cli.app import main
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from support.s3 import SECRET, url_of
from support.tiny_network import arguments, truths, write_network


def epicat(*given: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in given])
    assert left.value.code == 0


def test_worker_processes_write_the_same_into_a_bucket(server, tmp_path: Path, capsys):
    write_network(tmp_path, truths([-300, -1.0, 60.5]))
    places = {"folder": str(tmp_path / "store"), "bucket": url_of(tmp_path)}
    for place, workers in (("folder", 1), ("bucket", 2)):
        given = arguments(tmp_path, tmp_path / "unused", "--workers", workers)
        given[given.index("--store") + 1] = places[place]
        epicat("run", *given)
    folder, bucket = (open_store(place) for place in places.values())
    for table in TABLES:
        assert bucket.read(table, Where()) == folder.read(table, Where())
    assert bucket.read("events", Where()).num_rows == 3
    epicat("run", *given)
    assert "nothing to do" in capsys.readouterr().err
    epicat("compact", "--store", places["bucket"])
    capsys.readouterr()
    epicat("status", "--store", places["bucket"], "--json")
    told = capsys.readouterr().out
    assert json.loads(told)
    assert SECRET not in told
    exports = []
    for place in places.values():
        epicat("export", "--store", place)
        exports.append(capsys.readouterr().out)
    assert exports[0] == exports[1]
    assert exports[0].count("\n") == 4
