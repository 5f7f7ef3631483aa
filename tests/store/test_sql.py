from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from epicat.cli.app import main
from epicat.errors import InputError
from epicat.fs.local import LocalFiles
from epicat.fs.s3 import S3Files
from epicat.ledger import LocateEntry, MagnitudeEntry, Stage, Status
from epicat.located import (
    ADDED_BY_MAGNITUDES,
    BEST_EVENTS,
    events_at_best_places,
    events_with_magnitudes,
)
from epicat.model import Station
from epicat.store.base import Where
from epicat.store.compact import compact
from epicat.store.open import open_store
from epicat.store.parquet import ParquetStore
from epicat.store.sql import VIEWS, Designs, query
from epicat.table_rows import arrivals_table, events_table, picks_table, stations_table
from epicat.tables import MAGNITUDES, ORIGINS
from epicat.testing.store_contract import entry_of, event_at, pick_at
from epicat.time import DAY_NS, parse_time
from support.located_catalog import LOCATION, locate
from support.s3 import url_of

pytest.importorskip("duckdb")

NOON = parse_time("2019-06-21T12:00:00Z")
BOTH = Designs("runA", "assocA")


def write_picks(store: ParquetStore, generation: str, keyed: dict[str, list[int]], run: str):
    parts = [picks_table(map(pick_at, times), run, key) for key, times in keyed.items()]
    store.replace("picks", pa.concat_tables(parts), generation)
    store.mark([entry_of(k, generation, int(generation[1:]), design=run) for k in keyed])


def filled(location: str) -> ParquetStore:
    store = open_store(location, create=True)
    assert isinstance(store, ParquetStore)
    july = NOON + 31 * DAY_NS
    write_picks(store, "g1", {"A": [NOON, NOON + 1], "B": [july]}, "runA")
    write_picks(store, "g2", {"A": [NOON + 2, NOON + 123]}, "runA")
    write_picks(store, "g3", {"A": [NOON]}, "runB")
    store.replace("picks", picks_table([pick_at(NOON)], "runA", "unmarked"), "g4")
    events = [event_at(NOON), event_at(july)]
    store.replace("events", events_table(events, "assocA", "X"), "g5")
    store.replace("arrivals", arrivals_table(events, "assocA", "X"), "g5")
    store.mark([entry_of("X", "g5", 1, design="assocA", stage=Stage.ASSOCIATE)])
    place = Station("NC", "KBG", "00", ("HHZ",), 40.0, -124.0, 100.0, "NC.KBG")
    store.put_stations(stations_table([place]))
    for run in ("runB", "runA"):
        picker = {"model": "PhaseNet", "weight": run, "weights_sha256": "ab"}
        record = {"picker": picker, "p_threshold": 0.5, "s_threshold": 0.25}
        store.put_record("run", run, record)
        about = {"run": run, "associator": f"assoc{run[-1]}", "extent": "1,2,3,4"}
        when = "2026-01-01" if run == "runB" else "2026-01-02"
        store.put_record("invocation", run, {**about, "time": when})
    return store


@pytest.fixture(params=["folder", "bucket"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "store")
    request.getfixturevalue("server")
    return url_of(tmp_path)


def ask(store: ParquetStore, sql: str, designs: Designs = BOTH) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in query(store, sql, designs).to_pylist()]


def test_views_have_the_rows_that_count(location):
    store = filled(location)
    for _ in range(2):
        assert ask(store, "select count(*) from picks") == [(3,)]
        assert ask(store, "select epoch_ns(time) - 1561118400000000000 from picks order by 1") == [
            (2,),
            (123,),
            (31 * DAY_NS,),
        ]
        assert ask(store, "select count(*) from picks", Designs("runB", "")) == [(1,)]
        assert ask(store, "select key, count(*) n from picks group by key order by key") == [
            ("A", 2),
            ("B", 1),
        ]
        assert ask(store, "select stage, key from ledger order by all") == [
            ("associate", "X"),
            ("pick", "A"),
            ("pick", "B"),
        ]
        compact(store)


@pytest.mark.parametrize("view", ["stations", "runs"])
def test_what_is_not_in_the_ledger_can_be_asked_after_a_compaction(location, view):
    compact(filled(location))
    assert ask(open_store(location), f"select count(*) > 0 from {view}") == [(True,)]


