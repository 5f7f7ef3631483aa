"""An hour of the Ridgecrest aftershocks: its picks imported, associated, held against ComCat.

The numbers are those of the project's acceptance.  How many events a catalog matches by chance
is told by a copy of it with its clock shifted by half a minute.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from epicat.catalog.compare import compare, read_event_list
from epicat.cli.app import main
from epicat.geo import distance_azimuth
from epicat.store.base import Where
from epicat.store.open import open_store
from epicat.time import SECOND_NS, parse_time

LAYERS = ((0, 5.5), (5.5, 6.3), (16, 6.7), (32, 7.8))
EXTENT = "35.2,36.3,-118.2,-117.0"
NEAR_S, NEAR_KM = 2.0, 10.0
SHIFT_NS = 30 * SECOND_NS


def run(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code in (0, None)


def matched(times: np.ndarray, places: np.ndarray, folder: Path) -> int:
    """Return how many reviewed events have an event of their own within 2 s and 10 km."""
    with (folder / "comcat_reviewed.csv").open() as file:
        rows = list(csv.DictReader(file))
    theirs = np.array([parse_time(row["time"]) for row in rows])
    where = np.array([(float(row["latitude"]), float(row["longitude"])) for row in rows])
    late = np.abs(times[:, None] - theirs[None, :]) <= NEAR_S * SECOND_NS
    ours, others = np.nonzero(late)
    km, _ = distance_azimuth(places[ours, 0], places[ours, 1], where[others, 0], where[others, 1])
    near = km <= NEAR_KM
    pairs = csr_array((np.ones(near.sum()), (ours[near], others[near])), shape=late.shape)
    return int((maximum_bipartite_matching(pairs) >= 0).sum())


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("EPICAT_SLOW") != "1", reason="minutes; EPICAT_SLOW=1 runs it")
def test_an_hour_of_aftershocks(realdata: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder, store = realdata / "ridgecrest", tmp_path / "store"
    rows = "".join(f"{depth},{vp},{vp / 1.73}\n" for depth, vp in LAYERS)
    (tmp_path / "velocity.csv").write_text(f"depth_km,vp,vs\n{rows}")
    run("stations", "import", folder / "stations.csv", "--store", store)
    run("picks", "import", folder / "picks.csv", "--store", store)
    capsys.readouterr()
    run(
        "associate", "2019-07-06", "2019-07-07", EXTENT, "--store", store, "--workers", 1,
        "--velocity", tmp_path / "velocity.csv", "--velocity-layers", "constant", "--json",
    )  # fmt: skip
    made = json.loads(capsys.readouterr().out)
    events = open_store(str(store)).read("events", Where(design=made["associator"]))
    times = events["time"].cast("int64").to_numpy()
    places = np.column_stack([events["latitude"].to_numpy(), events["longitude"].to_numpy()])
    found, chance = (matched(times + shift, places, folder) for shift in (0, SHIFT_NS))
    told = f"{len(times)} events, {found} of 170 matched, {chance} by chance"
    assert len(times) <= 280, told
    assert found >= 134, told
    result = compare(
        read_event_list(store), read_event_list(folder / "comcat_reviewed.csv"),
        max_s=NEAR_S, max_km=NEAR_KM, shift_s=SHIFT_NS / SECOND_NS,
    )  # fmt: skip
    assert chance <= 30, told
    assert len(result.first) <= 280
    assert result.n_matched >= 140  # located, and matched with the picks again
    assert result.chance[0] <= 30
