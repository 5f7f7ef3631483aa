"""Travel times of a spherical Earth against references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from epicat.velocity.builtin import model_of
from epicat.velocity.flattening import flat_depth, flattened
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

RADIUS_KM = 6371.0
DISTANCE_KM = np.array([0.0, 30.0, 200.0, 700.0, 1500.0])


def test_a_uniform_sphere_has_straight_rays():
    model = LayerModel((0.0,), (6.0,), (3.5,), constant=True, spherical=True)
    depths = np.array([0.0, 15.0, 300.0])
    for station in (-3.0, 0.0, 2.0):
        found = travel_times(model, "P", station, DISTANCE_KM, depths)
        angle = DISTANCE_KM[:, None] / RADIUS_KM
        a, b = RADIUS_KM - station, RADIUS_KM - depths
        chord = np.sqrt(np.maximum(a**2 + b**2 - 2 * a * b * np.cos(angle), 0))
        assert np.abs(found - chord / 6.0).max() < 0.03


def test_times_of_a_local_network_are_right_to_milliseconds():
    model = LayerModel((0.0,), (6.0,), (3.5,), constant=True, spherical=True)
    distance, depth = np.linspace(0, 200, 41), np.array([0.0, 5.0, 15.0, 30.0])
    found = travel_times(model, "S", -0.5, distance, depth)
    angle = distance[:, None] / RADIUS_KM
    a, b = RADIUS_KM + 0.5, RADIUS_KM - depth
    chord = np.sqrt(a**2 + b**2 - 2 * a * b * np.cos(angle))
    assert np.abs(found - chord / 3.5).max() < 0.003


def test_global_models_agree_with_published_times():
    # TauP (Crotwell et al. 1999, doi:10.1785/gssrl.70.2.154) for iasp91, first arrivals.
    model = replace(model_of("iasp91"), spherical=True)
    times = {
        ("P", 10.0, 1000.0): 129.89,
        ("P", 300.0, 500.0): 71.71,
        ("P", 600.0, 1500.0): 173.64,
        ("S", 10.0, 500.0): 121.49,
        ("S", 100.0, 300.0): 74.25,
        ("S", 600.0, 1000.0): 234.99,
    }
    for (phase, depth, distance), seconds in times.items():
        found = travel_times(model, phase, 0.0, np.array([distance]), np.array([depth]))  # type: ignore[arg-type]
        assert found[0, 0] == pytest.approx(seconds, abs=0.06)


def test_small_distances_are_those_of_a_flat_earth():
    flat = LayerModel((0.0, 5.0, 20.0), (5.0, 6.0, 7.0), (2.9, 3.5, 4.0))
    x, z = np.linspace(0, 60, 13), np.array([1.0, 8.0, 15.0])
    sphere = replace(flat, spherical=True)
    for phase in ("P", "S"):
        there, here = (travel_times(m, phase, -0.5, x, z) for m in (sphere, flat))  # type: ignore[arg-type]
        assert np.abs(there - here).max() < 0.03


def test_the_flat_model_keeps_vertical_times_and_depths_above_the_sea():
    model = LayerModel((0.0, 30.0, 410.0), (6.0, 8.0, 9.3), (3.5, 4.5, 5.1), constant=True)
    flat = flattened(model, 700.0, 0.0)
    depth = np.array(flat.depth_km)
    assert np.all(np.diff(depth) > 0)
    known = pytest.approx([-2.9993, 0.0, 630.16], abs=0.01)
    assert flat_depth(np.array([-3.0, 0.0, 600.0])) == known
    vertical = travel_times(model, "P", 0.0, np.zeros(1), np.array([600.0]))
    there = travel_times(replace(model, spherical=True), "P", 0.0, np.zeros(1), np.array([600.0]))
    assert there == pytest.approx(vertical, abs=1e-3)


def test_the_digest_of_flat_models_does_not_change():
    model = LayerModel((0.0, 10.0), (5.0, 6.0), (2.9, 3.5))
    assert model.digest == LayerModel((0.0, 10.0), (5.0, 6.0), (2.9, 3.5), False, False).digest
    assert model.digest != replace(model, spherical=True).digest
