"""Networks, events and picks with known truth, for tests and the calibration benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from epicat.locate.arrivals import Arrivals, Network
from epicat.locate.search import Box
from epicat.velocity.layers import LayerModel
from epicat.velocity.travel_times import travel_times

LAYERS = LayerModel(
    (0.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    (4.2, 5.2, 5.9, 6.2, 6.6, 7.5),
    tuple(v / 1.74 for v in (4.2, 5.2, 5.9, 6.2, 6.6, 7.5)),
)
EXPECTED_S = (0.05, 0.08)


@dataclass(frozen=True)
class Errors:
    """What disturbs the picks, standard deviations in s of P; S has 1.74 times the delays.

    True velocities are larger than the model's by ``velocity``, true vp/vs by ``ratio``.
    """

    noise_s: tuple[float, float] = (0.03, 0.06)
    wrong: float = 0.05
    static_s: float = 0.0
    path_s: float = 0.0
    path_km: float = 8.0
    velocity: float = 0.0
    ratio: float = 0.0
    gaussian: bool = False


@dataclass(frozen=True)
class Simulated:
    """Events with their picks, and where they truly are."""

    network: Network
    arrivals: Arrivals
    place_km: np.ndarray
    origin_s: np.ndarray
    box: Box


def simulate(
    seed: int,
    *,
    events: int = 200,
    sensors: int = 16,
    model: LayerModel = LAYERS,
    errors: Errors | None = None,
    least: int = 7,
) -> Simulated:
    errors = errors or Errors()
    rng = np.random.default_rng(seed)
    network = Network(rng.uniform(-42, 42, sensors), rng.uniform(-44, 44, sensors),
                      -rng.uniform(0, 1.2, sensors))  # fmt: skip
    place = _places(rng, events)
    origin = rng.uniform(-1, 1, events)
    rows = _picks(rng, network, place, origin, model, errors)
    event, sensor, phase, time = (np.concatenate(c) for c in zip(*rows, strict=True))
    kept = np.flatnonzero(np.bincount(event, minlength=events) >= least)
    number = np.full(events, -1)
    number[kept] = np.arange(len(kept))
    use = number[event] >= 0
    event, sensor, phase, time = number[event[use]], sensor[use], phase[use], time[use]
    sigma = np.array(EXPECTED_S)[phase]
    arrivals = Arrivals.from_columns(event, sensor, phase, time, sigma)
    box = Box((-60, 60), (-60, 60), (-1, 30))
    return Simulated(network, arrivals, place[kept], origin[kept], box)


def _places(rng, events):
    """Six clusters and a background."""
    centers = rng.uniform((-35, -35, 4), (35, 35, 14), (6, 3))
    which = rng.integers(0, 7, events)
    clustered = centers[np.minimum(which, 5)] + rng.normal(0, (2.5, 2.5, 1.5), (events, 3))
    wide = rng.uniform((-45, -45, 2), (45, 45, 16), (events, 3))
    place = np.where(which[:, None] < 6, clustered, wide)
    place[:, 2] = np.clip(place[:, 2], 1, 20)
    return place


def _picks(rng, network, place, origin, model, errors):
    events = len(place)
    scale = 1 + errors.velocity
    vp, vs = (v * scale for v in (np.array(model.vp), np.array(model.vs) / (1 + errors.ratio)))
    true = LayerModel(model.depth_km, tuple(vp), tuple(vs), model.constant)
    apart = ((place[:, None] - place[None]) ** 2).sum(-1)
    correlation = np.exp(-0.5 * apart / errors.path_km**2) + 1e-6 * np.eye(events)
    factor = np.linalg.cholesky(correlation)
    rows = []
    x = np.linspace(0, 160, 321)
    z = np.linspace(-1.5, 31, 66)
    for k in range(len(network.x_km)):
        distance = np.hypot(place[:, 0] - network.x_km[k], place[:, 1] - network.y_km[k])
        delay = rng.normal(0, errors.static_s) + factor @ rng.normal(0, errors.path_s, events)
        for p, phase in enumerate("PS"):
            table = travel_times(true, phase, float(network.depth_km[k]), x, z)
            time = RegularGridInterpolator((x, z), table)(np.c_[distance, place[:, 2]])
            spread = errors.noise_s[p]
            noise = (rng.normal(0, spread, events) if errors.gaussian
                     else rng.laplace(0, spread / np.sqrt(2), events))  # fmt: skip
            wrong = np.where(rng.random(events) < errors.wrong, rng.uniform(-1.5, 1.5, events), 0.0)
            time = origin + time + (1, 1.74)[p] * delay + noise + wrong
            seen = np.flatnonzero(rng.random(events) < np.clip(1.15 - distance / 70, 0.05, 0.9))
            rows.append((seen, np.full(len(seen), k), np.full(len(seen), p), time[seen]))
    return rows
