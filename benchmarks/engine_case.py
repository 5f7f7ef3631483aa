"""Synthetic archives and campaigns that every engine runs, and the comparison of their catalogs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "tests"))  # the cluster and the AWS of the tests

EPICAT = (sys.executable, "-m", "epicat")
_EVENTS_A_DAY = 20
_CAMPAIGN = """\
start = "2024.061"
end = "2024.{end:03d}"
extent = "39.4,40.5,-124.8,-123.2"
archive = "{folder}/archive/waveforms"
layout = "sds"
stations = "{folder}/archive/stations.csv"
store = "unused"

[pick]
model = "epicat-mini"

[associate]
velocity = "{folder}/archive/velocity.txt"
"""


@dataclass(frozen=True)
class Case:
    """A campaign whose archive is in a folder."""

    title: str
    file: Path
    """The campaign file; engines give the store."""
    archive: Path
    """Waveforms in SDS."""


def demo(folder: Path) -> Case:
    """Make the archive of ``epicat demo``."""
    epicat("demo", str(folder / "demo"))
    return Case("demo", folder / "demo" / "campaign.toml", folder / "demo" / "archive/waveforms")


def synthetic(folder: Path, days: int = 7, stations: int = 12) -> Case:
    """Make an archive of some days; one that is there already is used again."""
    if not (folder / "archive" / "stations.csv").exists():
        epicat(
            "synth", str(folder / "archive"), "2024.061", f"2024.{61 + days:03d}",
            "--station-count", str(stations), "--events", str(days * _EVENTS_A_DAY), "--seed", "20",
        )  # fmt: skip
    file = folder / f"{days}-days.toml"
    file.write_text(_CAMPAIGN.format(folder=folder.absolute(), end=61 + days))
    title = f"{days} days of {stations} stations"
    return Case(title, file, folder / "archive" / "waveforms")


def epicat(
    *words: str, more: Mapping[str, str] | None = None, accepted: Sequence[int] = (0,)
) -> str:
    """Run a command; return its standard output, or end with what it printed."""
    command = [*EPICAT, *words]
    done = subprocess.run(
        command, env={**os.environ, **(more or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode not in accepted:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def tables_of(store: str) -> dict[str, pa.Table]:
    """Return the rows of a store."""
    from epicat.store.base import Where
    from epicat.store.open import open_store
    from epicat.tables import TABLES

    opened = open_store(store)
    return {table: opened.read(table, Where()) for table in TABLES}


def difference(found: Mapping[str, pa.Table], expected: Mapping[str, pa.Table]) -> str:
    """Return how catalogs differ: lost and doubled rows of each table; empty if they are equal."""
    words = []
    for name, table in expected.items():
        if not found[name].equals(table):
            rows, others = set(map(str, table.to_pylist())), found[name].to_pylist()
            seen = set(map(str, others))
            lost, doubled = len(rows - seen), len(others) - len(seen)
            words.append(f"{name}: {lost} lost, {doubled} doubled, {len(seen - rows)} others")
    return "; ".join(words)
