"""A submission from where SeisBench cannot be imported: a job compiles the model, by SeisBench.

Waveforms are real, jobs and commands are processes, AWS is on this machine.  Neither the workers
nor the person's machine can import SeisBench or PyTorch.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from awsbed import Image
from epicat.cli.app import main
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.tables import TABLES
from support import s3

SRC = Path(__file__).resolve().parents[2] / "src"
NAME = ("--name", "real")
ARCHIVE = "s3://holuhraun/sds"

# Python imports it at its start
WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("seisbench", "torch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
"""


@pytest.fixture(scope="module")
def archive(realdata, tmp_path_factory):
    """Give the waveforms as an archive in SDS: each file is of one channel and day."""
    folder = tmp_path_factory.mktemp("holuhraun")
    for source in (realdata / "holuhraun" / "waveforms").iterdir():
        network, station, location, channel = source.name.partition("__")[0].split(".")
        place = folder / "sds" / "2014" / network / station / f"{channel}.D"
        place.mkdir(parents=True, exist_ok=True)
        name = f"{network}.{station}.{location}.{channel}.D.2014.236"
        shutil.copyfile(source, place / name)
    return folder


@pytest.fixture(scope="module")
def words(realdata):
    """Return what both ``epicat run`` and ``epicat submit`` take."""
    data = realdata / "holuhraun"
    return [
        "2014-08-24", "2014-08-25", "64.4,65.3,-17.6,-15.9",
        "--stations", str(data / "stations.csv"),
        "--layout", "sds", "--select", "*.DY*",
        "--model", "PhaseNetLight", "--weight", "ethz",
    ]  # fmt: skip


@pytest.fixture
def without(bed, tmp_path):
    """Return the environment of a machine that has no SeisBench, no weights and empty caches."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    return {
        **bed.variables(), "PATH": os.environ["PATH"], "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join((str(tmp_path), str(SRC))), "OMP_NUM_THREADS": "1",
        "EPICAT_CACHE": str(tmp_path / "cache"), "SEISBENCH_CACHE_ROOT": str(tmp_path / "none"),
    }  # fmt: skip


@pytest.fixture
def stack(bed, epicat, role, archive, without, seisbench_cache, tmp_path):
    epicat_command = [sys.executable, "-m", "epicat"]
    worker = {**without, "EPICAT_CACHE": str(tmp_path / "workers")}
    compiler = {
        **worker, "PYTHONPATH": str(SRC), "SEISBENCH_CACHE_ROOT": str(seisbench_cache),
        "EPICAT_CACHE": str(tmp_path / "compiler"),
    }  # fmt: skip
    bed.batch.images["epicat:real"] = Image(epicat_command, worker)
    bed.batch.images["epicat:real-compile"] = Image(epicat_command, compiler)
    up = epicat(
        "cloud", "up", *NAME, "--image", "epicat:real", "--compile-image", "epicat:real-compile",
        "--service-role", role, "--json",
    )  # fmt: skip
    assert up.code == 0, up.err
    if up.json["change"] == "created":
        files = {
            path.relative_to(archive).as_posix(): path.read_bytes()
            for path in archive.rglob("*") if path.is_file()
        }  # fmt: skip
        s3.Server(bed.endpoint, bed.client("s3", "us-east-1")).make("holuhraun", files)
    return up.json["outputs"]


def submit(environment, *words):
    """Submit from a process of its own."""
    command = [sys.executable, "-m", "epicat", "submit", *words, *NAME, "--archive", ARCHIVE]
    return subprocess.run(
        [*command, "--json"], env=environment, capture_output=True, text=True, check=False
    )


def tables_of(store):
    opened = open_store(store)
    return {table: opened.read(table, Where()) for table in TABLES}


def test_a_job_compiles_and_the_catalog_is_that_of_one_run(
    bed, epicat, stack, archive, words, without, tmp_path
):
    pytest.importorskip("seisbench")
    done = submit(without, *words)
    assert done.returncode == 0, done.stderr
    assert "compiling model PhaseNetLight ethz in job" in done.stderr
    assert "the job is compiling" in done.stderr
    bed.batch.finish(300)
    told = json.loads(done.stdout)
    assert {bed.batch.jobs[job["id"]].status for job in told["jobs"]} == {"SUCCEEDED"}

    local = tmp_path / "store"
    run = ["run", *words, "--archive", str(archive / "sds"), "--store", str(local)]
    with pytest.raises(SystemExit) as left:
        main([*run, "--workers", "1"])
    assert left.value.code == 0
    expected = tables_of(str(local))
    assert expected["picks"].num_rows > 10
    assert tables_of(told["store"]) == expected

    jobs = len(bed.batch.jobs)
    again = submit(without, *words)
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stderr
    assert len(bed.batch.jobs) == jobs
