"""Real data whose clock is shifted so that events straddle a midnight, cut in several ways."""

from __future__ import annotations

import json

import numpy as np
import pymseed
import pytest

from epicat.cli.app import main
from epicat.clock import DAY_NS, SECOND_NS, day_of, parse_time
from epicat.model import Stage
from epicat.store.interface import Where
from epicat.store.parquet import ParquetStore
from epicat.tables import TABLES

MIDNIGHT = parse_time("2014-08-24")
SHIFT = 300 * SECOND_NS
"""00:05 becomes midnight: 4 minutes before it, 5 minutes after it."""


def epicat(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    assert left.value.code == 0


@pytest.fixture(scope="module")
def archives(realdata, tmp_path_factory):
    """Give the shifted waveforms as single files and as SDS day files."""
    root = tmp_path_factory.mktemp("shifted")
    (root / "files").mkdir()
    for path in sorted((realdata / "holuhraun" / "waveforms").glob("*.mseed")):
        with pymseed.MS3TraceList.from_file(path, unpack_data=True) as traces:
            for trace in traces:
                for segment in trace:
                    start = segment.starttime - SHIFT
                    samples = np.array(segment.np_datasamples)
                    part = (trace.sourceid, samples, start, segment.samprate)
                    write(root / "files" / path.name, *part)
                    write_days(root / "sds", *part)
    return root


def write(path, sourceid, samples, start_ns, rate):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pymseed.MS3TraceList() as traces:
        traces.add_data(sourceid, samples, "i", rate, starttime=start_ns)
        traces.to_file(path, format_version=2, max_record_length=512)


def write_days(root, sourceid, samples, start_ns, rate):
    net, sta, loc, cha = pymseed.sourceid2nslc(sourceid)
    while len(samples):
        midnight = (start_ns // DAY_NS + 1) * DAY_NS
        count = min(len(samples), int(np.ceil((midnight - start_ns) * rate / SECOND_NS)))
        name = f"{net}.{sta}.{loc}.{cha}.D.{day_of(start_ns):%Y.%j}"
        path = root / f"{day_of(start_ns):%Y}" / net / sta / f"{cha}.D" / name
        write(path, sourceid, samples[:count], start_ns, rate)
        samples, start_ns = samples[count:], start_ns + round(count * SECOND_NS / rate)


@pytest.fixture(scope="module")
def run(archives, realdata, seisbench_cache):
    pytest.importorskip("seisbench")

    def do(store, layout, cut, *more):
        workers, stations, days, window = cut
        epicat(
            "run", "2014-08-23", "2014-08-25", "64.4,65.3,-17.6,-15.9",
            "--archive", archives / layout, "--layout", layout, "--store", store,
            "--stations", realdata / "holuhraun" / "stations.csv", "--one-view",
            "--workers", workers, "--stations-per-unit", stations,
            "--days-per-unit", days, "--window-days", window, *more,
        )  # fmt: skip
        return ParquetStore(store)

    return do


def tables(store):
    return {name: store.read(name, Where()) for name in TABLES}


CUTS = {
    "one by one": ("files", (1, 1, 1, 1)),
    "some together": ("sds", (2, 5, 2, 2)),
    "all together": ("sds", (2, 12, 1, 2)),
}


@pytest.mark.usefixtures("realdata")
def test_however_it_is_cut_picks_and_events_are_the_same(run, tmp_path, capsys):
    stores = {n: run(tmp_path / n, layout, cut) for n, (layout, cut) in CUTS.items()}
    first = tables(stores["one by one"])
    days = [key.rpartition("/")[2] for key in first["picks"]["key"].to_pylist()]
    assert min(days.count(day) for day in ("2014.235", "2014.236")) > 100
    picks = {row["pick_id"]: row["key"] for row in first["picks"].to_pylist()}
    used: dict[str, set[str]] = {}
    for row in first["arrivals"].to_pylist():
        used.setdefault(row["event_id"], set()).add(picks[row["pick_id"]].rpartition("/")[2])
    assert first["events"].num_rows > 15
    assert {"2014.235", "2014.236"} in used.values(), "no event straddles midnight"
    for name, store in stores.items():
        found = tables(store)
        for table in TABLES:
            assert found[table].equals(first[table]), (name, table)

    capsys.readouterr()
    before = stores["one by one"].ledger()
    again = run(tmp_path / "one by one", "files", (2, 7, 2, 3), "--json")
    made = json.loads(capsys.readouterr().out)
    assert (made["station_days"], made["blocks"], made["picks"]) == ({}, {}, 0)
    assert again.ledger() == before
    assert len([e for e in before if e.stage == Stage.PICK]) == 24
