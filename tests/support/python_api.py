"""A folder in which the examples of the Python API run: a synthetic archive and its catalog."""

from __future__ import annotations

from pathlib import Path

from epicat.cli.app import main

CAMPAIGN = """\
start = 2024-03-01
end = 2024-03-02
extent = [39.5, 40.5, -124.7, -123.3]
archive = "waveforms"
layout = "sds"
stations = "stations.csv"
store = "catalog"

[pick]
model = "epicat-mini"

[associate]
velocity = "velocity.txt"
velocity_layers = "constant"
"""


def write_example(folder: Path) -> Path:
    """Write half an hour of waveforms with twelve earthquakes, and a campaign file."""
    words = "--hours 0.4 --events 12 --separation 100 --station-count 8 --radius 30"
    run("synth", folder, *words.split(), "--max-magnitude", "3.5", "--workers", "1")
    (folder / "campaign.toml").write_text(CAMPAIGN)
    return folder


def run(*words: object) -> None:
    """Run a command of epicat in this process; raise if it fails."""
    try:
        main([str(word) for word in words])
    except SystemExit as left:
        if left.code:
            raise RuntimeError(f"epicat {' '.join(map(str, words))}: {left.code}") from left
