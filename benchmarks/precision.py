"""``python -m benchmarks.precision``: what fewer bits change in the picks of real waveforms."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from epicat.errors import ModelError
from epicat.model import Pick, Span
from epicat.pick.bundle import Bundle, OpenVinoPicker
from epicat.pick.options import Precision
from epicat.pick.picker import PickOptions
from epicat.pick.prepare import prepare_bundle
from epicat.units.picking import pick_segments
from epicat.waveforms.records import decode
from epicat.waveforms.runs import Clock, Run, merge
from epicat.waveforms.segments import segments

_EVER = Span(0, 2**62)
_RATE = Fraction(100)
_SAME_NS = 100_000_000
_FEWER: Final[tuple[Precision, ...]] = ("f16", "bf16")
_MODELS = ("PhaseNet", "PhaseNetLight", "EQTransformer")

Components = dict[str, list[Run]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Picks in fewer bits beside those in 32."""

    exact: int
    """Picks in 32 bits."""
    gained: int
    """Picks that no pick in 32 bits lies within 0.1 s of."""
    lost: int
    """Picks in 32 bits without a partner."""
    moved: int
    """Pairs that are not at the same sample."""
    furthest_s: float
    """The largest distance of a pair, in s."""
    confidence: float
    """The largest difference of confidence of a pair."""


def main() -> None:
    """Print a table for the precisions that this machine has."""
    data = Path(os.environ.get("EPICAT_REALDATA", "../shared/data"))
    print("| | precision | picks in f32 | gained | lost | moved | furthest s | confidence |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("EPICAT_CACHE", cache)
        stations = [*_holuhraun(data), *_norcal(data)]
        for model in _MODELS:
            weight = "ethz" if model == "PhaseNetLight" else "original"
            bundle = prepare_bundle(PickOptions(model=model, weight=weight))
            exact = _picks(bundle, "f32", stations)
            for precision in _FEWER:
                try:
                    d = _difference(exact, _picks(bundle, precision, stations))
                except ModelError as error:
                    print(f"| {model} | {precision} | {error} | | | | | |")
                    continue
                print(f"| {model} | {precision} | {d.exact} | {d.gained} | {d.lost} | {d.moved} "
                      f"| {d.furthest_s:.2f} | {d.confidence:.3f} |")  # fmt: skip


def _holuhraun(data: Path) -> Iterator[tuple[str, Components]]:
    """Return 12 stations of nine minutes during a swarm."""
    found: dict[str, Components] = {}
    for path in sorted((data / "holuhraun" / "waveforms").iterdir()):
        station = path.name.split(".")[1]
        for channel, records in decode(path.read_bytes(), "Z7", station, _EVER).channels.items():
            found.setdefault(station, {})[channel.component] = merge(records, channel.rate)
    yield from found.items()


def _norcal(data: Path) -> Iterator[tuple[str, Components]]:
    """Return 66 windows of 90 s, of one or three components."""
    clock = Clock(np.array([0]), np.array([0]))
    for number, path in enumerate(sorted((data / "norcal_windows").glob("*.npz"))):
        counts = np.load(path)["data"]
        runs = {c: [Run(_RATE, 0, counts[:, row], clock)] for row, c in enumerate("ENZ")}
        yield f"W{number}", runs


def _picks(
    bundle: Bundle, precision: Precision, stations: list[tuple[str, Components]]
) -> list[Pick]:
    picker = OpenVinoPicker(bundle, precision=precision)
    info = picker.info
    found: list[Pick] = []
    for name, runs in stations:
        pieces = segments(runs, info.component_order, _RATE, _EVER, info.filters)
        found += pick_segments(picker, pieces, info.thresholds, (f"XX.{name}.", "HH"), _EVER)[0]
    return found


def _difference(exact: list[Pick], other: list[Pick]) -> Difference:
    """Pair each pick with the nearest one of the same station and phase, within 0.1 s."""
    left = list(other)
    pairs = []
    for pick in exact:
        same = [o for o in left if (o.trace_id, o.phase) == (pick.trace_id, pick.phase)]
        near = min(same, key=lambda o: abs(o.time_ns - pick.time_ns), default=None)
        if near is not None and abs(near.time_ns - pick.time_ns) <= _SAME_NS:
            left.remove(near)
            pairs.append((pick, near))
    apart = [abs(a.time_ns - b.time_ns) / 1e9 for a, b in pairs]
    return Difference(
        exact=len(exact),
        gained=len(left),
        lost=len(exact) - len(pairs),
        moved=sum(distance > 0 for distance in apart),
        furthest_s=max(apart, default=0.0),
        confidence=max((abs(a.confidence - b.confidence) for a, b in pairs), default=0.0),
    )


if __name__ == "__main__":
    main()
