from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pyocto import OctoAssociator
from pyocto.associator import StationSpecificVelocityModel1D

from epicat.associate import traveltimes
from epicat.associate.layers import LayerModel, read_layers
from epicat.associate.traveltimes import F64, station_tables, travel_times
from epicat.errors import InputError

CRUST = LayerModel((0.0, 5.0, 20.0, 35.0), (4.0, 5.8, 6.6, 8.0), (2.3, 3.3, 3.8, 4.5))


def uniform_layers(*rows: tuple[float, float]) -> LayerModel:
    depth, vp = zip(*rows, strict=True)
    return LayerModel(depth, vp, tuple(v / 1.75 for v in vp), constant=True)


def linear(v0: float, slope: float, top: float = -40.0, bottom: float = 300.0) -> LayerModel:
    depth = np.arange(top, bottom + 1, 10.0)
    vp = v0 + slope * depth
    return LayerModel(tuple(depth.tolist()), tuple(vp.tolist()), tuple((vp / 1.75).tolist()))


def head_wave(x: F64, legs: list[tuple[float, float]], fast: float) -> F64:
    """Shearer 2009, section 4: time over legs (thickness, velocity), infinite before critical."""
    slow = [h / v * np.sqrt(1 - (v / fast) ** 2) for h, v in legs]
    critical = sum(h * v / np.sqrt(fast**2 - v**2) for h, v in legs)
    return np.where(x >= critical, x / fast + sum(slow), np.inf)


@st.composite
def models(draw: st.DrawFn) -> LayerModel:
    size = draw(st.integers(1, 6))
    thickness = draw(st.lists(st.floats(0.1, 15), min_size=size, max_size=size))
    vp = draw(st.lists(st.floats(1.5, 8.5), min_size=size, max_size=size))
    depth = np.cumsum([draw(st.floats(-4, 3)), *thickness[1:]])
    vs = tuple(v / 1.75 for v in vp)
    return LayerModel(tuple(depth.tolist()), tuple(vp), vs, draw(st.booleans()))


depths = st.floats(-5, 40)


# one station and many points ------------------------------------------------------------------


@pytest.mark.parametrize("constant", [False, True])
def test_a_uniform_earth_has_straight_rays(constant: bool) -> None:
    model = LayerModel((0.0, 10.0), (6.0, 6.0), (3.5, 3.5), constant)
    x, z = np.linspace(0, 300, 61), np.linspace(-3, 60, 64)
    for station in (-3.0, -1.234, 0.0, 10.0, 25.0):
        for phase, v in (("P", 6.0), ("S", 3.5)):
            expected = np.hypot(x[:, None], z - station) / v
            times = travel_times(model, phase, station, x, z)  # type: ignore[arg-type]
            assert times.shape == (61, 64)
            assert times.flags.c_contiguous
            assert_allclose(times, expected, atol=1e-6)


@pytest.mark.parametrize(("v0", "slope"), [(4.0, 0.05), (5.5, 0.02), (14.0, -0.03)])
@pytest.mark.parametrize("station", [-2.0, 0.0, 7.77, 33.0])
def test_a_linear_earth_has_circular_rays(v0: float, slope: float, station: float) -> None:
    model = linear(v0, slope, top=-200.0 if slope < 0 else -40.0)
    x, z = np.linspace(0, 200, 101), np.linspace(-3, 60, 64)
    v1, v2 = v0 + slope * station, v0 + slope * z
    squared = x[:, None] ** 2 + (z - station) ** 2
    expected = np.arccosh(1 + slope**2 * squared / (2 * v1 * v2)) / abs(slope)
    error = travel_times(model, "P", station, x, z) - expected
    assert np.abs(error).max() < 5e-4


def test_two_layers_have_a_head_wave_after_the_crossover() -> None:
    model = uniform_layers((0.0, 5.0), (30.0, 8.0))
    x = np.linspace(0, 400, 801)
    direct, head = x / 5, head_wave(x, [(30, 5), (30, 5)], 8)
    times = travel_times(model, "P", 0.0, x, np.array([0.0]))[:, 0]
    assert_allclose(times, np.minimum(direct, head), atol=1e-6)
    crossover = 2 * 30 * np.sqrt((8 + 5) / (8 - 5))
    assert_allclose(x[np.flatnonzero(times < direct - 1e-9)[0]], crossover, atol=0.5)


def test_a_head_wave_needs_its_critical_distance() -> None:
    model = uniform_layers((0.0, 5.0), (30.0, 8.0))
    x = np.linspace(0, 400, 801)
    z = np.array([29.99, 12.0])
    times = travel_times(model, "P", 0.0, x, z)
    for column, depth in enumerate(z):
        direct = np.hypot(x, depth) / 5
        head = head_wave(x, [(30, 5), (30 - depth, 5)], 8)
        assert_allclose(times[:, column], np.minimum(direct, head), atol=1e-6)


