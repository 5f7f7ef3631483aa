"""A small network with all kinds of trouble, through the command line."""

from __future__ import annotations

import csv
import html
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from epicat.catalog.catalog import open_catalog
from epicat.cli.app import main
from epicat.ledger import Flag, Stage, Status
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.table_rows import accepted
from epicat.tables import TABLES
from support.tiny_bundle import RATE
from support.tiny_network import (
    EXTENT,
    MIDNIGHT,
    arguments,
    stations,
    truths,
    write_network,
    write_sds,
)

LIMITS = [
    "--min-segment", 60, "--max-gap-share", 0.993, "--max-dead-share", 0.5,
    "--max-clipped-share", 0.05, "--max-picks-per-hour", 100, "--min-stations", 6,
    "--max-gap", 160, "--max-rms", 0.5,
]  # fmt: skip
SECONDS = [-600, -300, -1.0, 60.5, 400]


def trouble(channel: str, samples: np.ndarray) -> np.ndarray:
    """A little noise everywhere, a dead vertical, a clipped horizontal, a hammering vertical."""
    rng = np.random.default_rng(sum(map(ord, channel)))
    noisy = samples + rng.integers(-20, 21, len(samples))
    if channel == "ST01.HHZ":
        return np.full(len(samples), 7)
    if channel == "ST02.HHE":
        return np.clip(9000 * np.sin(np.arange(len(samples)) / 20), -6000, 6000)
    if channel == "ST03.HHZ":
        noisy[200:18_000:80] += 900  # until midnight
    if channel.startswith("ST07"):
        return np.zeros(len(samples))
    return noisy


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trouble")
    write_network(folder, truths(SECONDS), changed=trouble)
    _break_in_pieces(folder)
    return folder


def _break_in_pieces(folder):
    """ST05: on the first day 40 s pieces beside a whole one, on the second too little."""
    row = stations()[5]
    shutil.rmtree(folder / "sds" / "2020" / "XX" / row.code, ignore_errors=True)
    shutil.rmtree(folder / "sds" / "2019" / "XX" / row.code, ignore_errors=True)
    noise = np.random.default_rng(5).integers(-20, 21, 900 * RATE)
    for component in "ZNE":
        for begin_s, length_s in ((-900, 40), (-850, 40), (-800, 700), (60, 300), (400, 50)):
            part = noise[: length_s * RATE]
            write_sds(folder / "sds", row, f"HH{component}", part, MIDNIGHT + begin_s * 10**9)


def run(*given: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in given])
    return int(left.value.code or 0)


@pytest.fixture(scope="module")
def store(network):
    given = arguments(network, network / "store", *map(str, LIMITS), "--workers", "1")
    assert run("run", *given) == 0
    return ParquetStore(network / "store")


@pytest.fixture(scope="module")
def plain(network):
    assert run("run", *arguments(network, network / "plain", "--workers", "1")) == 0
    return ParquetStore(network / "plain")


@pytest.fixture(scope="module")
def entries(store):
    return {e.key: e for e in store.ledger(Stage.PICK)}


def test_a_dead_channel_is_missing(entries, plain):
    for day in ("2020.001", "2020.002"):
        entry = entries[f"XX.ST01/{day}"]
        assert (entry.channels, entry.flags) == ("00.HH[NE]", (Flag("dead channel", 1),))
        assert entry.reason == "00.HHZ is dead for 100 % of its time, more than 50 %"
        assert entry.status in (Status.DONE, Status.NO_PICKS)
    assert {e.channels for e in plain.ledger(Stage.PICK)} == {"00.HH[ZNE]"}


def test_a_clipped_channel_is_missing(entries):
    entry = entries["XX.ST02/2020.001"]
    assert (entry.channels, entry.flags) == ("00.HH[ZN]", (Flag("clipped channel", 1),))
    assert "00.HHE is clipped for " in entry.reason


def test_a_station_day_of_which_nothing_is_left_is_rejected(entries):
    entry = entries["XX.ST07/2020.001"]
    assert (entry.status, entry.n_picks) == (Status.REJECTED, 0)
    assert entry.flags == (Flag("dead channel", 3),)
    assert len(entry.objects) == 6


