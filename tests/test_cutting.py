"""Real data whose clock is shifted so that events straddle a midnight, cut in several ways."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pymseed
import pytest

from epicat.campaign.options import CampaignOptions, Partition
from epicat.campaign.resolve import resolve
from epicat.cli.app import main
from epicat.ledger import Stage
from epicat.pipeline.runner import make_plan
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.tables import TABLES
from epicat.time import DAY_NS, SECOND_NS, day_of, parse_time
from faults.cuts import Cutting, done

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
            "--stations", realdata / "holuhraun" / "stations.csv",
            "--workers", workers, "--stations-per-unit", stations,
            "--days-per-unit", days, "--window-days", window, *more,
        )  # fmt: skip
        return ParquetStore(store)

    return do


def tables(store):
    return {name: store.read(name, Where()) for name in TABLES}


@pytest.fixture(scope="module")
def first(run, tmp_path_factory):
    """Give the store of a run whose units are as small as can be."""
    return run(tmp_path_factory.mktemp("stores") / "first", "files", (1, 1, 1, 1))


CUTS = {"some together": (2, 5, 2, 2), "all together": (2, 12, 1, 2)}


def test_events_straddle_midnight(first):
    found = tables(first)
    days = [key.rpartition("/")[2] for key in found["picks"]["key"].to_pylist()]
    assert min(days.count(day) for day in ("2014.235", "2014.236")) > 100
    picks = {row["pick_id"]: row["key"] for row in found["picks"].to_pylist()}
    used: dict[str, set[str]] = {}
    for row in found["arrivals"].to_pylist():
        used.setdefault(row["event_id"], set()).add(picks[row["pick_id"]].rpartition("/")[2])
    assert found["events"].num_rows > 15
    assert {"2014.235", "2014.236"} in used.values()


@pytest.mark.parametrize("name", CUTS)
def test_however_it_is_cut_picks_and_events_are_the_same(run, first, tmp_path, name):
    found, expected = tables(run(tmp_path / "store", "sds", CUTS[name])), tables(first)
    for table in TABLES:
        assert found[table].equals(expected[table]), table


def test_in_any_order_the_later_day_first_picks_and_events_are_the_same(
    archives, realdata, first, tmp_path
):
    """Unit by unit, in this process: two workers, dealt to at random."""
    options = CampaignOptions(
        start="2014-08-23", end="2014-08-25", extent="64.4,65.3,-17.6,-15.9",
        archive=str(archives / "sds"), layout="sds", store=str(tmp_path / "store"),
        stations=str(realdata / "holuhraun" / "stations.csv"),
    )  # fmt: skip
    cut = Partition(stations_per_unit=3, days_per_unit=1, window_days=1)
    how = Cutting(cut, invocations=((1, 2), (0, 1)), workers=2, order=5, again=Partition())
    campaign = resolve(options)
    store = done(campaign, how, tmp_path / "store")
    found, expected = tables(store), tables(first)
    for table in TABLES:
        assert found[table].equals(expected[table]), table
    assert make_plan(campaign, how.again, store, recheck=False).is_empty


def test_another_cut_of_what_is_done_does_nothing(run, first, capsys):
    before = first.ledger()
    capsys.readouterr()
    again = run(Path(first.location), "files", (2, 7, 2, 3), "--json")
    made = json.loads(capsys.readouterr().out)
    assert (made["station_days"], made["blocks"], made["picks"]) == ({}, {}, 0)
    assert again.ledger() == before
    assert len([e for e in before if e.stage == Stage.PICK]) == 24
