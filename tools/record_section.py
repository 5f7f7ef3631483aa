"""Draw the record section of one earthquake of a synthetic archive in the layout SDS.

    python tools/record_section.py FOLDER PICTURE [EVENT_NUMBER]

The default is the largest earthquake.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from scipy import signal

from epicat.archive.archive import open_archive
from epicat.model import Span
from epicat.synthetic.scoring import Truth, read_truth
from epicat.waveforms.records import decode

mpl.use("Agg")
import matplotlib.pyplot as plt

_BEFORE_S, _AFTER_S = 3, 37


def main(folder: Path, picture: Path, number: int | None) -> None:
    """Draw vertical and east components, 1 to 20 Hz, each trace normalized."""
    truth = read_truth(folder)
    events = truth.events.to_pylist()
    chosen = range(len(events)) if number is None else [number]
    event = max((events[n] for n in chosen), key=lambda e: e["magnitude"])
    figure, axes = plt.subplots(1, 2, figsize=(10, 6), sharey=True, layout="constrained")
    for axis, component in zip(axes, "ZE", strict=True):
        _section(axis, folder, truth, event, component)
    axes[0].set_ylabel("Epicentral distance, km")
    figure.suptitle(
        f"M{event['magnitude']:.1f}, {event['depth_km']:.1f} km deep: "
        "P (red) and S (blue) as the truth has them"
    )
    figure.savefig(picture, dpi=80)


def _section(axis: Any, folder: Path, truth: Truth, event: dict[str, Any], component: str) -> None:
    origin = event["time"].value
    span = Span(origin - _BEFORE_S * 10**9, origin + _AFTER_S * 10**9)
    arrivals = [a for a in truth.arrivals.to_pylist() if a["event_id"] == event["event_id"]]
    distances = {a["trace_id"]: a["distance_km"] for a in arrivals}
    size = 0.55 * (max(distances.values()) - min(distances.values())) / len(distances)
    for trace, distance in distances.items():
        time, values = _trace(folder, trace, span, component)
        if len(values):
            axis.plot(time, distance + size * values / np.abs(values).max(), "k", lw=0.4)
    for arrival in arrivals:
        at = (arrival["time"].value - origin) / 1e9
        color = "tab:red" if arrival["phase"] == "P" else "tab:blue"
        axis.vlines(at, *(arrival["distance_km"] + size * np.array([-1, 1])), color=color, lw=1)
    axis.set(xlim=(-_BEFORE_S, _AFTER_S), xlabel="Time after the origin, s", title=component)


def _trace(folder: Path, trace: str, span: Span, component: str) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds after the origin and filtered counts."""
    network, station, _ = trace.split(".")
    archive = open_archive(str(folder / "waveforms"), "sds")
    for item in archive.objects(network, station, span):
        channels = decode(archive.read(item), network, station, span).channels
        for channel, records in channels.items():
            if channel.component == component and channel.band != "HN":
                piece = records[0]
                rate = float(channel.rate)
                sections = signal.butter(4, (1, 0.45 * rate), "bandpass", fs=rate, output="sos")
                values = signal.sosfilt(sections, piece.samples - np.mean(piece.samples))
                start = (piece.starts_ns[0] - span.start_ns) / 1e9 - _BEFORE_S
                time = start + np.arange(len(values)) / rate
                keep = (time > -_BEFORE_S) & (time < _AFTER_S)
                return time[keep], values[keep]
    return np.empty(0), np.empty(0)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]), Path(given[1]), int(given[2]) if len(given) > 2 else None)
