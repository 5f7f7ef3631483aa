"""A day of one station, 100 Hz, three components, in SDS: noise with an event each ten minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pymseed
from scipy.signal import lfilter

__all__ = ["write_day"]

_RATE = 100
_DAY = 86_400


def write_day(root: Path) -> Path:
    """Write XX.BENCH..HH? of 2020-01-01 and a list of stations; return the list."""
    rng = np.random.default_rng(20200101)
    events = np.arange(300, _DAY - 60, 600)
    for component in "ENZ":
        samples = _noise(rng)
        for at in events:
            _add_event(samples, int(at), component, rng)
        _write(root, component, np.round(samples * 100).astype(np.int32))
    stations = root / "stations.csv"
    stations.write_text("id,latitude,longitude,elevation\nXX.BENCH.,40.0,-124.0,100\n")
    return stations


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise with more power at long periods: a first-order autoregressive process in blocks."""
    return lfilter([1.0], [1.0, -0.95], rng.normal(size=_DAY * _RATE))


def _add_event(samples: np.ndarray, second: int, component: str, rng: np.random.Generator) -> None:
    """Add a P and, 5 s later, an S wave train that decay."""
    for delay, size, period in ((0, 15 if component == "Z" else 6, 0.12), (5, 30, 0.25)):
        time = np.arange(20 * _RATE) / _RATE
        train = size * np.exp(-time / 3) * np.sin(2 * np.pi * time / period + rng.uniform(0, 6))
        begin = (second + delay) * _RATE
        samples[begin : begin + len(train)] += train * np.minimum(time / 0.05, 1)


def _write(root: Path, component: str, samples: np.ndarray) -> None:
    folder = root / "2020" / "XX" / "BENCH" / f"HH{component}.D"
    folder.mkdir(parents=True, exist_ok=True)
    with pymseed.MS3TraceList() as traces:
        traces.add_data(
            pymseed.nslc2sourceid("XX", "BENCH", "", f"HH{component}"),
            samples,
            "i",
            float(_RATE),
            starttime_str="2020-01-01T00:00:00Z",
        )
        traces.to_file(
            str(folder / f"XX.BENCH..HH{component}.D.2020.001"),
            overwrite=True,
            max_record_length=512,
            format_version=2,
        )
