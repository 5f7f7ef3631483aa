"""The Python recipes of the documentation run, in order, on the catalog of `epicat demo`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from epicat.catalog.catalog import open_catalog
from epicat.cli.app import main

PROJECT = Path(__file__).resolve().parent.parent
PAGE = PROJECT / "docs" / "howto" / "recipes.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder in which `epicat demo` has run."""
    place = tmp_path_factory.mktemp("recipes")
    with pytest.raises(SystemExit) as left:
        main(["demo", str(place / "epicat-demo")])
    assert left.value.code == 0
    return place


def test_the_recipes_run(folder, monkeypatch):
    for extra in ("obspy", "pandas", "duckdb"):
        pytest.importorskip(extra)
    scripts = Path(sys.executable).parent
    monkeypatch.setenv("PATH", os.pathsep.join([str(scripts), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT / "src"))
    monkeypatch.chdir(folder)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert len(blocks) > 6
    assert names["by_hour"].sum() == len(names["good"]) <= len(names["same"])
    assert set(names["used"]["pick_id"]) == set(names["catalog"].arrivals()["pick_id"].to_pylist())
    assert len(names["deepest"]) == 3
    assert len(names["quakeml"]) == len(names["same"])
    assert len(names["unused"]) + names["used"]["pick_id"].nunique() == names["counts"]["n"].sum()


def test_the_queries_of_a_database_run(folder, mongo, monkeypatch):
    """Those of docs/howto/mongodb.md, on the demo's catalog in a database."""
    address = mongo.url("tutorial")
    monkeypatch.setenv("EPICAT_STORE", address)
    with pytest.raises(SystemExit) as left:
        main(["copy", "--from", str(folder / "epicat-demo" / "catalog"), "--to", address])
    assert left.value.code == 0
    page = (PROJECT / "docs" / "howto" / "mongodb.md").read_text()
    block = re.search(r"^```python\n(.*?)^```", page, re.M | re.S)[1]
    names: dict[str, object] = {}
    exec(compile(block, str(PAGE), "exec"), names)
    assert len(list(names["events"])) > 0


def test_a_table_of_a_store_holds_more_than_one_catalog(folder):
    pd = pytest.importorskip("pandas")
    campaign, store = folder / "epicat-demo" / "campaign.toml", folder / "epicat-demo" / "catalog"
    rows = len(pd.read_parquet(store / "picks"))
    assert rows == open_catalog(store).picks().num_rows
    with pytest.raises(SystemExit):
        main(["run", str(campaign), "--p-threshold", "0.5"])
    assert len(pd.read_parquet(store / "picks")) > rows > open_catalog(store).picks().num_rows
