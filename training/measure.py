"""Scores of picks against known arrivals: recall, precision, residuals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from epicat.pick.picker import Picker, PickerInfo
from epicat.pick.windows import Stretch, found_triggers, window_starts
from training.real import RATE
from training.whole import stretch_of

__all__ = ["Picks", "Score", "matched", "picks_of"]

F64 = NDArray[np.float64]

Picks = Mapping[str, Sequence[float]]
"""Samples, or seconds, by phase."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts and residuals of one phase; scores can be added."""

    wanted: int = 0
    """Arrivals that are known."""
    picked: int = 0
    """Picks that were made."""
    residuals: tuple[float, ...] = ()
    """Pick minus arrival of each pair that was matched, in seconds."""

    def __add__(self, other: Score) -> Score:
        return Score(
            self.wanted + other.wanted,
            self.picked + other.picked,
            self.residuals + other.residuals,
        )

    @property
    def recall(self) -> float:
        """Fraction of the arrivals that were picked."""
        return len(self.residuals) / self.wanted if self.wanted else float("nan")

    @property
    def precision(self) -> float:
        """Fraction of the picks that match a known arrival."""
        return len(self.residuals) / self.picked if self.picked else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        return 2 * len(self.residuals) / max(self.wanted + self.picked, 1)

    @property
    def median_ms(self) -> float:
        """Median residual in milliseconds; positive is late."""
        return 1e3 * float(np.median(self.residuals)) if self.residuals else float("nan")

    @property
    def mad_ms(self) -> float:
        """Median absolute deviation of the residuals in milliseconds."""
        if not self.residuals:
            return float("nan")
        return 1e3 * float(np.median(np.abs(np.array(self.residuals) - self.median_ms / 1e3)))


def matched(picks: Iterable[float], wanted: Iterable[float], tolerance: float) -> Score:
    """Match picks to arrivals one to one, with as many pairs as possible; times in seconds."""
    found, known = np.array([*picks]), np.array([*wanted])
    apart = found[:, None] - known[None, :]
    rows, columns = linear_sum_assignment(np.where(np.abs(apart) <= tolerance, np.abs(apart), 1e6))
    residuals = apart[rows, columns]
    near = residuals[np.abs(residuals) <= tolerance]
    return Score(len(known), len(found), tuple(near.tolist()))


def picks_of(
    picker: Picker, records: Sequence[F64], thresholds: Mapping[str, float] | None = None
) -> list[dict[str, list[float]]]:
    """Return the picks of each record (3, samples) of Z, N, E, in samples by phase."""
    info = picker.info
    limits = thresholds or info.thresholds
    order = ["ZNE".index(component) for component in info.component_order]
    if info.sampling_rate != RATE:
        raise ValueError(f"a picker for {info.sampling_rate:g} Hz, records at {RATE} Hz")
    stretches = [_stretch(record[order], info) for record in records]
    return [
        {phase: [float(t.peak) for t in triggers] for phase, triggers in by_phase.items()}
        for by_phase in found_triggers(picker, stretches, limits, batch=16)
    ]


def _stretch(record: F64, info: PickerInfo) -> Stretch:
    starts = window_starts(0, record.shape[1], info, starts_really=True, ends_really=True)
    return stretch_of(record, starts)
