"""``python -m benchmarks.one_day``: ``epicat run`` of one station-day beside SeisBench's classify.

epicat's time is that of the whole process: start, plan, picking, association and store.  That of
SeisBench is `classify` alone, at the best of some batch sizes, without importing and reading.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import machine
from benchmarks.synthetic_day import write_day

_CLASSIFY = """
import json, sys, time
from pathlib import Path
import obspy, seisbench.models
picker = seisbench.models.PhaseNet.from_pretrained("original")
stream = obspy.Stream()
for path in sorted(Path(sys.argv[1]).glob("2020/XX/*/*.D/*")):
    stream += obspy.read(str(path))
times, picks = {}, 0
for batch in (64, 128, 256):
    given, begin = stream.copy(), time.perf_counter()
    picks = len(picker.classify(given, batch_size=batch).picks)
    times[batch] = time.perf_counter() - begin
print(json.dumps({"times": times, "picks": picks}))
"""


def main() -> None:
    """Run both in turn and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_day", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    data = Path(os.environ.get("EPICAT_REALDATA", "../shared/data"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_day(root / "day")
        shutil.copytree(data / "weights", root / "weights")
        env = {"SEISBENCH_CACHE_ROOT": str(root / "weights"), "EPICAT_CACHE": str(root / "cache")}
        os.environ.update(env)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
        ours: dict[str, list[float]] = {"f32": [], "mixed": []}
        theirs: list[float] = []
        for turn in range(runs + 1):  # the first one warms up
            for precision, taken in ours.items():
                taken.extend([_epicat(root, precision)] * (turn > 0))
            theirs.extend([_seisbench(root)] * (turn > 0))
    classify = statistics.median(theirs)
    print(f"Medians of {runs} runs in turn. {machine()}.\n")
    print("| | s | ratio |\n|---|---:|---:|")
    for precision, taken in ours.items():
        seconds = statistics.median(taken)
        print(
            f"| `epicat run --precision {precision}` | {seconds:.2f} | {classify / seconds:.2f} |"
        )
    print(f"| SeisBench, `classify` alone | {classify:.2f} | 1.00 |")


def _epicat(root: Path, precision: str) -> float:
    """Return the seconds of a run into a new store."""
    shutil.rmtree(root / "store", ignore_errors=True)
    epicat = str(Path(sys.executable).with_name("epicat"))
    command = [
        epicat, "run", "2020.001", "2020.002", "39,41,-125,-123", "--archive", str(root / "day"),
        "--layout", "sds", "--stations", str(root / "day" / "stations.csv"),
        "--model", "PhaseNet", "--weight", "original", "--precision", precision,
        "--store", str(root / "store"),
    ]  # fmt: skip
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def _seisbench(root: Path) -> float:
    """Return the seconds of the fastest batch size."""
    command = [sys.executable, "-c", _CLASSIFY, str(root / "day")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(min(json.loads(done.stdout.splitlines()[-1])["times"].values()))


if __name__ == "__main__":
    main()
