from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pyocto import OctoAssociator
from pyocto.associator import StationSpecificVelocityModel1D

from epicat.association import station_tables as station_tables_module
from epicat.association.station_tables import station_tables
from epicat.errors import InputError
from epicat.velocity.layers import LayerModel, read_layers
from epicat.velocity.travel_times import F64, travel_times

CRUST = LayerModel((0.0, 5.0, 20.0, 35.0), (4.0, 5.8, 6.6, 8.0), (2.3, 3.3, 3.8, 4.5))


def tables(elevations: dict[str, float], cache: Path, **changes: object) -> Path:
    arguments: dict[str, object] = {
        "max_distance_km": 60.0,
        "depth_range_km": (-2.0, 20.0),
        "spacing_km": 0.5,
        "cache": cache,
    }
    return station_tables(CRUST, elevations, **(arguments | changes))  # type: ignore[arg-type]


def read_table(folder: Path, name: str) -> tuple[float, F64, F64]:
    raw = (folder / f"{name}.pyocto").read_bytes()
    nx, nz, spacing = struct.unpack("iid", raw[:16])
    p, s = np.frombuffer(raw[16:]).reshape(2, nx, nz)
    return spacing, p, s


def test_tables_are_written_as_pyocto_reads_them(tmp_path: Path) -> None:
    elevations = {"XX.HIGH": 1730.0, "XX.SEA": 0.0, "XX.DEEP": -2500.0}
    folder = tables(elevations, tmp_path / "cache")
    (above,) = struct.unpack("i", (folder / "n_padding").read_bytes())
    for name, elevation in elevations.items():
        spacing, p, s = read_table(folder, name)
        assert spacing == 0.5
        assert p[0, above] == s[0, above] == 0
        x = np.arange(p.shape[0]) * spacing
        z = -elevation / 1000 + (np.arange(p.shape[1]) - above) * spacing
        assert x[-1] >= 60 + 2 * spacing
        assert z[0] <= -2 - 2 * spacing
        assert z[-1] >= 20 + 2 * spacing
        assert_allclose(p, travel_times(CRUST, "P", -elevation / 1000, x, z), atol=1e-9)
        assert_allclose(s, travel_times(CRUST, "S", -elevation / 1000, x, z), atol=1e-9)
    assert sorted(p.name for p in folder.iterdir()) == [
        "XX.DEEP.pyocto",
        "XX.HIGH.pyocto",
        "XX.SEA.pyocto",
        "n_padding",
    ]


def test_a_second_call_finds_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tables({"A": 10.0, "B": 700}, tmp_path)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(station_tables_module, "travel_times", never)
    assert tables({"B": np.float64(700.0), "A": 10}, tmp_path) == first
    assert list(tmp_path.iterdir()) == [first]


def test_whatever_matters_is_in_the_name(tmp_path: Path) -> None:
    names = {
        tables({"A": 10.0}, tmp_path),
        tables({"A": 11.0}, tmp_path),
        tables({"B": 10.0}, tmp_path),
        tables({"A": 10.0}, tmp_path, spacing_km=0.6),
        tables({"A": 10.0}, tmp_path, max_distance_km=61.0),
        tables({"A": 10.0}, tmp_path, depth_range_km=(-3.0, 20.0)),
        tables({"A": 10.0}, tmp_path, depth_range_km=(-2.0, 21.0)),
        station_tables(
            LayerModel(CRUST.depth_km, CRUST.vp, CRUST.vs, constant=True),
            {"A": 10.0},
            max_distance_km=60.0,
            depth_range_km=(-2.0, 20.0),
            spacing_km=0.5,
            cache=tmp_path,
        ),
    }
    assert len(names) == 8


def test_equal_elevations_share_one_file(tmp_path: Path) -> None:
    folder = tables({"A": 10.0, "B": 10.0, "C": 20.0}, tmp_path)
    assert (folder / "A.pyocto").samefile(folder / "B.pyocto")
    assert not (folder / "A.pyocto").samefile(folder / "C.pyocto")


def test_without_hard_links_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    folder = tables({"A": 10.0, "B": 10.0}, tmp_path)
    assert (folder / "A.pyocto").read_bytes() == (folder / "B.pyocto").read_bytes()


def test_many_at_once_get_one_folder(tmp_path: Path) -> None:
    elevations = {f"S{i}": 100.0 * i for i in range(5)}
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: tables(elevations, tmp_path), range(8)))
    assert list(tmp_path.iterdir()) == list(folders)
    assert len(list(next(iter(folders)).iterdir())) == 6


