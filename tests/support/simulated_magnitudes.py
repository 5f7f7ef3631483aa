"""Simulated amplitudes at a network: what a magnitude is measured from, with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epicat.magnitude.laws import law_named
from epicat.magnitude.network import Observations


@dataclass(frozen=True)
class Simulated:
    """Events with a magnitude, and the station magnitudes that were measured."""

    truth: np.ndarray
    observations: Observations
    station: np.ndarray
    sizes: np.ndarray


def simulate(
    seed: int,
    *,
    n_events: int = 400,
    n_stations: int = 15,
    scatter: float = 0.2,
    station_effect: float = 0.0,
    outliers: float = 0.02,
    gate: float = 3.0,
) -> Simulated:
    """Events of b = 1 within 60 km of stations whose noise differs by an order of magnitude."""
    rng = np.random.default_rng(seed)
    law = law_named("hutton-boore")
    truth = 0.3 + rng.exponential(1 / np.log(10), n_events)
    stations, events = rng.uniform(-40, 40, (n_stations, 2)), rng.uniform(-40, 40, (n_events, 2))
    depth = rng.uniform(3, 12, n_events)
    effects = rng.normal(0, station_effect, n_stations)
    effects -= effects.mean()
    event, station = (a.ravel() for a in np.indices((n_events, n_stations)))
    epicentral = np.hypot(*(events[event] - stations[station]).T)
    distance = np.hypot(epicentral, depth[event])
    own = truth[event] + effects[station] + rng.normal(0, scatter, event.size)
    signal = 10 ** (own - law.correction(distance))
    level = 10 ** rng.uniform(-3.2, -1.8, n_stations)[station]
    noise = level * np.exp(rng.normal(0, 0.15, event.size))
    in_window = level * np.exp(rng.normal(0, 0.15, event.size))
    amplitude = np.hypot(signal, 0.5 * in_window)
    is_wrong = rng.random(event.size) < outliers
    amplitude[is_wrong] *= 10 ** rng.uniform(-1.5, 1.5, is_wrong.sum())
    is_bound = amplitude < gate * noise
    value = law.magnitude(np.where(is_bound, gate * noise, amplitude), distance)
    observations = Observations(event, value, is_bound, n_events, np.zeros(len(event), bool))
    return Simulated(truth, observations, station, effects)
