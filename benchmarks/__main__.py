"""``python -m benchmarks``: one station-day, whole processes, epicat beside SeisBench."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Figures, machine, measure
from benchmarks.synthetic_day import write_day

_RUNS = 5


def main() -> None:
    data = Path(os.environ.get("EPICAT_REALDATA", "../shared/data"))
    if not (data / "weights").is_dir():
        raise SystemExit(f"benchmarks need PhaseNet's weights in {data / 'weights'}: not there")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        write_day(root)
        shutil.copytree(data / "weights", Path(folder) / "weights")
        env = {
            "SEISBENCH_CACHE_ROOT": str(Path(folder) / "weights"),
            "EPICAT_CACHE": str(Path(folder) / "cache"),
        }
        here = Path(__file__).parent
        commands = {
            name: [sys.executable, str(here / f"pick_with_{program}.py"), str(root), option]
            for name, program, option in (
                ("epicat, 1 thread", "epicat", "1"),
                ("epicat, 2 threads", "epicat", "2"),
                ("SeisBench, batch 256", "seisbench", "256"),
                ("SeisBench, batch 64", "seisbench", "64"),
            )
        }
        print(_table(measure(commands, _RUNS, env)))


def _table(figures: dict[str, Figures]) -> str:
    best = min((f for n, f in figures.items() if "SeisBench" in n), key=lambda f: f.wall_s)
    lines = [
        "One station-day, 24 h, three components, 100 Hz, PhaseNet `original`, from miniSEED to "
        f"picks; whole processes, medians of {_RUNS} runs in turn. {machine()}, "
        f"openvino {version('openvino')}, seisbench {version('seisbench')}, "
        f"torch {version('torch')}. Ratios are to the faster SeisBench.",
        "",
        "| | wall s | ratio | processor s | ratio | peak MB | picks |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {f.wall_s:.2f} | {best.wall_s / f.wall_s:.2f} | {f.cpu_s:.2f} | "
        f"{best.cpu_s / f.cpu_s:.2f} | {f.peak_mb:.0f} | {f.output} |"
        for name, f in figures.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
