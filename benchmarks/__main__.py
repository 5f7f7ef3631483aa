"""``python -m benchmarks``: run all benchmarks and print a table for each.

Station-days in complete processes, epicat compared with SeisBench; the distance from the hardware
limit; and the other modules here, each in a separate process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.limits import limits
from benchmarks.measure import Figures, machine, measure

OTHERS = (
    "precision",
    "start",
    "one_day",
    "association",
    "large_store",
    "seams",
    "scale",
    "submit_at_scale",
)
"""Modules that are run as they are, after the station-days: ``python -m benchmarks.NAME -h``."""


def main() -> None:
    """Run the requested benchmarks and print their tables."""
    known = (*CASES, "limits", *OTHERS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=known, metavar="NAME", default=known,
                        help=f"of {', '.join(known)}; default: all")  # fmt: skip
    parser.add_argument("--runs", type=int, default=3, help="runs of each, after one to warm up")
    asked = parser.parse_args()
    data = Path(os.environ.get("EPICAT_REALDATA", "../shared/data"))
    if not (data / "weights").is_dir():
        raise SystemExit(f"benchmarks need the pickers' weights in {data / 'weights'}: not there")
    with tempfile.TemporaryDirectory() as folder:
        weights, cache = Path(folder) / "weights", Path(folder) / "cache"
        shutil.copytree(data / "weights", weights)
        env = {"SEISBENCH_CACHE_ROOT": str(weights), "EPICAT_CACHE": str(cache)}
        os.environ.update(env)
        print(
            f"Whole processes from miniSEED to picks, medians of {asked.runs} runs in turn. "
            f"{machine()}, openvino {version('openvino')}, seisbench {version('seisbench')}, "
            f"torch {version('torch')}. Ratios are to the fastest SeisBench."
        )
        for name in asked.only:
            print()
            if name == "limits":
                print(limits(Path(folder)), flush=True)
            elif name in OTHERS:
                print(f"`python -m benchmarks.{name}`\n", flush=True)
                subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
            else:
                print(_measured(CASES[name], Path(folder) / name, asked.runs, env), flush=True)


def _measured(case: Case, root: Path, runs: int, env: dict[str, str]) -> str:
    case.write(root)
    commands = {
        name: [sys.executable, str(Path(__file__).parent / f"pick_with_{program}.py"), *arguments]
        for name, program, arguments in case.commands(root)
    }
    table = _table(case, measure(commands, runs, env))
    shutil.rmtree(root)
    return table


def _table(case: Case, figures: dict[str, Figures]) -> str:
    theirs = [f for name, f in figures.items() if "SeisBench" in name]
    steady, cpu = min(f.steady_s for f in theirs), min(f.cpu_s / f.days for f in theirs)
    lines = [
        f"**{case.title}**, per station-day; the first two columns of a day that is not a "
        "process's first, the next two with its start.",
        "",
        "| | wall s | ratio | processor s | ratio | peak MB | picks | storing |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {f.steady_s:.2f} | {steady / f.steady_s:.2f} | {f.cpu_s / f.days:.2f} | "
        f"{cpu / (f.cpu_s / f.days):.2f} | {f.peak_mb:.0f} | {f.picks} | "
        + (f"{100 * f.storing:.1f} % |" if f.storing else "|")
        for name, f in figures.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
