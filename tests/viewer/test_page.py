"""The page in a real browser: Debian's Chromium, driven by web/test/drive.mjs.

Skipped where Chromium, Node.js or ``web/node_modules`` (``cd web && npm ci``) are absent; with
``EPICAT_REQUIRE_BROWSER=1`` that is a failure.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epicat.catalog.catalog import open_catalog
from epicat.frequency_magnitude import frequency_magnitude
from epicat.ledger import ObjectRead
from epicat.model import StationDay
from epicat.store.base import station_day_entries
from epicat.store.open import open_store
from epicat.time import day_start
from epicat.viewer.report import write_report
from support.catalog_store import HOSTILE, RUN, Wanted, write_store
from support.tiny_network import write_mseed

WEB = Path(__file__).parents[2] / "web"
STATIONS = (HOSTILE, *(f"S{n:02d}" for n in range(15)))
OF_REPORTS = ("offline", "hostile", "brush", "form", "keyboard", "widths", "plain")


def _absent() -> str:
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(chromium).exists():
        return f"{chromium} is not installed"
    if not shutil.which("node"):
        return "Node.js is not installed"
    if not (WEB / "node_modules" / "playwright-core").is_dir():
        return "web/node_modules is absent: cd web && npm ci --ignore-scripts"
    return ""


if _absent() and not os.environ.get("EPICAT_REQUIRE_BROWSER"):
    pytest.skip(_absent(), allow_module_level=True)


def drive(case: str, address: str, folder: Path, limit_s: int = 120) -> str:
    done = subprocess.run(
        ["node", str(WEB / "test" / "drive.mjs"), case, address, str(folder)],
        check=False, capture_output=True, text=True, timeout=limit_s,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog") / "store"
    write_store(folder, Wanted(events=1500, days=40, stations=STATIONS, measured=True))
    return folder


@pytest.fixture(scope="module")
def report(store, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(open_catalog(store), path)
    return path


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """Give the address of `epicat view`, which is ended afterwards."""
    command = [sys.executable, "-m", "epicat", "view", "--store", str(store), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        try:
            yield next(m[0] for line in lines if (m := re.match(r"http://\S+", line)))
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(store):
    pytest.importorskip("starlette")
    with serving(store) as address:
        yield address


@pytest.mark.parametrize("case", OF_REPORTS)
def test_report(report, tmp_path, case):
    drive(case, report.as_uri(), tmp_path)


def test_fixed_depths_are_in_no_section_and_ellipses_are_tilted(tmp_path):
    wanted = Wanted(events=60, days=2, magnitudes=False, fixed=12)
    write_store(tmp_path / "store", wanted)
    write_report(open_catalog(tmp_path / "store"), tmp_path / "r.html")
    drive("depths", (tmp_path / "r.html").as_uri(), tmp_path)


@pytest.mark.parametrize("case", ["hostile", "brush", "early", "keyboard", "review"])
def test_server(server, tmp_path, case):
    entry = server if case == "review" else server.replace("/?token", "/?case=1&token")
    drive(case, entry, tmp_path)


def test_what_the_user_chose_stays_while_months_arrive(tmp_path):
    pytest.importorskip("starlette")
    write_store(tmp_path / "store", Wanted(events=45_000, days=60, readings=2))
    with serving(tmp_path / "store") as address:
        drive("months", address, tmp_path)


def test_exports_have_the_selection_and_the_numbers_of_python(report, store, tmp_path):
    drive("exports", report.as_uri(), tmp_path)
    events = open_catalog(store).events().to_pylist()
    chosen = {e["event_id"]: e for e in events if round(e["magnitude"], 2) >= 1}
    rows = list(csv.DictReader((tmp_path / "events.csv").open()))
    assert {row["event_id"] for row in rows} == set(chosen)
    for row in rows[:50]:
        event = chosen[row["event_id"]]
        assert float(row["latitude"]) == pytest.approx(event["latitude"], abs=6e-6)
        assert float(row["depth_km"]) == pytest.approx(event["depth_km"], abs=6e-4)
        assert row["quality"] == event["quality"]
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    numbers = statistics["magnitudes"]
    selected = [e["magnitude"] for e in events if statistics["events"] == len(events)
                or round(e["magnitude"], 2) >= 1]  # fmt: skip
    expected = frequency_magnitude([round(m, 2) for m in selected])
    assert numbers["completeness"] == pytest.approx(expected.completeness)
    assert numbers["b"]["b"] == pytest.approx(expected.b.b, rel=1e-6)
    assert numbers["b"]["error"] == pytest.approx(expected.b.error, rel=1e-6)
    assert numbers["b_positive"]["b"] == pytest.approx(expected.b_positive.b, rel=1e-6)
    assert numbers["b_positive"]["error"] == pytest.approx(expected.b_positive.error, rel=1e-6)


def test_a_server_has_the_numbers_and_exports_of_a_report(report, server, tmp_path):
    obspy = pytest.importorskip("obspy")
    statistics, found = {}, {}
    for name, address in (("report", report.as_uri()), ("server", server)):
        (tmp_path / name).mkdir()
        drive("exports", address, tmp_path / name)
        statistics[name] = json.loads((tmp_path / name / "statistics.json").read_text())
        found[name] = obspy.read_events(str(tmp_path / name / "events.xml"), format="QUAKEML")
    ours, theirs = statistics["report"].pop("residuals"), statistics["server"].pop("residuals")
    assert statistics["report"] == statistics["server"]
    for name in ("stations", "distances"):
        for one, other in zip(ours[name], theirs[name], strict=True):
            assert one.pop("spread") == pytest.approx(other.pop("spread"), abs=1e-6)
            assert one == other
    assert ours["phases"]["S"] == pytest.approx(theirs["phases"]["S"], abs=1e-6)
    by_id = [{e.resource_id.id.rpartition("/")[2]: e for e in found[n]} for n in found]
    assert set(by_id[0]) == set(by_id[1])
    for name, event in list(by_id[0].items())[:30]:
        other = by_id[1][name]
        times = [sorted(p.time.timestamp for p in one.picks) for one in (event, other)]
        assert times[0] == pytest.approx(times[1], rel=0, abs=2e-6)
        assert {(p.phase_hint, p.polarity) for p in event.picks} == {
            (p.phase_hint, p.polarity) for p in other.picks
        }


def test_exported_quakeml_is_read_by_obspy(report, tmp_path):
    obspy = pytest.importorskip("obspy")
    drive("exports", report.as_uri(), tmp_path)
    found = obspy.read_events(str(tmp_path / "events.xml"), format="QUAKEML")
    rows = list(csv.DictReader((tmp_path / "events.csv").open()))
    assert len(found) == len(rows)
    assert found[0].picks
    assert len(found[0].picks) == len(found[0].origins[0].arrivals)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("EPICAT_SLOW"), reason="measures frames: EPICAT_SLOW=1")
def test_a_million_events_move_at_thirty_frames_a_second(tmp_path):
    pytest.importorskip("starlette")
    write_store(tmp_path / "store", Wanted(events=1_000_000, days=900, readings=2))
    with serving(tmp_path / "store") as address:
        found = json.loads(drive("frames", address, tmp_path, 300))
    events = open_catalog(tmp_path / "store").events()
    low, high = (round(end * 1e6) for end in found["times"])
    microseconds = pc.divide(events["time"].cast(pa.int64()), 1000)
    inside = pc.and_(pc.greater_equal(microseconds, low), pc.less_equal(microseconds, high))
    assert found["total"] == events.num_rows
    assert found["events"] == pc.sum(inside).as_py() > 100_000
    print(json.dumps(found))


def write_waveforms(store: Path, folder: Path) -> None:
    """Give the days of a store noise of 100 Hz on the vertical component of each station."""
    rng = np.random.default_rng(2)
    opened = open_store(str(store))
    records: dict[int, np.ndarray] = {}
    marks = []
    folder.mkdir()
    for entry in station_day_entries(opened, RUN):
        station_day = StationDay.parse(entry.key)
        name, start = station_day.station.split(".")[1], day_start(station_day.day)
        if start not in records:
            path, samples = folder / "noise", rng.integers(-2000, 2000, 86_400 * 100)
            write_mseed(path, ("XX", "NAME", "00", "HHZ"), [(samples, start)], 100.0)
            records[start] = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 512).copy()
            path.unlink()
        records[start][:, 8:13] = np.frombuffer(name.ljust(5).encode(), np.uint8)
        key = f"{name}.HHZ.{start}"
        (folder / key).write_bytes(records[start].tobytes())
        marks.append(
            replace(
                entry, archive=str(folder), layout="files", objects=(ObjectRead(key, "etag"),),
                channels="00.HH[Z]", marked_ns=entry.marked_ns + 1,
            )
        )  # fmt: skip
    opened.mark(marks)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("EPICAT_SLOW"), reason="measures time: EPICAT_SLOW=1")
def test_an_event_at_thirty_stations_is_shown_within_two_seconds(tmp_path):
    pytest.importorskip("starlette")
    names = tuple(f"S{n:02d}" for n in range(30))
    write_store(tmp_path / "store", Wanted(events=20, days=1, readings=60, stations=names))
    write_waveforms(tmp_path / "store", tmp_path / "archive")
    with serving(tmp_path / "store") as address:
        print(drive("waveforms", address, tmp_path))
