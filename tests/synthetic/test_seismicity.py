from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.geo import distance_azimuth
from epicat.model import Span
from epicat.synthetic import Seismicity
from epicat.synthetic.seismicity import draw_earthquakes, magnitudes
from epicat.time import DAY_NS, SECOND_NS, parse_time

START = parse_time("2024-03-01")
HERE = (40.0, -124.0)


def test_magnitudes_follow_the_law() -> None:
    seismicity = Seismicity(b_value=1.1, min_magnitude=1.0, max_magnitude=6.0)
    drawn = magnitudes(np.random.default_rng(0), seismicity, 20_000)
    assert drawn.min() >= 1.0
    assert drawn.max() <= 6.0
    # Aki (1965): b = log10(e) / (mean - smallest).
    assert np.log10(np.e) / (drawn.mean() - 1.0) == pytest.approx(1.1, rel=0.03)


def test_times_are_poissonian() -> None:
    span = Span(START, START + 200 * DAY_NS)
    quakes = draw_earthquakes(1, Seismicity(per_day=20.0), span, HERE)
    days = np.bincount([(q.time_ns - START) // DAY_NS for q in quakes], minlength=200)
    assert days.mean() == pytest.approx(20, rel=0.06)
    assert days.var() / days.mean() == pytest.approx(1.0, abs=0.35)


@given(st.integers(0, 5), st.integers(1, 40), st.floats(0, 80))
def test_separated_earthquakes_keep_their_distance(seed: int, count: int, apart: float) -> None:
    span = Span(START, START + 3600 * SECOND_NS)
    seismicity = Seismicity(count=count, separation_s=apart)
    quakes = draw_earthquakes(seed, seismicity, span, HERE)
    times = np.array([q.time_ns for q in quakes])
    assert len(times) == count
    assert (np.diff(times) >= apart * SECOND_NS - 1).all()
    assert times[0] >= span.start_ns
    assert times[-1] < span.end_ns


def test_places_are_where_they_may_be() -> None:
    span = Span(START, START + DAY_NS)
    for q in draw_earthquakes(2, Seismicity(count=200, depth_km=(3, 9)), span, HERE):
        assert 3 <= q.depth_km <= 9
        assert distance_azimuth(*HERE, q.latitude, q.longitude)[0] < 1.2 * 40


def test_aftershocks_die_away_by_omoris_law() -> None:
    span = Span(START, START + 10 * DAY_NS)
    seismicity = Seismicity(count=0, mainshock=6.0, min_magnitude=1.5, b_value=0.91)
    quakes = draw_earthquakes(3, seismicity, span, HERE)
    main = max(quakes, key=lambda q: q.source.magnitude)
    assert main.source.magnitude == 6.0
    days = np.array([q.time_ns - main.time_ns for q in quakes if q is not main]) / DAY_NS
    assert (days > 0).all()

    # n(t) ~ (t + 0.05)^-1.08: from 0 to 1 day as many as the integral says.
    def integral(t: float) -> float:
        return (0.05**-0.08 - (t + 0.05) ** -0.08) / 0.08

    assert np.mean(days < 1.0) == pytest.approx(integral(1.0) / integral(8.0), abs=0.04)
    assert len(days) == pytest.approx(10 ** (-1.67 + 0.91 * 4.5) * integral(8.0), rel=0.15)