def test_short_segments_and_gappy_days_are_told(entries):
    first, second = (entries[f"XX.ST05/{day}"] for day in ("2020.001", "2020.002"))
    assert (first.status, first.flags) == (Status.NO_PICKS, (Flag("short segment", 2),))
    assert first.reason == "2 of 3 segments are shorter than 60 s (80.0 s in all)"
    assert second.status is Status.TOO_GAPPY
    assert second.flags == (Flag("gap share", 1), Flag("short segment", 1))
    assert second.reason.endswith("; gaps are 99.65 % of the day, more than 99.3 %")
    assert second.gaps == 3


def test_picks_of_a_crowded_hour_stay_and_take_no_part(store):
    picks = store.read("picks", Where()).to_pylist()
    crowd = {p["pick_id"] for p in picks
             if p["trace_id"] == "XX.ST03.00" and p["key"].endswith("2020.001")}  # fmt: skip
    assert len(crowd) > 200
    used = set(store.read("arrivals", Where())["pick_id"].to_pylist())
    assert not used & crowd
    assert used & {p["pick_id"] for p in picks if p["trace_id"] == "XX.ST03.00"} - crowd
    told = {e.key: e for e in store.ledger(Stage.ASSOCIATE) if e.reason}
    assert list(told) == ["2020-01-01T18:00:00.000000Z"]
    (entry,) = told.values()
    assert entry.reason == (f"XX.ST03.00 HH has {len(crowd)} picks in 2020-01-01T23, more than 100")
    assert Flag("pick rate", len(crowd)) in entry.flags


def test_rejected_events_stay_and_say_why(store):
    events = store.read("events", Where()).to_pylist()
    rejected = [e for e in events if e["rejected"]]
    assert 0 < len(rejected) < len(events)
    for event in events:
        bad = (event["gap_deg"] > 160, event["n_stations"] < 6, event["rms_s"] > 0.5)
        words = [w for w, failed in zip(("gap", "stations", "rms"), bad, strict=True) if failed]
        told = [text.split()[0] for text in (event["rejected"] or "").split("; ") if text]
        assert sorted(told) == sorted(words)
    entries = store.ledger(Stage.ASSOCIATE)
    assert sum(e.n_rejected for e in entries) == len(rejected)
    assert sum(e.n_events for e in entries) == len(events)


@pytest.mark.parametrize(
    "cut",
    [("--workers", "2", "--days-per-unit", "1", "--stations-per-unit", "3", "--window-days", "1"),
     ("--workers", "1", "--stations-per-unit", "8")],
)  # fmt: skip
def test_however_it_is_cut_the_same_is_left_out(network, store, tmp_path, cut):
    other = ParquetStore(tmp_path / "store", create=True)
    given = arguments(network, tmp_path / "store", *map(str, LIMITS), *cut)
    assert run("run", *given) == 0
    for table in TABLES:
        assert other.read(table, Where()).equals(store.read(table, Where())), table
    assert [timeless(e) for e in other.ledger()] == [timeless(e) for e in store.ledger()]


def timeless(entry):
    return replace(entry, generation="", marked_ns=0, seconds=0.0)


