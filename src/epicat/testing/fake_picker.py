"""A minimal picker without model and weights, with the same result on every machine."""

from __future__ import annotations

import numpy as np

from epicat.pick.pick_options import Precision
from epicat.pick.picker import F32, Picker, PickerInfo

__all__ = ["FakePicker"]


class FakePicker(Picker):
    """Picks P where the vertical is large, and S where a horizontal is.

    The probability is 0.5 where a sample differs by ``half_at`` counts from the mean of its window,
    so that it depends on all samples of the window, as for a real picker.
    """

    info = PickerInfo(
        model="Fake",
        weight="fake",
        sampling_rate=100.0,
        samples=301,
        phases=("N", "P", "S"),
        component_order="ZNE",
        overlap=150,
        blinding=(0, 0),
        stacking="avg",
        thresholds={"P": 0.5, "S": 0.5},
        weights_sha256="0" * 64,
        metadata_sha256="0" * 64,
        made_with={},
    )
    precision: Precision = "f32"

    def __init__(self, half_at: float = 1000.0) -> None:
        self._half_at = half_at

    def probabilities(self, windows: F32) -> F32:
        """Return the probabilities of P and S."""
        size = np.abs(windows - windows.mean(axis=2, keepdims=True))
        share = size / (size + self._half_at)
        p, s = share[:, 0], share[:, 1:].max(axis=1)
        return np.asarray(np.stack([p, s], axis=1), np.float32)
