"""Networks, events and picks with known truth, for tests and the calibration benchmark."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    seen = np.clip(1.15 - _apart(network, place) / 70, 0.05, 0.9)
    box = Box((-60, 60), (-60, 60), (-1, 30))
    return _simulated(rng, _Setting(network, place, seen, model, box), errors, least)


def simulate_random(
    seed: int, *, events: int = 500, is_delayed: bool = True, velocity: float | None = None
) -> Simulated:
    """Draw a network, its earth and seismicity at random.

    Networks are 20 to 300 km wide and have 12 to 60 sensors, of which a random number of those
    nearest to an event see it; 5 to 30 % of the picks are wrong.  Without ``is_delayed`` the same
    network has no delays of stations and paths; ``velocity`` replaces the drawn error of -2 to 2 %.
    """
    rng = np.random.default_rng(seed)
    half = 0.5 * np.exp(rng.uniform(np.log(20), np.log(300)))
    sensors = round(np.exp(rng.uniform(np.log(12), np.log(60))))
    picks = rng.uniform(14, min(40, 1.5 * sensors))
    noise_s = rng.uniform(0.03, 0.06)
    drawn = Errors(
        noise_s=(noise_s, noise_s * rng.uniform(1.3, 2)),
        wrong=rng.uniform(0.05, 0.3),
        static_s=rng.uniform(0.1, 0.2),
        path_s=rng.uniform(0.04, 0.08),
        path_km=rng.uniform(4, 15),
        velocity=rng.uniform(-0.02, 0.02),
        gaussian=rng.random() < 0.5,
    )
    errors = drawn if is_delayed else replace(drawn, static_s=0.0, path_s=0.0)
    errors = errors if velocity is None else replace(errors, velocity=velocity)
    network = Network(*rng.uniform(-half, half, (2, sensors)), -rng.uniform(0, 1.2, sensors))
    place = _places(rng, events, half / 42)
    rank = _apart(network, place).argsort(axis=1).argsort(axis=1)
    reach = 0.7 * picks * rng.uniform(0.6, 1.4, (events, 1))
    seen = np.clip(1.3 - rank / reach, 0.01, 0.95)
    edge = 1.1 * half + 15
    box = Box((-edge, edge), (-edge, edge), (-1.5, 30))
    return _simulated(rng, _Setting(network, place, seen, LAYERS, box), errors, 7)


def _apart(network, place):
    """Return epicentral distances in km, shape (events, sensors)."""
    x, y = place[:, None, 0] - network.x_km, place[:, None, 1] - network.y_km
    return np.hypot(x, y)


@dataclass(frozen=True)
class _Setting:
    """Where sensors and events are; a phase is picked with probability ``seen``."""

    network: Network
    place_km: np.ndarray
    seen: np.ndarray
    model: LayerModel
    box: Box


def _simulated(rng, setting, errors, least):
    """Simulate picks, and leave out events with fewer than ``least``."""
    events = len(setting.place_km)
    origin = rng.uniform(-1, 1, events)
    rows = _picks(rng, setting, origin, errors)
    columns = [np.concatenate(c) for c in zip(*rows, strict=True)]
    return pack(setting.network, setting.place_km, origin, columns, setting.box, least)


def pack(network, place_km, origin, columns, box, least):
    """Leave out events with fewer than ``least`` picks; columns are event, sensor, phase, time."""
    event, sensor, phase, time = columns
    kept = np.flatnonzero(np.bincount(event, minlength=len(place_km)) >= least)
    number = np.full(len(place_km), -1)
    number[kept] = np.arange(len(kept))
    use = number[event] >= 0
    event, sensor, phase, time = number[event[use]], sensor[use], phase[use], time[use]
    sigma = np.array(EXPECTED_S)[phase]
    arrivals = Arrivals.from_columns(event, sensor, phase, time, sigma)
    return Simulated(network, arrivals, place_km[kept], origin[kept], box)


def _places(rng, events, wide=1.0):
    """Six clusters and a background in a square of 90 km, or ``wide`` times that."""
    centers = rng.uniform((-35 * wide, -35 * wide, 4), (35 * wide, 35 * wide, 14), (6, 3))
    which = rng.integers(0, 7, events)
    clustered = centers[np.minimum(which, 5)] + rng.normal(0, (2.5, 2.5, 1.5), (events, 3))
    spread = rng.uniform((-45 * wide, -45 * wide, 2), (45 * wide, 45 * wide, 16), (events, 3))
    place = np.where(which[:, None] < 6, clustered, spread)
    place[:, 2] = np.clip(place[:, 2], 1, 20)
    return place


def _picks(rng, setting, origin, errors):
    network, place, model = setting.network, setting.place_km, setting.model
    events = len(place)
    scale = 1 + errors.velocity
    vp, vs = (v * scale for v in (np.array(model.vp), np.array(model.vs) / (1 + errors.ratio)))
    true = LayerModel(model.depth_km, tuple(vp), tuple(vs), model.constant)
    squared = ((place[:, None] - place[None]) ** 2).sum(-1)
    correlation = np.exp(-0.5 * squared / errors.path_km**2) + 1e-6 * np.eye(events)
    factor = np.linalg.cholesky(correlation)
    rows = []
    apart = _apart(network, place)
    x = np.arange(0, max(160.0, apart.max()) + 0.5, 0.5)
    z = np.linspace(-1.5, 31, 66)
    for k in range(len(network.x_km)):
        delay = rng.normal(0, errors.static_s) + factor @ rng.normal(0, errors.path_s, events)
        for p, phase in enumerate("PS"):
            table = travel_times(true, phase, float(network.depth_km[k]), x, z)
            time = RegularGridInterpolator((x, z), table)(np.c_[apart[:, k], place[:, 2]])
            spread = errors.noise_s[p]
            noise = (rng.normal(0, spread, events) if errors.gaussian
                     else rng.laplace(0, spread / np.sqrt(2), events))  # fmt: skip
            wrong = np.where(rng.random(events) < errors.wrong, rng.uniform(-1.5, 1.5, events), 0.0)
            time = origin + time + (1, 1.74)[p] * delay + noise + wrong
            seen = np.flatnonzero(rng.random(events) < setting.seen[:, k])
            rows.append((seen, np.full(len(seen), k), np.full(len(seen), p), time[seen]))
    return rows
