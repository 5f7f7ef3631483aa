"""Events of a store are located, next to the association's own places."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulated_picks import LAYERS, Errors, Simulated, simulate

from epicat.association.associate_options import AssociateOptions
from epicat.association.design import Design, make_design
from epicat.association.sites import SiteIndex
from epicat.catalog.catalog import open_catalog
from epicat.catalog.compare import read_event_list
from epicat.cli.app import main
from epicat.errors import InputError
from epicat.geo import Extent, Plane
from epicat.ledger import BlockEntry, Stage, Status
from epicat.locate.options import LocateOptions
from epicat.locate.terms_file import TermsFile
from epicat.model import Arrival, Event, Span, Station
from epicat.pipeline.store_tasks.locate_store import StoreLocator
from epicat.store.base import Where, new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.store.locations import stored_locations
from epicat.store.parquet import ParquetStore
from epicat.table_rows import arrivals_table, events_table, stations_table
from epicat.time import iso, parse_time

BLOCK_NS = 6 * 3600 * 10**9
FIRST = parse_time("2024-02-29")
EXTENT = Extent(39.5, 40.5, -124.6, -123.4)
PLANE = Plane(*EXTENT.center)


def network(case: Simulated) -> list[Station]:
    lat, lon = PLANE.to_lat_lon(case.network.x_km, case.network.y_km)
    height = -1000 * case.network.depth_km
    return [
        Station("XX", f"S{k:02d}", "", ("HHZ",), lat[k], lon[k], height[k], name=f"XX.S{k:02d}")
        for k in range(len(lat))
    ]


def catalog(case: Simulated, run: str = "a-run") -> tuple[Design, list[Event]]:
    """Give events half a kilometre from where they are, one every ten minutes."""
    stations = network(case)
    sites = SiteIndex.from_stations(stations, PLANE, 100.0).sites
    design = make_design(AssociateOptions(), run, EXTENT, sites, LAYERS)
    events, a = [], case.arrivals
    for i, (x, y, z) in enumerate(case.place_km + 0.3):
        time_ns = FIRST + i * 600 * 10**9
        rows = range(a.first[i], a.first[i + 1])
        arrivals = tuple(
            Arrival(f"p{i}-{k}", f"XX.S{a.sensor[k]:02d}.", "PS"[a.phase[k]],
                    time_ns + round(a.time_s[k] * 1e9), 0.1, 10.0, 0.0)
            for k in rows
        )  # fmt: skip
        lat, lon = (float(v) for v in PLANE.to_lat_lon(x, y))
        events.append(Event(time_ns, lat, lon, z, x, y, 0.1, 90.0, 5.0, 9, False, arrivals))
    return design, events


def fill(store: ParquetStore, case: Simulated) -> Design:
    design, events = catalog(case)
    store.put_stations(stations_table(network(case)))
    store.put_record("associator", design.digest, design.model_dump(mode="json"))
    keys = sorted({event.time_ns // BLOCK_NS for event in events})
    for number in keys:
        key, generation = iso(number * BLOCK_NS), new_generation()
        own = [event for event in events if event.time_ns // BLOCK_NS == number]
        store.replace("events", events_table(own, design.digest, key), generation)
        store.replace("arrivals", arrivals_table(own, design.digest, key), generation)
        store.mark([BlockEntry(design.digest, key, Status.DONE, generation, 1, result=key,
                               n_events=len(own))])  # fmt: skip
    span = Span(FIRST, FIRST + 86400 * 10**9)
    record_invocation(store, Invocation("a-run", design.digest, extent=str(EXTENT), span=span))
    return design


@pytest.fixture(scope="module")
def case() -> Simulated:
    return delayed(31)


def delayed(seed: int) -> Simulated:
    """Return picks of a network whose stations have delays."""
    return simulate(seed, events=60, sensors=12, errors=Errors(static_s=0.08))


@pytest.fixture
def store(tmp_path: Path, case: Simulated) -> ParquetStore:
    opened = ParquetStore(tmp_path / "store", create=True)
    fill(opened, case)
    return opened


def placed(store: ParquetStore, location: str) -> np.ndarray:
    rows = store.read("origins", Where(design=location))
    order = np.argsort(rows["time"].cast("int64").to_numpy())
    return np.column_stack([rows[n].to_numpy() for n in ("x_km", "y_km", "depth_km")])[order]


def test_epicentres_of_four_networks_are_near_the_truth(tmp_path):
    """Delays move all events of a network: one network has 0.4 to 0.7 km."""
    off = []
    for seed in (31, 32, 33, 34):
        case, store = delayed(seed), ParquetStore(tmp_path / str(seed), create=True)
        fill(store, case)
        made = StoreLocator(store, LocateOptions()).locate()
        off.append(placed(store, made.location) - case.place_km)
    east, north, _ = np.concatenate(off).T
    assert np.median(np.hypot(east, north)) < 0.6


def test_origins_say_how_near_the_truth_they_are(store, case):
    made = StoreLocator(store, LocateOptions()).locate()
    assert (made.origins, made.unchanged) == (len(case.arrivals), 0)
    assert set(made.flags) <= {"rejected after rematch"}
    rows = store.read("origins", Where(design=made.location))
    off = placed(store, made.location) - case.place_km
    order = np.argsort(rows["time"].cast("int64").to_numpy())
    assert np.mean(np.abs(off[:, 2]) <= rows["depth_error_km"].to_numpy()[order]) > 0.5
    assert set(rows["quality"].to_pylist()) <= set("ABCD")
    major, minor = rows["major_km"].to_numpy(), rows["minor_km"].to_numpy()
    assert np.all(major >= minor)
    events = {e["event_id"] for e in store.read("events", Where()).to_pylist()}
    assert set(rows["event_id"].to_pylist()) == events
    arrivals = store.read("origin_arrivals", Where(design=made.location))
    assert 0.9 * len(case.arrivals.time_s) < arrivals.num_rows <= len(case.arrivals.time_s)
    rejected = [row["event_id"] for row in rows.to_pylist() if row["rejected"]]
    assert made.flags.get("rejected after rematch", 0) == len(rejected)
    for event_id in rejected:
        left = [a for a in arrivals.to_pylist() if a["event_id"] == event_id]
        assert len(left) < 12
    assert arrivals["inlier_probability"].to_numpy().max() <= 1


def test_a_second_time_there_is_nothing_to_do(store):
    locator = StoreLocator(store, LocateOptions())
    first, second = locator.locate(), locator.locate()
    assert second.blocks == 0
    assert second.unchanged == first.blocks
    assert second.origins == first.origins


def test_locations_of_two_models_live_next_to_each_other(store, tmp_path, capsys):
    model = tmp_path / "v.csv"
    model.write_text("0,5.8,3.3\n40,6.2,3.6\n")
    for more in ((), ("--velocity", str(model))):
        with pytest.raises(SystemExit) as left:
            main(["locate", "--store", store.location, "--json", *more])
        assert left.value.code == 0
    names = [json.loads(line)["location"] for line in capsys.readouterr().out.splitlines()]
    assert len(set(names)) == 2
    assert sorted(store.records("location")) == sorted(names)
    assert {e.design for e in store.ledger(Stage.LOCATE)} == set(names)


def test_a_location_says_its_velocities_also_those_of_a_built_in_model(store, tmp_path, capsys):
    place = ("locate", "--store", store.location)
    model = tmp_path / "v.csv"
    model.write_text("0,6,3.5\n8,4,2.3\n")
    epicat(*place, "--velocity", "IASP91", "--name", "global")
    assert "velocities of IASP91 (59 layers)" in capsys.readouterr().err
    epicat(*place, "--velocity", model, "--velocity-layers", "constant")
    said = capsys.readouterr().err
    assert "warning: velocity model v.csv: vp drops by 33% to 4 km/s at 8 km depth" in said
    assert "velocities of v.csv (2 layers)" in said
    epicat(*place)
    assert f"velocities of {len(LAYERS.vp)} gradient nodes" in capsys.readouterr().err
    records = store.records("location").values()
    assert {len(r["layers"]) for r in records} == {59, 2, len(LAYERS.vp)}


def test_a_fixed_depth_outside_the_search_box_is_refused(store, capsys):
    with pytest.raises(SystemExit) as left:
        main(["locate", "--store", store.location, "--fixed-depth", "99"])
    assert left.value.code == 2
    assert "--fixed-depth 99 is outside the search box" in capsys.readouterr().err
    assert not store.records("location")


def test_terms_are_a_file_that_a_location_names(store, case, tmp_path):
    plain = StoreLocator(store, LocateOptions())
    terms = plain.calibrate(lambda _: None)
    terms.write(tmp_path / "terms.npz")
    again = TermsFile.read(tmp_path / "terms.npz")
    assert again.digest == terms.digest
    located = StoreLocator(store, LocateOptions(), terms=again)
    assert located.design.terms == terms.digest
    before, after = plain.locate(), located.locate()
    off = [placed(store, made.location) - case.place_km for made in (before, after)]
    spread = [np.median(np.abs(o[:, :2] - np.median(o[:, :2], axis=0))) for o in off]
    assert spread[1] < spread[0]
    rows = store.read("origin_arrivals", Where(design=after.location))
    assert np.abs(rows["term_s"].to_numpy()).max() > 0.02


def epicat(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code == 0


def test_terms_are_kept_in_the_store_and_found_by_name(store, tmp_path, capsys):
    place = ("--store", store.location)
    epicat("terms", *place, "--name", "network", "-o", tmp_path / "terms.npz")
    epicat("locate", *place, "--name", "plain")
    epicat("locate", *place, "--name", "with-terms", "--terms", "network")
    capsys.readouterr()
    epicat("locate", *place, "--terms", tmp_path / "terms.npz", "--json")
    assert json.loads(capsys.readouterr().out)["blocks"] == 0  # the same location
    epicat("terms", *place, "--list", "--json")
    (found,) = json.loads(capsys.readouterr().out)
    assert found["names"] == ["network"]
    located = {name: one for one in stored_locations(store, found["associator"])
               for name in one.names}  # fmt: skip
    assert set(located) == {"plain", "with-terms"}
    assert located["with-terms"].terms == found["digest"] != located["plain"].terms
    epicat("status", *place, "--json")
    about = {d["design"]: d["about"] for d in json.loads(capsys.readouterr().out)["designs"]}
    assert about[located["plain"].digest] == "plain"
    text = "with-terms, with terms network, shown by default"
    assert about[located["with-terms"].digest] == text
    epicat("terms", *place, "--list")
    assert "network" in capsys.readouterr().out
    epicat("export", *place, "--table", "station_terms")
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "terms,site,phase,value_s,error_s,n"
    assert len(rows) == 1 + 2 * 12


def test_a_taken_name_is_found_before_terms_are_computed(store, tmp_path, capsys):
    place, model = ("--store", store.location), tmp_path / "v.csv"
    model.write_text("0,5.8,3.3\n40,6.2,3.6\n")
    epicat("terms", *place, "--name", "network")
    epicat("terms", *place, "--name", "network")  # the same again
    for options in (("network", "--velocity", model), ("no name",)):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in ("terms", *place, "--name", *options)])
        assert left.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()  # no progress: nothing was computed
        assert f"{options[0]!r}" in line
        assert "station terms" in line


def test_terms_of_other_velocities_are_used_with_a_warning(store, tmp_path, capsys):
    place = ("--store", store.location)
    model = tmp_path / "v.csv"
    model.write_text("0,5.8,3.3\n40,6.2,3.6\n")
    epicat("terms", *place, "--name", "network", "--velocity", model, "-o", tmp_path / "n.npz")
    warning = "warning: the station terms were computed with other velocities"
    for terms in ("network", tmp_path / "n.npz"):
        for velocity, is_other in (((), True), (("--velocity", model), False)):
            capsys.readouterr()
            epicat("locate", *place, "--terms", terms, *velocity)
            assert (warning in capsys.readouterr().err) == is_other


def test_a_catalog_is_shown_at_the_places_of_the_location_that_is_chosen(store, tmp_path, capsys):
    model = tmp_path / "v.csv"
    model.write_text("0,5.8,3.3\n40,6.2,3.6\n")
    place = ("--store", store.location)
    epicat("locate", *place, "--name", "first")
    epicat("locate", *place, "--name", "second", "--velocity", model)
    depths, headings = {}, {}
    for name in ("first", "second", "association", None):
        catalog = open_catalog(store.location, places=name)
        depths[name] = catalog.events()["depth_km"].to_pylist()
        headings[name] = " ".join(text.get_text() for text in catalog.plot().texts)
    assert headings[None] == headings["second"]
    assert "location" not in headings[None]
    assert "location first" in headings["first"]
    assert "places of the association" in headings["association"]
    assert depths[None] == depths["second"] != depths["first"] != depths["association"]
    for name in ("first", "second", "association"):
        found = read_event_list(f"{store.location}#location={name}")
        assert found.depth_km.tolist() == depths[name]
    with pytest.raises(InputError, match="write #NAME, #location=NAME"):
        read_event_list(f"{store.location}#place=first")
    capsys.readouterr()
    epicat("export", *place, "--format", "fdsn-text")
    told = capsys.readouterr()
    assert "places of location second; the store also has first" in told.err
    assert [float(line.split("|")[4]) for line in told.out.splitlines()[1:]] == pytest.approx(
        depths["second"], abs=1e-4
    )