def test_views_can_be_joined_and_cut_by_time(location):
    store = filled(location)
    assert ask(
        store,
        "select e.latitude, a.distance_km, s.elevation from events e join arrivals a using "
        "(event_id) join stations s on s.id = a.trace_id where e.time < '2019-07-01'",
    ) == [(40.25, 11.5, 100.0)]
    assert ask(store, "select date_trunc('month', time)::date::text d, count(*) from picks "
               "where time between '2019-06-01' and '2019-06-30 12:00' group by 1") == [
        ("2019-06-01", 2)
    ]  # fmt: skip
    assert ask(store, "select run, model, weight, p_threshold from runs order by run") == [
        ("runA", "PhaseNet", "runA", 0.5),
        ("runB", "PhaseNet", "runB", 0.5),
    ]


def test_every_column_of_every_view_can_be_selected(location):
    store = filled(location)
    for view, rows in {"picks": 3, "events": 2, "arrivals": 2, "stations": 1, "runs": 2}.items():
        assert query(store, f"from {view}", BOTH).num_rows == rows
    assert query(store, "from picks", BOTH).column_names == [
        "pick_id", "trace_id", "band", "phase", "time", "confidence", "onset", "end", "design",
        "key", "month",
    ]  # fmt: skip
    found = query(store, 'select pick_id, confidence, "end" from picks order by pick_id', BOTH)
    assert found["confidence"].to_pylist() == [0.5] * 3


def test_an_empty_store_can_be_asked(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    for view in VIEWS:
        assert query(store, f"from {view}", Designs("", "")).num_rows == 0


def test_the_catalog_has_events_at_their_best_places(location):
    store = filled(location)
    tables = locate(event_at(NOON), associator="assocA", key="X")
    for table, rows in zip(("origins", "origin_arrivals"), tables, strict=True):
        store.replace(table, rows, "g6")
    store.mark([LocateEntry(LOCATION, "X", Status.DONE, "g6", 2, n_origins=1)])
    store.put_record("location", LOCATION, {"associator": "assocA", "terms": "t"})
    designs = Designs("runA", "assocA", LOCATION)
    sql = "select latitude - associated_latitude > 0.009, quality, month from catalog order by time"
    assert ask(store, sql, designs) == [(True, "B", "2019-06"), (False, None, "2019-07")]
    events = store.read("events", Where(design="assocA"))
    expected = events_at_best_places(events, tables[0])
    found = query(store, "from catalog order by time", designs)
    assert found.column_names == [*BEST_EVENTS.names, *ADDED_BY_MAGNITUDES, "month"]
    for field in BEST_EVENTS:
        kind = pa.int64() if pa.types.is_timestamp(field.type) else field.type
        ours, theirs = (rows[field.name].cast(kind).to_pylist() for rows in (found, expected))
        assert ours == theirs, field.name
    assert ask(store, "select count(*), min(term_s) from origin_arrivals", designs) == [(1, -0.02)]
    assert ask(store, "select location, terms, origins from locations") == [(LOCATION, "t", 1)]
    assert ask(store, "select count(*) from ledger where stage = 'locate'", designs) == [(1,)]
    assert ask(store, "select count(quality), count(*) from catalog") == [(0, 2)]


def test_the_catalog_has_the_magnitudes_of_events(location):
    store = filled(location)
    event = event_at(NOON)
    row = {
        "magnitude_id": "m", "event_id": event.id("assocA"), "time": NOON, "type": "ML",
        "law": "iaspei", "value": 1.25, "standard_error": 0.07, "mad": 0.1, "median": 1.3,
        "sigma": 0.2, "n_used": 8, "n_bounds": 3, "design": "sizes", "key": "X",
    }  # fmt: skip
    magnitudes = pa.Table.from_pylist([row], MAGNITUDES)
    store.replace("magnitudes", magnitudes, "g7")
    store.mark([MagnitudeEntry("sizes", "X", Status.DONE, "g7", 2, n_magnitudes=1)])
    designs = Designs("runA", "assocA", magnitude="sizes")
    names = ("magnitude", "magnitude_type", *ADDED_BY_MAGNITUDES)
    found = ask(store, f"select {', '.join(names)} from catalog order by time", designs)
    assert found == [(1.25, "ML", 0.07, 8, 3), (None,) * 5]
    best = events_at_best_places(
        store.read("events", Where(design="assocA")), ORIGINS.empty_table()
    )
    expected = events_with_magnitudes(best, magnitudes).select(names)
    assert [tuple(one.values()) for one in expected.to_pylist()] == found


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("time >= '2019-06-21 12:00:00.000000003'", 2),
        ("time < timestamp '2019-07-01' and confidence > 0.4", 2),
        ("time = '2019-06-21 12:00:00.000000002'", 1),
        ('"end" > time and onset < time', 3),
        ("hour(time) = 12 and strftime(time, '%Y.%j') = '2019.172'", 2),
        ("time - interval 1 day < '2019-06-21'", 2),
    ],
)
def test_times_can_be_compared(tmp_path, condition, rows):
    store = filled(str(tmp_path / "store"))
    assert ask(store, f"select count(*) from picks where {condition}") == [(rows,)]


