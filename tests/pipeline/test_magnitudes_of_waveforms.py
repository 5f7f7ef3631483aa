"""From waveforms to magnitudes by the command line, against the true magnitudes of an archive."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from epicat.cli.app import main
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.time import SECOND_NS, parse_time

EXTENT = "39.5,40.5,-124.7,-123.3"


def epicat(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code == 0


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "archive"
    epicat("synth", folder, "--hours", 0.5, "--seed", 77, "--events", 12, "--separation", 120,
           "--station-count", 9, "--radius", 30, "--min-magnitude", 1.3,
           "--faults", "gaps,dead")  # fmt: skip
    return folder


def run(archive: Path, store: Path, *more: object) -> None:
    epicat("run", "2024.061", "2024.062", EXTENT, "--archive", archive / "waveforms",
           "--layout", "sds", "--stations", archive / "stations.xml", "--velocity",
           archive / "velocity.txt", "--velocity-layers", "constant", "--model", "epicat-mini",
           "--law", "hutton-boore", "--store", store, *more)  # fmt: skip


@pytest.fixture(scope="module")
def store(archive) -> Path:
    store = archive.parent / "store"
    run(archive, store, "--workers", 2)
    return store


def rows(store: Path, table: str) -> pa.Table:
    found = open_store(str(store)).read(table, Where())
    return found.sort_by([(name, "ascending") for name in (found.schema.names[0], "time")])


def true_magnitudes(archive: Path) -> list[tuple[int, float]]:
    with (archive / "truth" / "events.csv").open() as file:
        return [(parse_time(r["time"]), float(r["ml"])) for r in csv.DictReader(file) if r["ml"]]


def test_magnitudes_are_those_of_the_archive(archive, store, tmp_path) -> None:
    epicat("export", "--store", store, "-o", tmp_path / "events.csv")
    with (tmp_path / "events.csv").open() as file:
        found = [(parse_time(r["time"]), r["magnitude"], r["magnitude_type"], r["magnitude_error"])
                 for r in csv.DictReader(file)]  # fmt: skip
    truth = true_magnitudes(archive)
    errors, expected = [], []
    for time_ns, magnitude, kind, error in found:
        near = [ml for at, ml in truth if abs(at - time_ns) < 2 * SECOND_NS]
        if near and magnitude:
            assert kind == "ML"
            errors.append(float(magnitude) - near[0])
            expected.append(float(error))
    assert len(errors) >= 0.8 * len(found) >= 6
    assert abs(np.median(errors)) < 0.1
    assert np.median(np.abs(errors)) < 0.12
    assert np.max(np.abs(errors) / expected) < 4


def test_the_partition_of_the_work_changes_no_magnitude(archive, store, tmp_path) -> None:
    run(archive, tmp_path / "other", "--workers", 1, "--stations-per-unit", 2)
    for table in ("amplitudes", "envelopes", "magnitudes", "station_magnitudes"):
        assert rows(tmp_path / "other", table).equals(rows(store, table)), table


def test_the_stage_alone_finds_nothing_left_to_do(store, capsys) -> None:
    expected = rows(store, "magnitudes")
    capsys.readouterr()
    epicat("magnitudes", "--store", store, "--law", "hutton-boore", "--json")
    again = json.loads(capsys.readouterr().out)
    assert (again["blocks"], again["count"]) == (0, expected.num_rows)


def test_a_store_picked_without_responses_is_measured_later(archive, store, tmp_path) -> None:
    """The archive is read again, for the same amplitudes."""
    later = tmp_path / "later"
    run(archive, later, "--workers", 2, "--no-amplitudes", "--no-magnitudes")
    assert not rows(later, "amplitudes").num_rows
    epicat("magnitudes", "--store", later, "--measure", "--responses", archive / "stations.xml",
           "--law", "hutton-boore")  # fmt: skip
    for table in ("magnitudes", "station_magnitudes"):
        names = [n for n in rows(store, table).schema.names if n in ("event_id", "value", "flag")]
        ours, theirs = (rows(one, table).select(names).to_pylist() for one in (later, store))
        assert sorted(map(str, ours)) == sorted(map(str, theirs)), table
