"""A day of some stations, three components, in SDS: noise with an event each ten minutes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pymseed
from scipy.signal import lfilter

__all__ = ["write_day"]

_DAY = 86_400
_BEGIN_NS = 1_577_836_800 * 10**9  # 2020-01-01


def write_day(root: Path, rate: int = 100, gaps: int = 0, stations: int = 1) -> Path:
    """Write HH? of 2020-01-01 of stations XX.BENC0 etc.; return their names.

    All have the same samples, with equidistant ``gaps`` of 7.3 s.
    """
    rng = np.random.default_rng(20200101)
    events = np.arange(300, _DAY - 60, 600)
    names = [f"BENC{number}" for number in range(stations)]
    for component in "ENZ":
        samples = _noise(rng, rate)
        for at in events:
            _add_event(samples, int(at), component, rate, rng)
        counts = np.round(samples * 100).astype(np.int32)
        for name in names:
            _write(root, name, component, rate, _parts(counts, rate, gaps))
    listed = root / "stations.csv"
    rows = "".join(f"XX.{name}.,{40 + n / 100},-124.0,100\n" for n, name in enumerate(names))
    listed.write_text("id,latitude,longitude,elevation\n" + rows)
    return listed


def _parts(counts: np.ndarray, rate: int, gaps: int) -> list[tuple[int, np.ndarray]]:
    """Return the first sample and the samples of each part between gaps."""
    borders = np.linspace(0, len(counts), gaps + 2).astype(int)
    lost = round(7.3 * rate)
    return [
        (int(low), counts[low : high - lost if high < len(counts) else high])
        for low, high in pairwise(borders)
    ]


def _noise(rng: np.random.Generator, rate: int) -> np.ndarray:
    """Noise with more power at long periods: a first-order autoregressive process."""
    return lfilter([1.0], [1.0, -0.95], rng.normal(size=_DAY * rate))


def _add_event(
    samples: np.ndarray, second: int, component: str, rate: int, rng: np.random.Generator
) -> None:
    """Add a P and, 5 s later, an S wave train that decay."""
    for delay, size, period in ((0, 15 if component == "Z" else 6, 0.12), (5, 30, 0.25)):
        time = np.arange(20 * rate) / rate
        train = size * np.exp(-time / 3) * np.sin(2 * np.pi * time / period + rng.uniform(0, 6))
        begin = (second + delay) * rate
        samples[begin : begin + len(train)] += train * np.minimum(time / 0.05, 1)


def _write(
    root: Path, name: str, component: str, rate: int, parts: list[tuple[int, np.ndarray]]
) -> None:
    folder = root / "2020" / "XX" / name / f"HH{component}.D"
    folder.mkdir(parents=True, exist_ok=True)
    with pymseed.MS3TraceList() as traces:
        for first, samples in parts:
            traces.add_data(
                pymseed.nslc2sourceid("XX", name, "", f"HH{component}"),
                samples,
                "i",
                float(rate),
                starttime=_BEGIN_NS + first * 10**9 // rate,
            )
        traces.to_file(
            str(folder / f"XX.{name}..HH{component}.D.2020.001"),
            overwrite=True,
            max_record_length=512,
            format_version=2,
        )
