"""``python -m benchmarks.engines [FOLDER]``: one campaign on every engine that is here.

The demo and a synthetic week of twelve stations, on a pool of processes, Dask, SLURM, Snakemake
(``EPICAT_SNAKEMAKE`` names its command) and a stand-in for AWS Batch: seconds, and whether the
catalogs are equal row by row, ids included.  SLURM needs root and its packages (.ci/slurm).

A folder keeps the archive and the first catalog, so that engines can be run one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pyarrow as pa

from benchmarks.engine_case import (
    EPICAT,
    PROJECT,
    Case,
    demo,
    difference,
    epicat,
    synthetic,
    tables_of,
)

_WORKERS = "2"
_UNITS = ("--stations-per-unit", "6")
"""So that a window keeps both cores busy."""
_NAME = ("--name", "engines")

Run = Callable[[Case, Path], str]
"""Runs a campaign in an empty folder; returns the location of its store."""


def _pool(case: Case, folder: Path) -> str:
    return _run(case, folder)


def _dask(case: Case, folder: Path) -> str:
    return _run(case, folder, "--executor", "dask")


def _run(case: Case, folder: Path, *more: str) -> str:
    store = str(folder / "store")
    epicat("run", str(case.file), "--store", store, "--workers", _WORKERS, *more)
    return store


def _snakemake(case: Case, folder: Path) -> str:
    store, plan = str(folder / "store"), str(folder / "plan")
    epicat("plan", str(case.file), "--store", store, "--to", plan, *_UNITS)
    subprocess.run(
        [_snakemake_command(), "--snakefile", str(PROJECT / "examples" / "Snakefile"), "--cores",
         _WORKERS, "--quiet", "all", "--config", f"plan={plan}", f"epicat={' '.join(EPICAT)}"],
        cwd=folder, env={**os.environ, "HOME": str(folder)}, check=True, capture_output=True,
    )  # fmt: skip
    return store


def _snakemake_command() -> str:
    return os.environ.get("EPICAT_SNAKEMAKE") or shutil.which("snakemake") or ""


@contextmanager
def _slurm() -> Iterator[Run]:
    from support import slurm_cluster

    def run(case: Case, folder: Path) -> str:
        store, jobs = str(folder / "store"), ("--folder", str(folder / "jobs"))
        epicat(
            "submit", str(case.file), "--store", store, "--to", "slurm", *jobs, *_UNITS,
            "--at-once", _WORKERS, "--memory", "2000", more=cluster.environment,
        )  # fmt: skip
        watch = ("status", *jobs, "--watch", "--interval", "0.5")
        epicat(*watch, more=cluster.environment, accepted=(0, 1))  # 1: unreadable waveforms
        return store

    with (
        tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder,
        slurm_cluster.serving(Path(folder, "cluster")) as cluster,
    ):
        yield run


@contextmanager
def _batch() -> Iterator[Run]:
    from awsbed import Image, serving
    from support import s3

    def run(case: Case, _: Path) -> str:
        more = bed.variables()
        bucket = f"waveforms-{case.file.stem}"
        public = s3.Server(bed.endpoint, bed.client("s3", "us-east-1"))
        public.make(bucket, {})
        for path in sorted(path for path in case.archive.rglob("*") if path.is_file()):
            key = path.relative_to(case.archive).as_posix()
            public.client.put_object(
                Bucket=bucket, Key=key, Body=path.read_bytes(), ACL="public-read"
            )
        begin = time.monotonic()
        submitted = epicat(
            "submit", str(case.file), "--archive", f"s3://{bucket}", "--store",
            f"{place}{case.file.stem}", *_NAME, *_UNITS, "--json", more=more,
        )  # fmt: skip
        watch = ("status", *_NAME, "--watch", "--interval", "0.5")
        epicat(*watch, more=more, accepted=(0, 1))
        run_seconds.append(time.monotonic() - begin)
        os.environ.update(more)  # for whoever reads the store
        return str(json.loads(submitted)["store"])

    run_seconds = run.__dict__.setdefault("seconds", [])  # without the copy of the waveforms
    with tempfile.TemporaryDirectory() as folder, serving(slots=int(_WORKERS)) as bed:
        more = {**bed.variables(), "PYTHONPATH": str(PROJECT / "src"), "EPICAT_CACHE": folder}
        bed.batch.images["epicat:1"] = Image(list(EPICAT), more)
        roles = bed.client("iam")
        role = roles.create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        up = ("cloud", "up", *_NAME, "--image", "epicat:1", "--service-role", role)
        place = json.loads(epicat(*up, "--json", more=bed.variables()))["outputs"]["Place"]
        yield run


@contextmanager
def _plain(run: Run) -> Iterator[Run]:
    yield run


ENGINES = {
    "pool": lambda: _plain(_pool),
    "dask": lambda: _plain(_dask),
    "snakemake": lambda: _plain(_snakemake),
    "slurm": _slurm,
    "batch": _batch,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="keeps archive and first catalog")
    parser.add_argument("--only", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--cases", nargs="+", choices=("demo", "week"), default=["demo", "week"])
    parser.add_argument("--days", type=int, default=7, help="days of the week")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engines-") as folder:
        root = asked.folder or Path(folder)
        makers = {"demo": lambda: demo(Path(folder)), "week": lambda: synthetic(root, asked.days)}
        cases = [makers[name]() for name in asked.cases]
        print("| campaign | engine | seconds | times the pool | CPU s | catalog |")
        print("|---|---|---:|---:|---:|---|")
        for name in asked.only:
            with ENGINES[name]() as run:
                for case in cases:
                    expected = root / f"expected-{case.file.stem}"
                    _measure(name, run, case, Path(folder) / f"{name}-{case.file.stem}", expected)


def _measure(name: str, run: Run, case: Case, folder: Path, first: Path) -> None:
    folder.mkdir()
    os.environ["EPICAT_CACHE"] = str(folder / "cache")  # nothing is shared by engines
    begin, used = time.monotonic(), _children_cpu()
    store = run(case, folder)
    seconds, cpu = time.monotonic() - begin, _children_cpu() - used
    seconds = getattr(run, "seconds", [seconds])[-1]
    tables = tables_of(store)
    first_s, expected = _first(first, seconds, tables)
    counts = f"{tables['picks'].num_rows:,} picks, {tables['events'].num_rows:,} events"
    same = difference(tables, expected) or f"identical ({counts})"
    cpu_text = f"{cpu:.1f}" if name in ("pool", "dask", "snakemake") else ""
    print(
        f"| {case.title} | {name} | {seconds:.1f} | {seconds / first_s:.2f} | {cpu_text} | "
        f"{same} |",
        flush=True,
    )


def _first(
    folder: Path, seconds: float, tables: dict[str, pa.Table]
) -> tuple[float, dict[str, pa.Table]]:
    """Return the seconds and the tables of the engine that was run first; keep them."""
    if not folder.exists():
        folder.mkdir(parents=True)
        for table, rows in tables.items():
            with pa.ipc.new_file(folder / f"{table}.arrow", rows.schema) as file:
                file.write_table(rows)
        (folder / "seconds").write_text(str(seconds))
    kept = {table: pa.ipc.open_file(folder / f"{table}.arrow").read_all() for table in tables}
    return float((folder / "seconds").read_text()), kept


def _children_cpu() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