def test_limits_can_be_changed_without_picking_again(plain, tmp_path, capsys):
    copy = tmp_path / "store"
    shutil.copytree(plain.location, copy)
    given = ["2020-01-01", "2020-01-03", EXTENT, "--store", copy, "--workers", 1,
             "--p-velocity", 6.0, "--s-velocity", 3.4, "--pyocto", "n_picks=8"]  # fmt: skip
    assert run("associate", *given, "--max-gap", 130, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["station_days"] == {}
    assert (made["events"], made["rejected"], made["flags"]) == (5, 2, {"gap": 2})
    opened = ParquetStore(copy)
    assert opened.read("picks", Where()).equals(plain.read("picks", Where()))
    assert len({e.design for e in opened.ledger(Stage.ASSOCIATE)}) == 2


def test_status_counts_by_reason(store, capsys):
    assert run("status", "--store", store.location, "--json") == 0
    designs = {d["stage"]: d for d in json.loads(capsys.readouterr().out)["designs"]}
    flags = designs["pick"]["flags"]
    assert flags == {
        "clipped channel": 2, "dead channel": 8, "gap share": 1, "short segment": 3,
    }  # fmt: skip
    assert designs["pick"]["quality"]["max_dead_share"] == 0.5
    associator = designs["associate"]
    assert (associator["found"], associator["rejected"]) == (5, 3)
    assert associator["flags"].items() >= {"gap": 1, "stations": 2}.items()
    assert run("status", "--store", store.location) == 0
    text = capsys.readouterr().out
    assert "clipped channel 2, dead channel 8, gap share 1, short segment 3" in text
    assert ", stations 2 (3 events rejected)" in text
    assert "XX.ST07/2020.001: rejected: 00.HHZ is dead" in text


def test_exports_leave_rejected_events_out_and_say_so(store, capsys):
    events = store.read("events", Where())
    good = accepted(events)["event_id"].to_pylist()
    bad = events.num_rows - len(good)
    for table in ("events", "arrivals"):
        assert run("export", "--store", store.location, "--table", table) == 0
        told = capsys.readouterr()
        rows = list(csv.DictReader(io.StringIO(told.out)))
        assert list(dict.fromkeys(r["event_id"] for r in rows)) == good
        assert f"{bad} events rejected by quality control are excluded" in told.err
        assert run("export", "--store", store.location, "--table", table, "--with-rejected") == 0
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert {r["event_id"] for r in rows} == set(events["event_id"].to_pylist())
    assert run("export", "--store", store.location, "--with-rejected") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [r["rejected"] for r in rows] == [t or "" for t in events["rejected"].to_pylist()]


def test_catalogs_leave_rejected_events_out_or_mark_them(store, capsys):
    events = store.read("events", Where())
    bad = [t for t in events["rejected"].to_pylist() if t]
    given = ("export", "--store", store.location, "--format")
    for form, mark in (("quakeml", "<event "), ("fdsn-text", "|epicat|epicat|")):
        assert run(*given, form) == 0
        told = capsys.readouterr()
        line = mark if form == "quakeml" else "|epicat|"
        assert told.out.count(line) in (n := events.num_rows - len(bad), 2 * n)
        assert f"{len(bad)} events rejected by quality control are excluded" in told.err
    assert run(*given, "quakeml", "--with-rejected") == 0
    text = capsys.readouterr().out
    assert text.count("<event ") == events.num_rows
    assert text.count("<evaluationStatus>rejected") == 2 * len(bad)  # both origins
    for why in bad:
        assert f"<text>Rejected: {html.escape(why)}</text>" in text
    assert run(*given, "fdsn-text", "--with-rejected") == 0
    assert f"cannot mark the {len(bad)} rejected events" in capsys.readouterr().err


def test_the_picture_leaves_rejected_events_out(store, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    events = store.read("events", Where())
    good = accepted(events).num_rows
    for given, shown in (((), good), (("--with-rejected",), events.num_rows)):
        assert run("plot", "--store", store.location, "-o", tmp_path / "e.png", *given) == 0
        assert f"{shown} events in" in capsys.readouterr().err


def test_questions_see_why(store, capsys):
    pytest.importorskip("duckdb")
    sql = "select count(*) n, count(rejected) bad from events"
    assert run("query", sql, "--store", store.location, "--json") == 0
    events = store.read("events", Where())
    bad = events.num_rows - accepted(events).num_rows
    assert json.loads(capsys.readouterr().out) == {"n": events.num_rows, "bad": bad}


def test_nothing_is_asked_unless_it_is_set(plain, capsys):
    entries = plain.ledger()
    assert not any(e.flags or e.reason or getattr(e, "n_rejected", 0) for e in entries)
    assert plain.read("events", Where())["rejected"].null_count == len(
        plain.read("events", Where())
    )
    assert run("status", "--store", plain.location) == 0
    assert "quality" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "told"),
    [(("--max-gap-share", 1.5), "quality.max_gap_share) is 1.5: it must be less than 1"),
     (("--min-segment", "inf"), "--min-segment (quality.min_segment) is"),
     (("--max-gap", 400), "associate.quality.max_gap) is 400.0: it must be less than 360"),
     (("--dead-range", 3), "dead_range has no effect without max_dead_share"),
     (("--min-stations", 9), "min_stations: 9, but there are 8 sites")],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused(network, tmp_path, capsys, given, told):
    assert run("plan", *arguments(network, tmp_path / "none", *map(str, given))) == 2
    assert told in capsys.readouterr().err


def test_parquet_of_the_events_is_what_the_csv_is(store, tmp_path):
    import pyarrow.parquet as pq

    given = ("export", "--store", store.location, "--format", "parquet", "-o")
    assert run(*given, tmp_path / "good.parquet") == 0
    assert run(*given, tmp_path / "all.parquet", "--with-rejected") == 0
    events = open_catalog(store.location).events(with_rejected=True)
    assert pq.read_table(tmp_path / "good.parquet").equals(accepted(events))
    assert pq.read_table(tmp_path / "all.parquet").equals(events)
    assert events.schema.field("rejected").type == pa.string()