def test_an_interrupted_build_leaves_nothing_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(station_tables_module.struct, "pack", fail)
        with pytest.raises(OSError, match="No space"):
            tables({"A": 10.0}, tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".left-by-a-kill").mkdir()
    assert (tables({"A": 10.0}, tmp_path) / "n_padding").is_file()


@pytest.mark.parametrize("elevation", [np.nan, np.inf, -np.inf])
def test_an_elevation_must_be_a_number(tmp_path: Path, elevation: float) -> None:
    with pytest.raises(InputError, match=r"station XX\.A: its elevation is"):
        tables({"XX.B": 0.0, "XX.A": elevation}, tmp_path)


def test_what_makes_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 stations"):
        tables({}, tmp_path)
    with pytest.raises(InputError, match="spacing of 0 km"):
        tables({"A": 0.0}, tmp_path, spacing_km=0)
    with pytest.raises(InputError, match="depths 3 to 2 km"):
        tables({"A": 0.0}, tmp_path, depth_range_km=(3.0, 2.0))
    with pytest.raises(InputError, match="cannot be that of a file"):
        tables({"../A": 0.0}, tmp_path)


def network() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    names = [f"XX.S{i:02d}" for i in range(10)]
    x, y = rng.uniform(-25, 25, (2, 10))
    elevation = np.array([-1500, -200, 0, 0, 350, 700, 1111, 1500, 1999, 2400.0])
    return pd.DataFrame({"id": names, "x": x, "y": y, "z": -elevation / 1000})


def arrivals(model: LayerModel, stations: pd.DataFrame, event: tuple[float, ...]) -> pd.DataFrame:
    x, y, z, origin = event
    rows = []
    for station in stations.itertuples():
        distance = np.array([np.hypot(station.x - x, station.y - y)])
        for phase in ("P", "S"):
            time = travel_times(model, phase, station.z, distance, np.array([z]))  # type: ignore[arg-type]
            rows.append((station.id, phase, origin + time[0, 0]))
    return pd.DataFrame(rows, columns=["station", "phase", "time"])


@pytest.mark.parametrize("depth", [-1.4, 0.3, 8.2, 18.7])
def test_pyocto_finds_an_event_where_it_was(tmp_path: Path, depth: float) -> None:
    stations, event = network(), (5.3, -7.2, depth, 1000.0)
    elevations = {s.id: -s.z * 1000 for s in stations.itertuples()}
    folder = tables(elevations, tmp_path, max_distance_km=90.0, spacing_km=0.25)
    associator = OctoAssociator(
        xlim=(-30, 30),
        ylim=(-30, 30),
        zlim=(-2, 20),
        velocity_model=StationSpecificVelocityModel1D(path=folder, tolerance=0.5),
        time_before=60,
        min_node_size_location=0.1,
        location_split_depth=12,
        location_split_return=9,
        pick_match_tolerance=0.5,
        n_picks=10,
        n_p_picks=4,
        n_s_picks=4,
        n_p_and_s_picks=4,
        n_threads=1,
    )
    picks = arrivals(CRUST, stations, event)
    events, found = associator.associate(picks, stations)
    assert len(events) == 1
    assert len(found) == 20
    assert_allclose(events.loc[0, ["x", "y", "z"]].astype(float), event[:3], atol=0.15)
    assert abs(events.time[0] - event[3]) < 0.02
    place = tuple(events.loc[0, ["x", "y", "z", "time"]].astype(float))
    ours = picks.time - arrivals(CRUST, stations, place).time
    assert_allclose(found.residual, ours[found.pick_idx], atol=0.015)


def test_tables_of_holuhraun_cover_its_stations(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "holuhraun"
    stations = pd.read_csv(folder / "stations.csv")
    made = station_tables(
        read_layers(folder / "velocity_model.txt"),
        dict(zip(stations.iloc[:, 0], stations["elevation"], strict=True)),
        max_distance_km=100.0,
        depth_range_km=(-2.0, 30.0),
        spacing_km=0.5,
        cache=tmp_path,
    )
    assert len(list(made.glob("*.pyocto"))) == len(stations)
    for name in stations.iloc[:, 0]:
        _, p, s = read_table(made, name)
        assert np.all(np.diff(p, axis=0) >= 0)
        assert np.all(s >= p)
