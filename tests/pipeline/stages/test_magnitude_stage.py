"""Magnitudes of a store's events from its amplitudes: values, names, resumption, corrections."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.simulated_picks import Errors, simulate

from epicat.amplitude.envelope import encode_envelope
from epicat.amplitude.rows import AmplitudeFlag, Envelope, InstrumentAmplitudes, to_rows
from epicat.cli.app import main
from epicat.ledger import MeasureEntry, Stage, Status
from epicat.magnitude.laws import law_named
from epicat.model import StationDay, digest_of
from epicat.store.base import Where, magnitude_entries, new_generation, station_day_entries
from epicat.store.magnitudes import choose_magnitudes, stored_magnitudes
from epicat.store.open import open_store
from support.simulated_files import EXTENT, FIRST, write_files

EVERY_NS = 1800 * 10**9
STATIONS = 12
LAW = law_named("hutton-boore")
TRUTH = np.resize(np.linspace(0.4, 2.4, 9), 40)
NOISE = 10 ** np.linspace(-3.0, -2.2, STATIONS)


def epicat(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code == 0


@pytest.fixture(scope="module")
def case():
    return simulate(41, events=40, sensors=STATIONS, errors=Errors(wrong=0.0), least=14)


@pytest.fixture(scope="module")
def made(tmp_path_factory, case) -> Path:
    """Give a store with located events and amplitudes of known magnitudes."""
    folder = tmp_path_factory.mktemp("made")
    store = folder / "store"
    write_files(folder, case, EVERY_NS)
    epicat("stations", "import", folder / "stations.csv", "--store", store)
    epicat("picks", "import", folder / "picks.csv", "--store", store)
    epicat("associate", "2024-02-29", "2024-03-01", EXTENT, "--store", store, "--velocity",
           folder / "v.csv", "--workers", 1)  # fmt: skip
    add_amplitudes(str(store), case)
    return store


def add_amplitudes(location: str, case, louder: float = 0.0) -> str:
    """Write the amplitudes of all picks, and envelopes, as measuring the waveforms would."""
    store = open_store(location)
    entries = station_day_entries(store)
    run, design = entries[0].design, digest_of("amplitudes", entries[0].design)
    store.put_record("amplitude", design, {"run": run})
    picks = store.read("picks", Where(design=run))
    traces = np.array(picks["trace_id"].to_pylist())
    phases = np.array(picks["phase"].to_pylist())
    times = np.array(picks["time"].cast("int64").to_pylist())
    generation, marks = new_generation(), []
    amplitudes, envelopes = [], []
    for k in range(STATIONS):
        trace = f"XX.S{k:02d}."
        key = str(StationDay(f"XX.S{k:02d}", date(2024, 2, 29)))
        own = np.flatnonzero(traces == trace)
        event = _numbers(times[own])
        largest = _largest(case, k) * 10**louder
        measured = _instrument(trace, times[own], phases[own], largest[event], NOISE[k])
        rows = to_rows([(measured, _envelope(trace, largest, NOISE[k]))], design, key)
        amplitudes.append(rows[0])
        envelopes.append(rows[1])
        result = digest_of(*rows[0]["amplitude_id"].to_pylist())
        marks.append(
            MeasureEntry(
                design,
                key,
                Status.DONE,
                generation,
                _next_ns(store),
                result=result,
                n_instruments=1,
                n_amplitudes=len(own),
            )
        )
    store.replace("amplitudes", pa.concat_tables(amplitudes), generation)
    store.replace("envelopes", pa.concat_tables(envelopes), generation)
    store.mark(marks)
    return design


def _next_ns(store) -> int:
    return 1 + max((e.marked_ns for e in store.ledger(Stage.MEASURE)), default=0)


def _largest(case, station: int) -> np.ndarray:
    """Return the largest amplitude of each event at a station, in mm."""
    site = np.array([case.network.x_km[station], case.network.y_km[station],
                     case.network.depth_km[station]])  # fmt: skip
    distance = np.sqrt(((case.place_km - site) ** 2).sum(axis=1))
    scatter = np.random.default_rng(station).normal(0, 0.1, len(distance))
    return 10 ** (TRUTH[: len(distance)] + scatter - LAW.correction(distance))


def _instrument(trace, times, phases, largest, noise) -> InstrumentAmplitudes:
    n = len(times)
    amplitude = np.repeat(np.maximum(largest, noise)[:, None, None], 3, axis=1).repeat(3, axis=2)
    return InstrumentAmplitudes(
        trace, "HH", "ZNE", FIRST, times, tuple(phases), amplitude, np.full((n, 3, 3), 0.2),
        np.full((n, 3), noise), np.full((n, 3, 3), AmplitudeFlag.OK, np.uint8),
        np.zeros(n, np.int8), np.zeros(n),
    )  # fmt: skip


def _envelope(trace, largest, noise) -> Envelope:
    steps = np.full(8640, noise)
    for event, amplitude in enumerate(largest):
        first = event * EVERY_NS // 10**10
        steps[first : first + 4] = np.maximum(steps[first : first + 4], amplitude)
    values = encode_envelope(steps, np.zeros(8640, bool))
    return Envelope(trace, "HH", FIRST, 10, values, values)


def _errors(store, design: str | None = None) -> np.ndarray:
    rows = store.read("magnitudes", Where(design=design))
    events = _numbers(np.array(rows["time"].cast("int64").to_pylist()))
    return np.array(rows["value"].to_pylist()) - TRUTH[events]


def _numbers(times_ns: np.ndarray) -> np.ndarray:
    """Return the numbers of the events that times belong to: origins are within 1 s of a slot."""
    return (times_ns - FIRST + EVERY_NS // 2) // EVERY_NS


def test_magnitudes_of_located_events(made, capsys):
    epicat("magnitudes", "--store", made, "--law", "hutton-boore", "--name", "hb", "--json")
    summary = json.loads(capsys.readouterr().out)
    store = open_store(str(made))
    events = store.read("events", Where())
    assert summary["count"] >= 0.8 * events.num_rows
    assert summary["law"] == "hutton-boore"
    error = _errors(store, summary["magnitudes"])
    assert abs(np.median(error)) < 0.05
    assert np.median(np.abs(error - np.median(error))) < 0.05

    magnitudes = store.read("magnitudes", Where(design=summary["magnitudes"]))
    origins = set(store.read("origins", Where())["origin_id"].to_pylist())
    assert set(magnitudes["origin_id"].to_pylist()) <= origins
    stations = store.read("station_magnitudes", Where(design=summary["magnitudes"]))
    used = stations.to_pylist()
    for row in magnitudes.to_pylist():
        own = [s for s in used if s["magnitude_id"] == row["magnitude_id"]]
        assert row["n_used"] == sum(s["flag"] == "amplitude" for s in own)
        assert row["n_bounds"] == sum(s["flag"] in ("below noise", "no pick") for s in own)
        assert row["n_used"] >= 3
    assert {s["flag"] for s in used} <= {"amplitude", "below noise", "no pick", "outside range",
                                         "outlier"}  # fmt: skip


def test_a_second_time_nothing_is_due_and_new_amplitudes_are(made, case, tmp_path, capsys):
    epicat("copy", "--from", made, "--to", tmp_path / "copy")
    arguments = ("magnitudes", "--store", tmp_path / "copy", "--law", "hutton-boore", "--json")
    capsys.readouterr()
    epicat(*arguments)
    epicat(*arguments)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert second["blocks"] == 0
    assert second["count"] == first["count"]
    store = open_store(str(tmp_path / "copy"))
    before = _errors(store, first["magnitudes"])
    add_amplitudes(str(tmp_path / "copy"), case, louder=0.3)
    epicat(*arguments)
    third = json.loads(capsys.readouterr().out)
    assert third["magnitudes"] == first["magnitudes"]
    assert third["blocks"] > 0
    after = _errors(store, first["magnitudes"])
    assert np.median(after) - np.median(before) == pytest.approx(0.3, abs=0.02)


def test_results_stand_side_by_side_by_name(made, capsys):
    for law, name in (("iceland", "ice"), ("hutton-boore", "hb")):
        epicat("magnitudes", "--store", made, "--law", law, "--name", name)
    store = open_store(str(made))
    associator = store.read("events", Where())["design"][0].as_py()
    found = {name: one for one in stored_magnitudes(store, associator) for name in one.names}
    assert {name: one.law for name, one in found.items()} == {"ice": "iceland",
                                                              "hb": "hutton-boore"}  # fmt: skip
    assert choose_magnitudes(store, associator, "ice") == found["ice"].digest
    with pytest.raises(SystemExit) as left:
        main(["magnitudes", "--store", str(made), "--law", "uk", "--name", "ice"])
    assert left.value.code == 2
    assert "choose another name" in capsys.readouterr().err


def test_station_corrections_are_a_file_that_names_other_magnitudes(made, tmp_path, capsys):
    file = tmp_path / "corrections.json"
    epicat("magnitudes", "corrections", "--store", made, "--law", "hutton-boore", "-o", file)
    content = json.loads(file.read_text())
    assert len(content["stations"]) == STATIONS
    assert max(abs(row["correction"]) for row in content["stations"]) < 0.15
    capsys.readouterr()
    epicat("magnitudes", "--store", made, "--law", "hutton-boore", "--corrections", file, "--json")
    made_with = json.loads(capsys.readouterr().out)["magnitudes"]
    record = open_store(str(made)).records("magnitude")[made_with]
    assert record["corrections_digest"] == content["digest"]
    with pytest.raises(SystemExit) as left:
        main(["magnitudes", "--store", str(made), "--law", "uk", "--corrections", str(file)])
    assert left.value.code == 2


def test_a_kill_in_the_middle_loses_nothing(made, tmp_path) -> None:
    """Killed after its first block, the stage does the others, and its rows are the same."""
    for name in ("killed", "undisturbed"):
        epicat("copy", "--from", made, "--to", tmp_path / name)
    law = ("--law", "uk")
    epicat("magnitudes", "--store", tmp_path / "undisturbed", *law)
    killed = open_store(str(tmp_path / "killed"))
    before = len(magnitude_entries(killed))
    command = (sys.executable, "-m", "epicat", "magnitudes", "--store", tmp_path / "killed", *law)
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:  # fmt: skip
        while process.poll() is None and len(magnitude_entries(killed)) == before:
            pass
        process.kill()
    epicat("magnitudes", "--store", tmp_path / "killed", *law)
    ours, theirs = (_of_law(tmp_path / name, "uk") for name in ("killed", "undisturbed"))
    assert ours[0].num_rows > 0
    assert all(one.equals(other) for one, other in zip(ours, theirs, strict=True))
    epicat("doctor", "--store", tmp_path / "killed")


def _of_law(location: Path, law: str) -> list[pa.Table]:
    store = open_store(str(location))
    (design,) = (d for d, r in store.records("magnitude").items() if r["law"]["name"] == law)
    where = Where(design=design)
    return [store.read(table, where) for table in ("magnitudes", "station_magnitudes")]


def test_doctor_finds_nothing_wrong(made):
    epicat("magnitudes", "--store", made)
    epicat("doctor", "--store", made)
    entries = magnitude_entries(open_store(str(made)))
    assert all(entry.status == Status.DONE or not entry.n_rows for entry in entries)


def test_without_amplitudes_it_says_how_to_get_them(tmp_path, case, capsys):
    write_files(tmp_path, case, EVERY_NS)
    store = tmp_path / "store"
    epicat("stations", "import", tmp_path / "stations.csv", "--store", store)
    epicat("picks", "import", tmp_path / "picks.csv", "--store", store)
    epicat("associate", "2024-02-29", "2024-03-01", EXTENT, "--store", store, "--velocity",
           tmp_path / "v.csv", "--workers", 1)  # fmt: skip
    with pytest.raises(SystemExit) as left:
        main(["magnitudes", "--store", str(store)])
    assert left.value.code == 2
    assert "epicat magnitudes --measure" in capsys.readouterr().err
