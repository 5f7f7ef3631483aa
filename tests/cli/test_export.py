from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.catalog import read as catalog
from epicat.catalog.read import catalog_parts
from epicat.cli.app import main
from epicat.cli.export import _CATALOGS
from epicat.export.formats import FORMATS
from epicat.export.stream import quakes
from epicat.ledger import BlockEntry, LedgerEntry, LocateEntry, Stage, StationDayEntry, Status
from epicat.store.parquet import ParquetStore
from epicat.time import iso
from support.located_catalog import LOCATION, locate_rows
from support.tiny_catalog import ASSOCIATOR, RUN, STATIONS, many

BLOCKS, EACH = 5, 6
EVENT_FORMATS = [name for name in FORMATS if name != "skhash"]  # which needs first motions


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ParquetStore:
    """Give a store of some blocks, each of which is marked on its own, and one without events."""
    made = ParquetStore(tmp_path_factory.mktemp("store") / "store", create=True)
    made.put_stations(STATIONS)
    for block in reversed(range(BLOCKS)):
        part = many(EACH, readings=4, first=EACH * block)
        key = iso(part.events["time"][0].value)
        for table, rows in (("events", part.events), ("arrivals", part.arrivals)):
            made.replace(table, _keyed(rows, key), f"a{block}")
        made.replace("picks", _keyed(part.picks, key), f"p{block}")
        made.mark([_entry(Stage.ASSOCIATE, ASSOCIATOR, key, f"a{block}", EACH)])
        located = locate_rows(_keyed(part.events, key), _keyed(part.arrivals, key))
        for table, rows in zip(("origins", "origin_arrivals"), located, strict=True):
            made.replace(table, rows, f"l{block}")
        made.mark([_entry(Stage.LOCATE, LOCATION, key, f"l{block}", EACH)])
        made.mark([_entry(Stage.PICK, RUN, key, f"p{block}", part.picks.num_rows)])
    made.mark([_entry(Stage.ASSOCIATE, ASSOCIATOR, "2030-01-01T00:00:00Z", "empty", 0)])
    about = {"run": RUN, "associator": ASSOCIATOR, "extent": "-41,-39,174,176", "time": "1"}
    made.put_record("invocation", "1", about)
    made.put_record("location", LOCATION, {"associator": ASSOCIATOR})
    return made


def _keyed(rows, key: str):  # type: ignore[no-untyped-def]
    at = rows.schema.get_field_index("key")
    return rows.set_column(at, rows.schema.field(at), [[key] * rows.num_rows])


def _entry(stage: Stage, design: str, key: str, generation: str, count: int) -> LedgerEntry:
    status = Status.DONE if count else Status.NO_EVENTS
    if stage == Stage.PICK:
        return StationDayEntry(design, key, status, generation, 1, n_picks=count)
    if stage == Stage.LOCATE:
        return LocateEntry(design, key, status, generation, 1, n_origins=count)
    return BlockEntry(design, key, status, generation, 1, n_events=count)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["export", *(str(a) for a in arguments)])
    return int(left.value.code or 0)


def test_the_command_line_names_the_formats_that_there_are() -> None:
    assert tuple(FORMATS) == _CATALOGS


@settings(max_examples=20)
@given(most_events=st.integers(1, 40), most_blocks=st.integers(1, 6))
def test_a_catalog_is_the_same_in_whatever_pieces(
    store: ParquetStore, most_events: int, most_blocks: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "_MOST_EVENTS", most_events)
        patch.setattr(catalog, "_MOST_BLOCKS", most_blocks)
        parts = list(catalog_parts(store, RUN, ASSOCIATOR))
    assert all(p.events.num_rows <= max(EACH, most_events) for p in parts)
    assert all(p.picks.num_rows == p.arrivals.num_rows for p in parts)
    found = list(quakes(parts))
    assert [q.event_id for q in found] == [f"e{n:015d}" for n in range(BLOCKS * EACH)]
    assert {len(q.origin.arrivals) for q in found} == {4}
    assert all(r.band == "HH" for q in found for r in q.origin.arrivals)


