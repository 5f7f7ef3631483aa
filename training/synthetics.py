"""Synthetic earthquakes with known onsets, each in a different crust and on a random instrument."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from epicat.synthetic.propagation import GIL7, Crust
from epicat.synthetic.training_windows import Recipe, make_window
from training.changes import rotated
from training.real import RATE
from training.records import SAMPLES, Arrival, Record

__all__ = ["TRUST", "synthetic"]

TRUST = 0.75
"""The onsets are exact; the rest is the teacher's view of whether one can see them."""

_BANDS = {"HH": 0.5, "EH": 0.2, "EN": 0.1, "HN": 0.1, "BH": 0.1}
"""Share of the records by band code."""


def synthetic(rng: np.random.Generator) -> Record:
    """Return a record of one synthetic earthquake, sometimes two, with noise."""
    band = str(rng.choice(list(_BANDS), p=list(_BANDS.values())))
    window = make_window(rng, _recipe(rng, band), _crust(rng))
    ratio = Fraction(RATE, window.rate)
    data = window.data.astype(np.float64)
    if ratio != 1:
        data = resample_poly(data, ratio.numerator, ratio.denominator, axis=1)
    arrivals = tuple(Arrival(a.phase, a.sample * float(ratio)) for a in window.arrivals)
    return Record(rotated(rng, data), arrivals, TRUST)


def _recipe(rng: np.random.Generator, band: str) -> Recipe:
    far = 150.0 if rng.random() < 0.6 else 40.0
    return Recipe(seconds=SAMPLES // RATE, band=band, distance_km=(1.0, far), second=0.25)


def _crust(rng: np.random.Generator) -> Crust:
    """Draw velocities, vp/vs, attenuation and scattering around values of California."""
    faster, ratio = rng.uniform(0.85, 1.15), rng.uniform(1.65, 1.85)
    vp = tuple(faster * v for v in GIL7.vp)
    layers = replace(GIL7, vp=vp, vs=tuple(v / ratio for v in vp))
    q = 10 ** rng.uniform(-0.3, 0.4)
    normal = Crust()
    return replace(
        normal,
        layers=layers,
        q_p=q * normal.q_p,
        q_s=q * normal.q_s,
        scattering_per_km=normal.scattering_per_km * 10 ** rng.uniform(-0.7, 0.5),
        coda_q=normal.coda_q * 10 ** rng.uniform(-0.3, 0.4),
    )
