"""The judge is judged: matches against all permutations, scores against hand-made catalogs."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.errors import InputError
from epicat.model import Event, Pick
from epicat.synthetic.scoring import Truth, match, read_truth, score_catalog
from epicat.synthetic.truth import TRUE_ARRIVALS, TRUE_EVENTS
from epicat.table_rows import events_table, picks_table
from epicat.time import SECOND_NS, parse_time

START = parse_time("2024-03-01")


def ns(seconds: float) -> int:
    return START + round(seconds * SECOND_NS)


@given(
    st.lists(st.integers(0, 30), max_size=5),
    st.lists(st.integers(0, 30), max_size=5),
    st.integers(1, 8),
)
def test_matches_are_the_best_of_all(one: list[int], other: list[int], tolerance: int) -> None:
    a, b = np.array(one, np.int64), np.array(other, np.int64)
    pairs = match(a, b, tolerance, lambda i, j: np.abs(a[i] - b[j]) / tolerance)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(a[i] - b[j]) <= tolerance for i, j in pairs)
    # With as many unmatched as there may be: the most pairs, then the least cost.
    long, short = (one, other) if len(one) >= len(other) else (other, one)
    best = max(
        (
            (sum(ok), -sum(d for d, k in zip(away, ok, strict=True) if k))
            for order in permutations(long, len(short))
            for away in [[abs(x - y) for x, y in zip(order, short, strict=True)]]
            for ok in [[d <= tolerance for d in away]]
        ),
        default=(0, 0),
    )
    assert (len(pairs), -sum(abs(int(a[i] - b[j])) for i, j in pairs)) == best


def truth(times: list[float], counts: list[int]) -> Truth:
    events = [
        {"event_id": f"e{n}", "time": ns(t), "latitude": 40.0, "longitude": -124.0,
         "depth_km": 8.0, "magnitude": 2.0, "ml": 2.0, "n_detectable": count, "strike_deg": 0.0,
         "dip_deg": 90.0, "rake_deg": 0.0, "stress_drop_mpa": 3.0}
        for n, (t, count) in enumerate(zip(times, counts, strict=True))
    ]  # fmt: skip
    arrivals = [
        {"event_id": f"e{n}", "pick_id": f"{n}{phase}", "trace_id": "XX.S01.00", "band": "HH",
         "phase": phase, "time": ns(t + late), "snr": snr, "recorded": n != 3, "polarity": 0,
         "distance_km": 20.0, "azimuth_deg": 0.0, "wood_anderson_mm": 1.0}
        for n, t in enumerate(times)
        for phase, late, snr in (("P", 4.0, 10.0), ("S", 7.0, 2.0))
    ]  # fmt: skip
    return Truth(
        pa.Table.from_pylist(events, schema=TRUE_EVENTS),
        pa.Table.from_pylist(arrivals, schema=TRUE_ARRIVALS),
    )


def event(seconds: float, latitude: float = 40.0, depth_km: float = 8.0) -> Event:
    return Event(ns(seconds), latitude, -124.0, depth_km, 0, 0, 0, 0, 0, 5, False, ())


def pick(seconds: float, phase: str, location: str = "20") -> Pick:
    return Pick(ns(seconds), f"XX.S01.{location}", "HN", phase, 0.9, ns(seconds), ns(seconds))


def test_a_score_counts_what_was_found_missed_and_made_up() -> None:
    known = truth([0, 100, 200, 300], [12, 5, 4, 9])
    catalog = [
        event(0.5, 40.01),  # found, 1.1 km off
        event(199.5, depth_km=10.0),  # a smaller one
        event(300.2, 41.0),  # too far away
        event(1.5),  # a second one for the first
        event(500),
    ]
    picks = [pick(4.1, "P"), pick(4.3, "P"), pick(103.8, "P"), pick(7.05, "S"), pick(250, "S")]
    score = score_catalog(known, events_table(catalog, "d", "k"), picks_table(picks, "d", "k"))
    assert (score.true, score.detectable, score.found, score.missed) == (4, 3, 1, 2)
    assert (score.extra, score.false) == (1, 3)
    assert score.recall == pytest.approx(1 / 3)
    assert score.false_share == pytest.approx(3 / 5)
    assert score.time_error_s == pytest.approx(0.5)
    assert score.epicenter_error_km == pytest.approx(1.11 / 2, abs=0.01)
    assert score.depth_error_km == pytest.approx(1.0)
    assert (score.p.true, score.p.found, score.p.picks, score.p.matched) == (3, 2, 3, 2)
    assert score.p.residual_s == pytest.approx(-0.05)
    assert score.p.spread_s == pytest.approx(0.15)
    assert (score.s.true, score.s.found, score.s.picks, score.s.matched) == (0, 0, 2, 1)
    assert score.as_dict()["found"] == 1


def test_an_empty_catalog_misses_all_and_makes_nothing_up() -> None:
    score = score_catalog(
        truth([0, 100], [12, 3]), events_table([], "d", "k"), picks_table([], "d", "k")
    )
    assert (score.found, score.missed, score.false, score.false_share) == (0, 1, 0, 0.0)


def test_a_folder_without_truth_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="epicat synth"):
        read_truth(tmp_path)
