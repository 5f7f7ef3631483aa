"""Choose the thresholds with the best F1 on records not used in training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.picker import Picker
from training.draw import Draw, Source
from training.measure import Score, matched, picks_of
from training.real import RATE
from training.records import Record, signal_to_noise

__all__ = ["choose_thresholds"]

_TRIED = tuple(round(0.02 * n, 2) for n in range(5, 31))
"""Thresholds that are tried: 0.1 to 0.6."""
_SEED = 99
_TOLERANCE_S = 0.5
_VISIBLE = 2.0
"""Arrivals at which the amplitude rises less need not be picked, and may be."""


def choose_thresholds(bundle: Bundle, data: Path, records: int = 600) -> dict[str, float]:
    """Return the threshold of each phase, from undamaged mixtures, synthetics and noise."""
    picker = OpenVinoPicker(bundle)
    draw = Draw(Source(data, part="choose", seed=_SEED))
    known = [draw.record(rng) for rng in draw.streams(records)]
    best = {}
    for phase in "PS":
        scores = {t: _score(picker, known, phase, t) for t in _TRIED}
        best[phase] = max(_TRIED, key=lambda t, scores=scores: scores[t].f1)
        told = ", ".join(f"{t:g}: {scores[t].f1:.3f}" for t in _TRIED[::5])
        print(f"thresholds: {phase} {best[phase]:g} (F1 at {told})", flush=True)
    return best


def _score(picker: Picker, known: Sequence[Record], phase: str, threshold: float) -> Score:
    found = picks_of(picker, [record.data for record in known], {phase: threshold})
    total = Score()
    for record, picks in zip(known, found, strict=True):
        total += _of_record(record, phase, [sample / RATE for sample in picks[phase]])
    return total


def _of_record(record: Record, phase: str, picks: list[float]) -> Score:
    """Score one record; arrivals hidden in noise or at the ends are ignored."""
    seconds = record.data.shape[1] / RATE
    wanted, excused = [], []
    for arrival in record.arrivals:
        time = arrival.sample / RATE
        if arrival.phase == phase and -1 < time < seconds + 1:
            clear = signal_to_noise(record.data, arrival.sample) >= _VISIBLE
            (wanted if clear else excused).append(time)
    counted = [p for p in picks if all(abs(p - e) > _TOLERANCE_S for e in excused)]
    return matched(counted, wanted, _TOLERANCE_S)
