"""Catalogs that are imported, and epicat's own exports that are imported again."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from epicat.catalog.catalog import open_catalog
from epicat.catalog.compare import compare, read_event_list
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.imports.raw import ReadingOptions
from epicat.ledger import Stage, Status
from epicat.locate.options import LocateOptions
from epicat.pipeline.store_tasks.import_events import catalog_design, import_events
from epicat.pipeline.store_tasks.locate_store import StoreLocator
from epicat.store.base import Where
from epicat.store.parquet import ParquetStore
from epicat.store.verify.verify import verify_store
from epicat.table_rows import stations_of, stations_table
from support.tiny_network import stations

ROWS = """event_id,time,latitude,longitude,depth_km,magnitude,magnitude_type
a,2019-07-06T23:59:58,-40.0,175.0,8.5,1.7,ml
b,2019-07-07T00:10:00,-40.1,175.1,3.25,,
"""


@pytest.fixture(scope="module")
def network():
    return [replace(s, channels=("HHZ",)) for s in stations()]


@pytest.fixture
def made(tmp_path, network):
    """Import two events with arrivals, and return the import and its store."""
    arrivals = ["event_id,trace_id,band,phase,time,probability"]
    for event, origin in (("a", "2019-07-06T23:59:5"), ("b", "2019-07-07T00:10:0")):
        for at, row in enumerate(network[:5]):
            arrivals.append(f"{event},{row.id},HH,P,{origin}9.{at}00000,0.8")
            arrivals.append(f"{event},{row.id},HH,S,{origin}9.{at}50000,0.7")
    (tmp_path / "events.csv").write_text(ROWS)
    (tmp_path / "arrivals.csv").write_text("\n".join((*arrivals, "")))
    store = ParquetStore(tmp_path / "store", create=True)
    store.put_stations(stations_table(network))
    options = ReadingOptions(stations=tuple(stations_of(store.stations())))
    return (
        import_events(tmp_path / "events.csv", store, options, tmp_path / "arrivals.csv"),
        store,
    )


def test_events_are_in_the_tables_of_associated_ones(made):
    found, store = made
    assert (found.events, found.arrivals, found.picks, found.is_new) == (2, 20, 20, True)
    events = store.read("events", Where(design=found.catalog.digest)).to_pylist()
    first = next(e for e in events if e["magnitude"] == 1.7)
    assert (first["latitude"], first["longitude"], first["depth_km"]) == (-40.0, 175.0, 8.5)
    assert (first["n_p"], first["n_s"], first["n_stations"]) == (5, 5, 5)
    assert first["magnitude_type"] == "ml"
    assert 0 < first["gap_deg"] <= 360
    assert first["dmin_km"] > 0
    arrivals = store.read("arrivals", Where(design=found.catalog.digest)).to_pylist()
    picks = store.read("picks", Where(design=found.run.digest))
    assert {a["pick_id"] for a in arrivals} == set(picks["pick_id"].to_pylist())
    assert all(math.isnan(a["residual_s"]) and a["distance_km"] > 0 for a in arrivals)
    entries = store.ledger(Stage.ASSOCIATE, found.catalog.digest)
    assert [(e.status, e.n_events) for e in entries] == [(Status.DONE, 1), (Status.DONE, 1)]


def test_the_store_is_healthy_and_its_catalog_opens(made):
    found, store = made
    assert verify_store(store).findings.all() == []
    catalog = open_catalog(store.location)
    assert (catalog.run, catalog.associator) == (found.run.digest, found.catalog.digest)
    assert catalog.events().num_rows == 2


def test_an_imported_catalog_can_be_located(made, network):
    found, store = made
    design = catalog_design(store, found.catalog)
    assert design.run == found.run.digest
    assert design.n_sites == len({row.name for row in network})
    for latitude, longitude in ((-40.0, 175.0), (-40.1, 175.1)):
        x, y = design.plane.to_xy(latitude, longitude)
        assert design.x_km[0] < x < design.x_km[1]
        assert design.y_km[0] < y < design.y_km[1]
    locator = StoreLocator(store, LocateOptions())
    assert locator.design.associator == found.catalog.digest
    outcome = locator.locate()
    assert (outcome.blocks, outcome.unchanged) == (2, 0)


def test_without_stations_it_cannot_be_located(tmp_path):
    (tmp_path / "events.csv").write_text(ROWS)
    store = ParquetStore(tmp_path / "store", create=True)
    import_events(tmp_path / "events.csv", store)
    with pytest.raises(InputError, match="has no stations; `epicat stations import FILE` adds"):
        StoreLocator(store, LocateOptions())


def test_the_same_file_again_changes_nothing(made, tmp_path):
    found, store = made
    before = sorted(str(p) for p in (tmp_path / "store").rglob("*"))
    options = ReadingOptions(stations=tuple(stations_of(store.stations())))
    again = import_events(tmp_path / "events.csv", store, options, tmp_path / "arrivals.csv")
    assert not again.is_new
    assert again.catalog == found.catalog
    assert sorted(str(p) for p in (tmp_path / "store").rglob("*")) == before


@pytest.mark.parametrize("form", ["quakeml", "hypodd", "fdsn-text"])
def test_exports_come_back(made, tmp_path, network, form):
    _, store = made
    path = tmp_path / f"catalog.{form}"
    open_catalog(store.location).write_events(path, form)
    back = ParquetStore(tmp_path / "back", create=True)
    back.put_stations(stations_table(network))
    options = ReadingOptions(stations=tuple(stations_of(back.stations())))
    again = import_events(path, back, options)
    assert (again.events, again.arrivals) == (2, 0 if form == "fdsn-text" else 20)
    result = compare(read_event_list(store.location), read_event_list(back.location))
    assert result.n_matched == 2
    values = result.differences()
    assert abs(values["time_s"]).max() < 1e-5
    assert values["distance_km"].max() < 1e-3
    assert abs(values["depth_km"]).max() < 1e-3
    if form != "fdsn-text":
        columns = ("phase", "time", "trace_id") if form == "quakeml" else ("phase", "time")
        one, other = (
            sorted(map(tuple, (zip(*(r[c].to_pylist() for c in columns), strict=True))))
            for r in (store.read("arrivals", Where()), back.read("arrivals", Where()))
        )
        assert [row[0] for row in one] == [row[0] for row in other]
        for mine, theirs in zip(one, other, strict=True):
            assert abs((mine[1] - theirs[1]).total_seconds()) < 2e-6
            assert mine[2:] == theirs[2:]


def test_what_obspy_reads_of_quakeml_is_what_is_imported(made, tmp_path):
    obspy = pytest.importorskip("obspy")
    _, store = made
    path = tmp_path / "catalog.xml"
    open_catalog(store.location).write_events(path, "quakeml")
    # ObsPy's own writer, with its own identifiers and order of elements
    obspy.read_events(str(path)).write(str(tmp_path / "obspy.xml"), format="QUAKEML")
    obspy.read_events(str(path)).write(str(tmp_path / "sc.xml"), format="SCML")
    ours = read_event_list(path)
    for name in ("obspy.xml", "sc.xml"):
        theirs = read_event_list(tmp_path / name)
        result = compare(ours, theirs)
        assert result.n_matched == 2
        assert abs(result.differences()["depth_km"]).max() < 1e-6
        assert result.first.magnitude[0] == result.second.magnitude[0] == 1.7


def test_nonlinlocs_observations_come_back_with_a_first_guess(made, tmp_path, network):
    _, store = made
    path = tmp_path / "catalog.obs"
    open_catalog(store.location).write_events(path, "nonlinloc")
    back = ParquetStore(tmp_path / "back", create=True)
    options = ReadingOptions(stations=tuple(network))
    again = import_events(path, back, options)
    assert (again.events, again.arrivals) == (2, 20)
    assert any("no origin, placed at the station" in note for note in again.notes)


def test_stations_that_the_store_lacks_are_named(tmp_path):
    (tmp_path / "phase.dat").write_text(
        "# 2019 7 6 12 0 0.0 40 -124 5 1.0 0 0 0 1\nKBG 1.0 1.0 P\n"
    )
    store = ParquetStore(tmp_path / "store", create=True)
    found = import_events(tmp_path / "phase.dat", store, ReadingOptions(network="NC"))
    assert any("1 stations of arrivals are not in the store's" in note for note in found.notes)
    (row,) = store.read("arrivals", Where()).to_pylist()
    assert math.isnan(row["distance_km"])


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "events.csv").write_text(ROWS)

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        assert left.value.code == 0
        return capsys.readouterr().out

    run("events", "import", tmp_path / "events.csv", "--store", tmp_path / "store")
    picture = tmp_path / "x.png"
    out = run("compare", tmp_path / "store", tmp_path / "events.csv", "-o", picture)
    assert "matched      2  within 2 s and 10 km" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert '"matched": 1' in run(
        "compare", tmp_path / "store", tmp_path / "events.csv", "--json", "--end", "2019-07-07"
    )