def test_a_ray_across_an_interface_obeys_snell() -> None:
    model = uniform_layers((0.0, 4.0), (10.0, 7.0))
    sine = np.linspace(0, 0.999, 50) * 4 / 7
    up, down = np.arcsin(sine), np.arcsin(sine * 7 / 4)
    x = 10 * np.tan(up) + 5 * np.tan(down)
    expected = 10 / 4 / np.cos(up) + 5 / 7 / np.cos(down)
    times = travel_times(model, "P", 0.0, x, np.array([15.0]))[:, 0]
    assert_allclose(times, expected, atol=1e-6)


def test_a_slow_layer_is_left_upward_or_downward_whichever_is_faster() -> None:
    model = uniform_layers((0.0, 5.0), (10.0, 3.0), (20.0, 7.0))
    x = np.linspace(0, 200, 401)
    up = head_wave(x, [(2, 3), (2, 3)], 5)
    down = head_wave(x, [(8, 3), (8, 3)], 7)
    times = travel_times(model, "P", 12.0, x, np.array([12.0]))[:, 0]
    assert_allclose(times, np.minimum(np.minimum(x / 3, up), down), atol=1e-6)
    assert np.any(up < np.minimum(x / 3, down))
    at_the_top = travel_times(model, "P", 0.0, x, np.array([0.0]))[:, 0]
    through = head_wave(x, [(10, 5), (10, 3), (10, 3), (10, 5)], 7)
    assert_allclose(at_the_top, np.minimum(x / 5, through), atol=1e-6)


def test_above_the_model_its_first_velocity_goes_on() -> None:
    model = uniform_layers((0.0, 5.0), (30.0, 8.0))
    x, z = np.linspace(0, 50, 11), np.array([-2.5, -1.0, 3.0])
    times = travel_times(model, "P", -2.0, x, z)
    assert_allclose(times, np.hypot(x[:, None], z + 2.0) / 5, atol=1e-6)


def test_below_the_model_its_last_velocity_goes_on() -> None:
    x, z = np.linspace(0, 50, 11), np.array([60.0, 90.0])
    times = travel_times(CRUST, "P", 40.0, x, z)
    assert_allclose(times, np.hypot(x[:, None], z - 40) / 8, atol=1e-6)


def test_the_time_at_the_station_is_zero() -> None:
    x, z = np.array([0.0]), np.array([-0.123456])
    assert travel_times(CRUST, "S", -0.123456, x, z) == [[0.0]]


def test_points_may_come_in_any_order_and_more_than_once() -> None:
    x, z = np.array([30.0, 0.0, 7.0, 30.0]), np.array([12.0, -1.0, 12.0, 3.0])
    times = travel_times(CRUST, "P", -0.5, x, z)
    for i, distance in enumerate(x):
        for j, depth in enumerate(z):
            one = travel_times(CRUST, "P", -0.5, np.array([distance]), np.array([depth]))
            assert_allclose(times[i, j], one[0, 0], atol=1e-3)
    assert travel_times(CRUST, "P", 0.0, x[:0], z).shape == (0, 4)
    assert travel_times(CRUST, "P", 0.0, x, z[:0]).shape == (4, 0)


@given(models(), depths, depths, st.floats(0, 200))
def test_source_and_station_may_change_places(
    model: LayerModel, one: float, other: float, distance: float
) -> None:
    x = np.array([distance])
    there = travel_times(model, "P", one, x, np.array([other]))
    back = travel_times(model, "P", other, x, np.array([one]))
    assert_allclose(there, back, atol=1e-6)


@given(models(), depths, st.lists(depths, min_size=1, max_size=5))
def test_times_rise_with_distance_without_jumps(
    model: LayerModel, station: float, points: list[float]
) -> None:
    x = np.linspace(0, 200, 401)
    times = travel_times(model, "S", station, x, np.array(points))
    assert np.isfinite(times).all()
    steps = np.diff(times, axis=0)
    assert steps.min() >= -1e-7
    assert steps.max() <= 0.5 / min(model.vs) + 1e-6


@given(models(), depths, depths, st.floats(0, 200))
def test_no_path_is_slower_than_the_straight_one_or_faster_than_the_rock(
    model: LayerModel, station: float, point: float, distance: float
) -> None:
    time = travel_times(model, "P", station, np.array([distance]), np.array([point]))[0, 0]
    length = np.hypot(distance, point - station)
    along = np.linspace(station, point, 20_001)
    straight = length * np.mean(1 / model.velocity((along[1:] + along[:-1]) / 2, "P"))
    assert length / max(model.vp) - 1e-6 <= time <= straight + 2e-3 * straight + 1e-6


def test_a_table_of_usual_size_takes_well_under_a_second() -> None:
    x, z = np.arange(400) * 0.5, np.arange(100) * 0.5 - 2
    times = []
    for _ in range(3):
        start = perf_counter()
        travel_times(CRUST, "S", -1.2, x, z)
        times.append(perf_counter() - start)
    assert min(times) < 1.0


# tables for PyOcto -----------------------------------------------------------------------------


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

    monkeypatch.setattr(traveltimes, "travel_times", never)
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
        patch.setattr(traveltimes.struct, "pack", fail)
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
