"""``python -m benchmarks.precision``: effect of reduced precision on the picks of real data."""

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
from epicat.pick.load import load_picker
from epicat.pick.mixed_precision import MixedPrecisionPicker
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.pick_options import Precision
from epicat.pick.picker import F32, Picker, PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pipeline.stages.pick_day import pick_segments
from epicat.waveforms.records import decode
from epicat.waveforms.segments import segments
from epicat.waveforms.traces import Clock, Trace, merge

_EVER = Span(0, 2**62)
_RATE = Fraction(100)
_SAME_NS = 100_000_000
_OTHERS: Final[tuple[Precision, ...]] = ("f16", "bf16", "mixed")
_MODELS = ("PhaseNet", "PhaseNetLight", "EQTransformer")

Components = dict[str, list[Trace]]
Stations = list[tuple[str, Components]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Picks at reduced precision compared with f32."""

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
    """Print a table for the precisions that this machine supports."""
    data = Path(os.environ.get("EPICAT_REALDATA", "../shared/data"))
    print("| | waveforms | precision | picks in f32 | gained | lost | moved | furthest s "
          "| confidence | again in f32 |")  # fmt: skip
    print("|---|---|---|---:|---:|---:|---:|---:|---:|---:|")
    waveforms = {
        "events": [*_holuhraun(data), *_norcal(data)],
        "two days": list(_scedc(data)),
    }
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("EPICAT_CACHE", cache)
        for model in _MODELS:
            weight = "ethz" if model == "PhaseNetLight" else "original"
            bundle = prepare_bundle(PickOptions(model=model, weight=weight))
            for name, stations in waveforms.items():
                for row in _rows(bundle, stations):
                    print(f"| {model} | {name} | {row} |", flush=True)


def _rows(bundle: Bundle, stations: Stations) -> Iterator[str]:
    exact, _ = _picks(load_picker(bundle), stations)
    for precision in _OTHERS:
        try:
            picker = load_picker(bundle, precision=precision)
        except ModelError as error:
            yield f"{precision} | {error} | | | | | |"
            continue
        picks, again = _picks(picker, stations)
        d = _difference(exact, picks)
        yield (
            f"{precision} | {d.exact} | {d.gained} | {d.lost} | {d.moved} | {d.furthest_s:.2f} "
            f"| {d.confidence:.3f} | {again}"
        )


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
        runs = {c: [Trace(_RATE, 0, counts[:, row], clock)] for row, c in enumerate("ENZ")}
        yield f"W{number}", runs


def _scedc(data: Path) -> Iterator[tuple[str, Components]]:
    """Return two typical days of one component at 40 Hz."""
    for path in sorted((data / "scedc" / "objects").rglob("*BHN*.ms")):
        network, station = path.name[:2], path.name[2:7].strip("_")
        for channel, records in decode(path.read_bytes(), network, station, _EVER).channels.items():
            yield station, {channel.component: merge(records, channel.rate)}


class _Counting:
    """A picker that counts its windows."""

    def __init__(self, picker: Picker) -> None:
        self.info = picker.info
        self.count = 0
        self._picker = picker

    def probabilities(self, windows: F32) -> F32:
        self.count += len(windows)
        return self._picker.probabilities(windows)


def _picks(picker: Picker, stations: Stations) -> tuple[list[Pick], str]:
    """Return the picks, and the fraction of windows that were recomputed."""
    if not isinstance(picker, MixedPrecisionPicker):
        return _picked(picker, stations), ""
    screen, exact = _Counting(picker.screen), _Counting(picker.exact)
    picks = _picked(MixedPrecisionPicker(screen, exact), stations)
    share = exact.count / screen.count
    return picks, f"{100 * share:.1f} %"


def _picked(picker: Picker, stations: Stations) -> list[Pick]:
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
