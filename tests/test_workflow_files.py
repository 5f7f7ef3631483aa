"""Workflow files of the examples: other engines run `epicat work`, and the catalog is the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from epicat.store.parquet import ParquetStore
from epicat.testing.executor_contract import tables_of
from support.network_fixtures import undisturbed_catalog, written_network
from support.tiny_network import arguments, truths

EXAMPLES = Path(__file__).parent.parent / "examples"
EVENTS = truths([-300, -1.0, 60.5])
EPICAT = [sys.executable, "-m", "epicat"]


network = written_network(EVENTS)
expected = undisturbed_catalog(len(EVENTS))


@pytest.fixture
def planned(network, tmp_path):
    """Give the folder of a plan, and its store."""
    words = arguments(network, tmp_path / "store", "--stations-per-unit", "3")
    command = [*EPICAT, "plan", *words, "--to", str(tmp_path / "plan")]
    subprocess.run(command, check=True, capture_output=True)
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 2
    assert "has a plan already" in again.stderr
    return tmp_path / "plan", ParquetStore(tmp_path / "store")


def test_a_written_plan_names_arrays_and_what_they_need(planned):
    folder, store = planned
    assert json.loads((folder / "arrays.json").read_text()) == {
        "arrays": [
            {"name": "pick-0000", "stage": "pick", "units": 3, "needs": []},
            {"name": "associate-0000", "stage": "associate", "units": 1, "needs": ["pick-0000"]},
        ]
    }
    assert {path.name for path in folder.iterdir()} >= {"campaign.json", "pick-0000.units"}
    assert store.ledger() == []


def script_blocks():
    """Return the script of each process of main.nf."""
    text = (EXAMPLES / "main.nf").read_text()
    return dict(re.findall(r'process (\w+) \{.*?script:\s+"""\s+(.*?)\s+"""', text, re.DOTALL))


def test_the_script_blocks_of_nextflow_make_the_same_catalog(planned, expected, tmp_path):
    """Nextflow is not here: what it would fill in is filled in, and bash runs the result."""
    folder, store = planned
    blocks = script_blocks()
    assert list(blocks) == ["PICK", "ASSOCIATE"]
    for process, stage in (("PICK", "pick"), ("ASSOCIATE", "associate")):
        arrays = json.loads((folder / "arrays.json").read_text())["arrays"]
        for array in (array for array in arrays if array["stage"] == stage):
            for index in range(array["units"]):
                values = {
                    "params.epicat": " ".join(EPICAT), "params.plan": str(folder),
                    "params.tries": "3", "name": array["name"], "index": str(index),
                    "task.attempt": "1", "task.cpus": "1",
                }  # fmt: skip
                script = re.sub(r"\$\{([\w.]+)\}", lambda m, v=values: v[m[1]], blocks[process])
                assert "$" not in script
                subprocess.run(["bash", "-ue", "-c", script], check=True, cwd=tmp_path)
    assert tables_of(store) == expected


def test_the_processes_of_nextflow_are_the_stages_of_a_plan():
    text = (EXAMPLES / "main.nf").read_text()
    assert "NOT RUN" in text.partition("import")[0]
    config = (EXAMPLES / "nextflow.config").read_text()
    assert re.findall(r"process\.executor\s+= '(\w+)'", config) == ["local", "slurm", "awsbatch"]
    assert set(re.findall(r"units\('(\w+)'\)", text)) == {"pick", "associate"}


def test_snakemake_makes_the_same_catalog(planned, expected, tmp_path):
    snakemake = os.environ.get("EPICAT_SNAKEMAKE") or shutil.which("snakemake")
    if snakemake is None:
        if os.environ.get("EPICAT_REQUIRE_SNAKEMAKE", "0") not in {"", "0"}:
            pytest.fail("no snakemake, and EPICAT_REQUIRE_SNAKEMAKE asks for it", pytrace=False)
        pytest.skip("needs Snakemake: .ci/snakemake installs it")
    folder, store = planned
    command = [
        snakemake, "--snakefile", str(EXAMPLES / "Snakefile"), "--cores", "2", "--quiet", "all",
        "--config", f"plan={folder}", f"epicat={' '.join(EPICAT)}",
    ]  # fmt: skip
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **home}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert tables_of(store) == expected
    assert len(list((folder / "done").iterdir())) == 4