def test_a_store_without_a_run_has_an_empty_catalog(tmp_path: Path) -> None:
    empty = ParquetStore(tmp_path / "store", create=True)
    assert list(catalog_parts(empty, None, None)) == []
    assert list(catalog_parts(empty, RUN, ASSOCIATOR)) == []
    assert run("--store", tmp_path / "store", "--format", "quakeml", "-o", tmp_path / "a.xml") == 0
    assert "eventParameters" in (tmp_path / "a.xml").read_text()


@pytest.mark.parametrize("name", EVENT_FORMATS)
def test_every_format_is_written(
    name: str, store: ParquetStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "catalog.out"
    assert run("--store", store.location, "--format", name, "-o", path) == 0
    expected = {"catalog.out", *(f"catalog.out{ending}" for ending in FORMATS[name].companions)}
    assert {p.name for p in tmp_path.iterdir()} == expected
    assert all(p.stat().st_size for p in tmp_path.iterdir())
    told = capsys.readouterr()
    assert told.out == ""
    assert "30 events" in told.err
    assert ("with 120 arrivals" in told.err) == (name != "fdsn-text")


@pytest.mark.parametrize("name", [n for n in EVENT_FORMATS if not FORMATS[n].needs_file])
def test_stdout_holds_what_the_file_does(
    name: str, store: ParquetStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "catalog.out"
    run("--store", store.location, "--format", name, "-o", path)
    capsys.readouterr()
    for stdout in ([], ["-o", "-"]):
        assert run("--store", store.location, "--format", name, *stdout) == 0
        told = capsys.readouterr()
        assert told.out == path.read_text()
        assert told.err == ""


def test_tables_are_exported_as_before(store: ParquetStore, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    assert run("--store", store.location, "-o", path) == 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == BLOCKS * EACH
    assert {row["quality"] for row in rows} == {"B"}
    assert run("--store", store.location, "--table", "picks", "--format", "parquet", "-o",
               tmp_path / "picks.parquet") == 0  # fmt: skip


def test_the_places_are_those_of_the_location_that_is_named(
    store: ParquetStore, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for name in (None, LOCATION, "loc", "association"):
        chosen = ("--location", name) if name else ()
        assert run("--store", store.location, *chosen) == 0
        found[name] = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert found[None] == found[LOCATION] == found["loc"]
    for best, own in zip(found[None], found["association"], strict=True):
        assert best["event_id"] == own["event_id"]
        assert float(best["latitude"]) - float(own["latitude"]) == pytest.approx(0.01, abs=2e-5)
        assert (own["major_km"], own["quality"]) == ("", "")
    assert run("--store", store.location, "--table", "arrivals", "--location", "association") == 0
    arrivals = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["sigma_s"] for row in arrivals} == {""}
    assert run("--store", store.location, "--location", "other") == 2
    assert "the store has no location 'other'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "hypodd"], "needs -o FILE"),
        (["--format", "quakeml", "--table", "picks"], "remove --table and --columns"),
        (["--format", "quakeml", "--columns", "all"], "remove --table and --columns"),
        (["--format", "quakml"], "did you mean quakeml"),
        (["--format", "hypodd", "-o", "/nowhere/at/all"], "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], says: str, store: ParquetStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--store", store.location, *arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("name", ["csv", "quakeml", "hypodd"])
def test_events_of_a_quality_class_are_exported(
    name: str, store: ParquetStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--store", store.location, "--format", name, "-o", tmp_path / "a.out")
    for classes, count in (("AB", 30), ("A", 0)):
        assert run(*place, "--quality", classes) == 0
        assert capsys.readouterr().err.startswith(f"{count} ")


def test_the_quality_of_picks_is_refused(
    store: ParquetStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--store", store.location, "--table", "picks", "--quality", "A") == 2
    assert "the table picks has no column of them" in capsys.readouterr().err


def test_a_failure_leaves_no_file(store: ParquetStore, tmp_path: Path) -> None:
    (tmp_path / "catalog.ids.csv").mkdir()  # in the way of the second file
    assert run("--store", store.location, "--format", "hypodd", "-o", tmp_path / "catalog") == 2
    assert not list(tmp_path.glob(".*"))
