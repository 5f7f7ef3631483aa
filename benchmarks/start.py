"""``python -m benchmarks.start``: start-up time and installed size."""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.measure import machine

_FIRST_WINDOW = """
import sys, time
import numpy as np
from epicat.pick.pick_options import PickOptions
from epicat.pick.resolve import prepare_bundle
from epicat.pipeline.worker import Worker
from epicat.pick.openvino.picker import OpenVinoPicker
import epicat.pipeline.process_pool
picker = OpenVinoPicker(prepare_bundle(PickOptions(model="epicat-mini")))
info = picker.info
picker.probabilities(np.zeros((1, len(info.component_order), info.samples), "f4"))
assert not {"torch", "seisbench", "obspy"} & set(sys.modules)
"""
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?[^;]*(?:;\s*(.*))?$")


def main() -> None:
    """Run the benchmark and print a table."""
    asked = _arguments()
    print(f"Medians of {asked.runs} starts of whole processes. {machine()}.\n")
    print("| | wall s | processor s |\n|---|---:|---:|")
    python = [sys.executable]
    epicat = str(Path(sys.executable).with_name("epicat"))
    for what, command in {
        "Python alone": [*python, "-c", ""],
        "`epicat --version`": [epicat, "--version"],
        "`epicat --help`": [epicat, "--help"],
        "`epicat run --help`": [epicat, "run", "--help"],
        "a worker, to its first window": [*python, "-c", _FIRST_WINDOW],
    }.items():
        wall, cpu = _medians(command, asked.runs)
        print(f"| {what} | {wall:.2f} | {cpu:.2f} |", flush=True)
    sizes = {d.name: _size(d) / 1e6 for d in _closure("epicat")}
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    told = ", ".join(f"{name} {size:.0f}" for name, size in largest)
    print(
        f"\nA worker's environment: {len(sizes)} packages, {sum(sizes.values()):.0f} MB ({told})."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    return parser.parse_args()


def _medians(command: list[str], runs: int) -> tuple[float, float]:
    """Return the medians of wall and CPU seconds, after a warm-up run."""
    walls, cpus = [], []
    with tempfile.TemporaryFile() as nowhere:
        for turn in range(runs + 1):
            begin = time.perf_counter()
            process = subprocess.Popen(command, stdout=nowhere)
            _, state, usage = os.wait4(process.pid, 0)
            if os.waitstatus_to_exitcode(state) != 0:
                raise SystemExit(f"{' '.join(command)[:200]} failed")
            if turn:
                walls.append(time.perf_counter() - begin)
                cpus.append(usage.ru_utime + usage.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


def _closure(name: str) -> Iterable[Distribution]:
    """Return a distribution and its dependencies, without extras."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        asked = waiting.pop()
        key = re.sub(r"[-_.]+", "-", asked).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(asked)
        except PackageNotFoundError:  # for another system, or another Python
            continue
        for line in found[key].requires or []:
            match = _REQUIREMENT.match(line)
            if match and "extra ==" not in (match[2] or ""):
                waiting.append(match[1])
    return found.values()


def _size(found: Distribution) -> int:
    """Return the installed size of a distribution in bytes."""
    paths = (Path(str(file.locate())) for file in found.files or [])
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    main()