def test_only_files_of_the_month_are_opened(tmp_path, monkeypatch):
    store = filled(str(tmp_path / "store"))
    (july,) = (tmp_path / "store" / "picks" / "design=runA" / "month=2019-07").iterdir()
    july.write_bytes(b"whoever opens this fails")
    assert ask(store, "select count(pick_id) from picks where month = '2019-06'") == [(2,)]
    assert ask(store, "select count(pick_id) from picks where month < '2019-07'") == [(2,)]
    with pytest.raises(InputError, match="Parquet magic bytes"):
        ask(store, "select count(pick_id) from picks")


@pytest.mark.parametrize(
    "sql",
    [
        "select count(pick_id) from picks where time < '2019-07-01'",
        "select count(pick_id) from picks where time < timestamp '2019-07-01 00:00:00'",
        "select count(pick_id) from picks where time between '2019-06-21' and '2019-06-22'",
        "select count(p.pick_id) from picks p where p.time <= make_date(2019, 6, 30)",
        "with june as (from picks where time < '2019-07-01') select count(pick_id) from june",
        "select count(*) from (from picks where time < '2019-07-01') a "
        "join (from picks where time > '2019-06-01' and time < '2019-06-30') b using (pick_id)",
        "select count(pick_id) from picks where time < '2019-07-01' and key in "
        "(select key from picks where phase = 'P' and time < '2019-07-01')",
    ],
)
def test_no_month_is_opened_that_no_wanted_time_is_in(tmp_path, sql):
    store = filled(str(tmp_path / "store"))
    (july,) = (tmp_path / "store" / "picks" / "design=runA" / "month=2019-07").iterdir()
    july.write_bytes(b"whoever opens this fails")
    assert ask(store, sql) == [(2,)]


@pytest.mark.parametrize("day", ["1677-10-01", "1969-12-31", "2000-02-29", "2262-03-31"])
def test_the_last_nanosecond_of_a_month_belongs_to_it(tmp_path, day):
    store = ParquetStore(tmp_path, create=True)
    midnight = parse_time(day) + DAY_NS
    write_picks(store, "g1", {"A": [midnight - 1, midnight]}, "runA")
    assert ask(store, "select epoch_ns(time) from picks order by 1") == [
        (midnight - 1,),
        (midnight,),
    ]
    assert ask(store, f"select count(*) from picks where time > '{day}'") == [(2,)]


def test_the_first_and_the_last_month_that_64_bits_hold(tmp_path):
    store = ParquetStore(tmp_path, create=True)
    times = [parse_time("1677-09-22"), parse_time("2262-04-11")]
    write_picks(store, "g1", {"A": times}, "runA")
    assert ask(store, "select epoch_ns(time) from picks order by 1") == [(t,) for t in times]


def test_unmarked_files_are_not_opened(tmp_path):
    store = filled(str(tmp_path / "store"))
    for file in tmp_path.rglob("g4.parquet"):
        file.write_bytes(b"half a fi")
    assert ask(store, "select count(pick_id) from picks") == [(3,)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select nothing from picks", 'Binder Error: Referenced column "nothing" not found'),
        ("select * from pick", "Table with name pick does not exist"),
        ("selec 1", "syntax error"),
        ("", "one SELECT"),
        ("select 1; select 2", "one SELECT"),
        ("drop view picks", "one SELECT"),
        ("create table x as select 1", "one SELECT"),
        ("copy picks to '/tmp/sstore-never.csv'", "one SELECT"),
        ("set enable_external_access = true", "one SELECT"),
        ("install httpfs", "one SELECT"),
        ("select * from read_csv('/etc/passwd')", "Permission Error"),
        ("select * from '/etc/passwd.parquet'", "Permission Error"),
        ("select * from store", "does not exist"),
    ],
)
def test_what_is_no_question_is_told_in_one_line(tmp_path, sql, words):
    store = filled(str(tmp_path / "store"))
    with pytest.raises(InputError) as error:
        query(store, sql, BOTH)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_a_compaction_in_the_middle_is_noticed(request, tmp_path, place, monkeypatch):
    if place == "bucket":
        request.getfixturevalue("server")
    kind, where = (LocalFiles, tmp_path / "s") if place == "folder" else (S3Files, url_of(tmp_path))
    filled(str(where))
    store = ParquetStore(kind(where))
    plain, done = ParquetStore.data_files, []

    def late(self, table, design):
        found = plain(self, table, design)
        if self is store and table == "picks" and not done:
            done.append(compact(ParquetStore(kind(where))))
        return found

    monkeypatch.setattr(ParquetStore, "data_files", late)
    assert ask(store, "select count(pick_id) from picks") == [(3,)]
    assert done[0].deleted > 0


