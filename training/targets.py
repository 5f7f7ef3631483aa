"""Training targets: the teacher's probabilities and known onsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pick.windows import curves
from training.records import Record, signal_to_noise
from training.whole import stretch_of

__all__ = ["PHASES", "TEACHER", "Teacher", "target"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

PHASES = "PS"
"""The rows of a target."""
TEACHER = Path("weights/models/v3/phasenet/original.pt.v2")
"""The teacher's weights in the folder of real data."""

_WIDTH = 10
"""Standard deviation of the bump around a known onset, in samples."""
_VISIBLE = 1.6
"""An onset that the amplitudes rise less at is the teacher's to judge."""


class Teacher:
    """PhaseNet `original` (Zhu and Beroza 2019), as run by epicat."""

    def __init__(self, data: Path) -> None:
        options = PickOptions(model="PhaseNet", weight=str(data / TEACHER))
        self._picker = OpenVinoPicker(prepare_bundle(options))
        self._rows = [self._picker.info.picked.index(phase) for phase in PHASES]

    def probabilities(self, data: F64) -> F32:
        """Return P and S (2, samples) of a record (3, samples) of Z, N, E."""
        last = data.shape[1] - self._picker.info.samples
        starts = np.linspace(0, last, 4).astype(np.int64)
        turned = data[::-1]  # the teacher's order is E, N, Z
        (parts,) = curves(self._picker, [stretch_of(turned, starts)], batch=16)
        return np.nan_to_num(np.concatenate(list(parts), axis=1)[self._rows])


def target(record: Record, teacher: F32) -> F32:
    """Return the target probabilities (2, samples)."""
    found = teacher.copy()
    at = np.arange(found.shape[1])
    for arrival in record.arrivals:
        row = PHASES.index(arrival.phase)
        bump = np.exp(-0.5 * ((at - arrival.sample) / _WIDTH) ** 2)
        visible = signal_to_noise(record.data, arrival.sample) >= _VISIBLE
        weight = record.trust * (1.0 if visible else 0.15)
        near = np.abs(at - arrival.sample) < 6 * _WIDTH
        mixed = weight * bump + (1 - weight) * teacher[row]
        found[row] = np.where(near, mixed, found[row])
        other = 1 - row
        found[other] = np.where(near, (1 - weight) * found[other], found[other])
    total = found.sum(axis=0)
    return (found / np.maximum(total, 1)).astype(np.float32)
