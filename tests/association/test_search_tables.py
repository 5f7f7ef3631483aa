"""PyOcto with tables of travel times that hold no more than its search and its location need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from epicat.association import search_tables
from epicat.association.search import Search, SearchInput, SearchSites
from epicat.association.search_tables import SearchTables
from epicat.association.site_times import SiteTimes
from epicat.association.station_tables import station_tables
from epicat.velocity.layers import LayerModel

CRUST = LayerModel((0.0, 5.0, 20.0, 35.0), (4.0, 5.8, 6.6, 8.0), (2.3, 3.3, 3.8, 4.5))
ELEVATION_KM = np.array([-1.5, -0.2, 0.0, 0.0, 0.3, 0.7, 1.1, 1.5, 2.0, 2.4])
SITES = tuple(f"XX.S{n}" for n in range(len(ELEVATION_KM)))
PYOCTO = {
    "tolerance": 0.5,
    "association_cutoff_distance": 40.0,
    "time_before": 60.0,
    "time_slicing": 600.0,
    "min_node_size": 3.0,
    "min_node_size_location": 0.3,
    "location_split_depth": 9,
    "location_split_return": 6,
    "pick_match_tolerance": 0.8,
    "min_pick_fraction": 0.0,
    "exponential_edt": False,
    "n_picks": 10,
    "n_p_picks": 4,
    "n_s_picks": 4,
    "n_p_and_s_picks": 4,
}


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    x, y = np.random.default_rng(3).uniform(-25, 25, (2, len(SITES)))
    return np.column_stack([x, y, -ELEVATION_KM])


@pytest.fixture(scope="module")
def times(places: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> SiteTimes:
    folder = station_tables(
        CRUST,
        dict(zip(SITES, 1000 * ELEVATION_KM, strict=True)),
        max_distance_km=100.0,
        depth_range_km=(-2.5, 60.0),
        spacing_km=0.5,
        cache=Path(tmp_path_factory.mktemp("tables")),
    )
    return SiteTimes(SITES, places, folder)


@pytest.mark.parametrize("most_bytes", [1e9, 0], ids=["a table a site", "one location table"])
@pytest.mark.parametrize(
    ("depth_km", "range_km"),
    [(-1.2, (-2.5, 20.0)), (8.2, (-2.5, 20.0)), (41.0, (20.0, 60.0))],
)
def test_events_are_found_where_they_were(
    times: SiteTimes,
    places: np.ndarray,
    depth_km: float,
    range_km: tuple[float, float],
    most_bytes: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search_tables, "_MOST_BYTES", most_bytes)
    event = (5.3, -7.2, depth_km)
    arrivals = 100.0 + times.times(event)
    every = np.arange(len(SITES))
    order = np.argsort(arrivals.ravel())
    phase = np.repeat(np.array([ord("P"), ord("S")], np.uint8), len(SITES))
    picks = SearchInput(arrivals.ravel()[order], np.tile(every, 2)[order], phase[order])
    box = ((-30.0, 30.0), (-30.0, 30.0), range_km)
    search = Search(SearchSites(SITES, places), box, PYOCTO, times.for_search(every))
    (found,) = search.find(picks)
    assert len(found.rows) == 2 * len(SITES)
    assert np.abs(np.array(found.place_km) - event).max() < 4
    assert abs(found.time_s - 100.0) < 0.5


def test_a_site_that_is_higher_is_later(times: SiteTimes) -> None:
    tables = times.for_search(np.arange(len(SITES)))
    assert isinstance(tables, SearchTables)
    later_s = tables._later_s((5.0, 20.0), 40.0)
    assert np.all(np.diff(later_s[:, 0]) < 0)  # deeper tables come later
    height_km = ELEVATION_KM.max() - ELEVATION_KM.min()
    slowest = height_km / np.array([CRUST.vp[0], CRUST.vs[0]])
    total = later_s[0] - later_s[-1]
    assert np.all((0.5 * slowest < total) & (total < slowest))


def test_pyocto_gets_no_more_than_its_search_needs(times: SiteTimes, tmp_path: Path) -> None:
    tables = times.for_search(np.arange(3))
    assert isinstance(tables, SearchTables)
    place = np.zeros((3, 3))
    tables._of_sites(tmp_path, place, (10.0, 20.0), 20.0)
    sizes = [path.stat().st_size for path in tmp_path.glob("*.pyocto")]
    assert len(sizes) == 3
    assert max(sizes) <= 16 * (20 / 0.5 + 2) * (10 / 0.5 + 3) + 16