@pytest.mark.parametrize("turn", range(5))
def test_files_that_are_gone_never_stop_a_query(server, tmp_path, turn, monkeypatch):
    """Python in a scan of DuckDB's stopped it for ever, now and then, when a file was gone."""
    store = filled(url_of(tmp_path))
    plain = ParquetStore.data_files

    def late(self, table, design):
        found = plain(self, table, design)
        self.files.delete([file.name for file in found])
        return found

    monkeypatch.setattr(ParquetStore, "data_files", late)
    with pytest.raises(InputError) as error:
        query(store, "select count(pick_id) from picks", BOTH)
    assert "\n" not in str(error.value)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, said.out, said.err


SQL = (
    "select phase, time, confidence, sum(1) n, null as nothing, 1.5::decimal(3,1) d from picks "
    "group by all order by time"
)


def test_the_command_shows_rows(capsys, location):
    filled(location)
    code, out, err = run(capsys, "query", SQL, "--store", location)
    assert code == 0
    assert out.splitlines() == [
        "phase  time                         confidence  n  nothing  d",
        "-----  ---------------------------  ----------  -  -------  ---",
        "P      2019-06-21T12:00:00.000000Z  0.5         1           1.5",
        "P      2019-06-21T12:00:00.000000Z  0.5         1           1.5",
        "P      2019-07-22T12:00:00.000000Z  0.5         1           1.5",
    ]
    assert "; the store has 1 more: `epicat runs` lists them" in err


def test_the_command_writes_json_and_csv(capsys, tmp_path):
    filled(str(tmp_path / "store"))
    where = ("--store", str(tmp_path / "store"), "--run", "runA")
    code, out, err = run(capsys, "query", SQL, *where, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err, len(rows)) == (0, "", 3)
    assert rows[2] == {
        "phase": "P",
        "time": "2019-07-22T12:00:00.000000Z",
        "confidence": 0.5,
        "n": 1,
        "nothing": None,
        "d": 1.5,
    }
    code, out, _ = run(capsys, "query", SQL, *where, "--csv")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 4)
    assert lines[0] == "phase,time,confidence,n,nothing,d"
    assert lines[3] == "P,2019-07-22T12:00:00.000000Z,0.5,1,,1.5"


def test_the_command_tells_errors_in_one_line(capsys, tmp_path):
    filled(str(tmp_path / "store"))
    where = ("--store", str(tmp_path / "store"))
    code, out, err = run(capsys, "query", "select x from picks", *where, "--run", "runA")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Binder Error" in err
    assert run(capsys, "query", "select 1", *where, "--json", "--csv")[0] == 2
    assert run(capsys, "query", "select 1", *where, "--run", "none")[0] == 2
    assert run(capsys, "query", "select 1", "--store", str(tmp_path / "none"))[0] == 2


def test_a_missing_duckdb_is_told(capsys, tmp_path, monkeypatch):
    filled(str(tmp_path / "store"))
    monkeypatch.setitem(sys.modules, "duckdb", None)
    code, _, err = run(capsys, "query", "select 1", "--store", str(tmp_path / "store"))
    assert code == 2
    assert "pip install 'epicat[query]'" in err


def test_the_command_compacts(capsys, location):
    store = filled(location)
    before = ask(store, "from picks order by pick_id")
    code, out, err = run(capsys, "compact", "--store", location, "--json")
    assert (code, err) == (0, "")
    files = json.loads(out)["files"]
    expected = {"picks": 4, "events": 2, "arrivals": 2, "ledger": 1}
    assert {name: count for name, count in files.items() if count} == expected
    assert ask(store, "from picks order by pick_id") == before
    code, out, err = run(capsys, "compact", "--store", location)
    assert (code, out) == (0, "")
    assert err.startswith("0 rows of 0 keys rewritten, 0 files deleted; files now: 4 of picks")
