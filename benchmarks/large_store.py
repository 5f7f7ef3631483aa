"""``python -m benchmarks.large_store``: write a hundred million picks, query a station-week.

The store is written unit by unit, as by workers, then compacted.  Picks are synthetic, with random
ids and confidences that compress no better than real ones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from base64 import b32encode
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.measure import machine
from epicat.ledger import LedgerEntry, Stage, Status
from epicat.store.base import Store, new_generation
from epicat.store.compact import compact
from epicat.store.open import open_store
from epicat.store.parquet import ParquetStore
from epicat.tables import PICKS
from epicat.time import day_name, day_start

_RUN = "0123456789abcdef"
_FIRST = date(2019, 1, 1)
_DAYS_PER_UNIT, _STATIONS_PER_UNIT = 10, 20
_WEEK = (date(2019, 6, 10), date(2019, 6, 17))


def main() -> None:
    """Write, compact and query; print the times."""
    asked = _arguments()
    print(f"{asked.stations} stations, {asked.days} days, {asked.picks} picks a station-day. "
          f"{machine()}.\n")  # fmt: skip
    print("| | |\n|---|---:|")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        store = open_store(folder, create=True)
        assert isinstance(store, ParquetStore)
        rows, seconds = _write(store, asked)
        _say("picks", f"{rows:,}")
        _say("written, millions a second, one process", f"{rows / seconds / 1e6:.2f}")
        begin = time.perf_counter()
        compact(store)
        _say("compacted, millions a second", f"{rows / (time.perf_counter() - begin) / 1e6:.2f}")
        files = list(Path(folder).rglob("picks/**/*.parquet"))
        size = sum(file.stat().st_size for file in files)
        _say("files of picks", f"{len(files)}")
        _say("bytes a pick", f"{size / rows:.1f}")
        _ask(folder, asked.picks)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_store", description=__doc__)
    parser.add_argument("--stations", type=int, default=400)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--picks", type=int, default=685, help="of a station-day")
    parser.add_argument("--folder", help="where there is room for 10 GB; default: the system's")
    return parser.parse_args()


def _say(what: str, value: str) -> None:
    print(f"| {what} | {value} |", flush=True)


def _write(store: Store, asked: argparse.Namespace) -> tuple[int, float]:
    """Write all units; return the number of rows and the seconds inside the store."""
    random, rows, seconds = np.random.default_rng(1), 0, 0.0
    run = {"run": _RUN, "associator": "", "extent": "", "time": "2019-01-01", "number": 1}
    store.put_record("invocation", "made-up", run)
    for days, stations in _units(asked):
        table = _table(random, days, stations, asked.picks)
        begin = time.perf_counter()
        generation = new_generation()
        store.replace("picks", table, generation)
        store.mark([_mark(key, generation, asked.picks) for key in _keys(days, stations)])
        seconds += time.perf_counter() - begin
        rows += table.num_rows
    return rows, seconds


def _units(asked: argparse.Namespace) -> Iterator[tuple[list[date], list[str]]]:
    days = [_FIRST + timedelta(n) for n in range(asked.days)]
    names = [f"XX.S{n:03d}" for n in range(asked.stations)]
    for first in range(0, len(days), _DAYS_PER_UNIT):
        for at in range(0, len(names), _STATIONS_PER_UNIT):
            yield days[first : first + _DAYS_PER_UNIT], names[at : at + _STATIONS_PER_UNIT]


def _keys(days: list[date], stations: list[str]) -> list[str]:
    return [f"{name}/{day_name(day)}" for name in stations for day in days]


def _mark(key: str, generation: str, picks: int) -> LedgerEntry:
    now_ns = time.time_ns()
    return LedgerEntry(Stage.PICK, _RUN, key, Status.DONE, generation, now_ns, count=picks)


def _table(
    random: np.random.Generator, days: list[date], stations: list[str], picks: int
) -> pa.Table:
    """Return the picks of some station-days, unordered."""
    keys = _keys(days, stations)
    count = len(keys) * picks
    starts = np.array([day_start(day) for _ in stations for day in days], np.int64)
    times = np.repeat(starts, picks) + random.integers(0, 8_640_000, count) * 10_000_000
    before, after = (random.integers(1, 60, count) * 10_000_000 for _ in range(2))
    digits = b32encode(random.bytes(10 * count)).decode().lower()
    ids = pa.Array.from_buffers(
        pa.large_string(), count,
        [None, pa.py_buffer(np.arange(count + 1, dtype=np.int64) * 16),
         pa.py_buffer(digits.encode())],
    )  # fmt: skip
    traces = np.repeat([f"{name}." for name in stations for _ in days], picks)
    columns = {
        "pick_id": ids.cast(pa.string()),
        "trace_id": pa.array(traces),
        "band": pa.repeat("HH", count),
        "phase": pa.array(random.choice(["P", "S"], count)),
        "time": times,
        "confidence": random.uniform(0.3, 1, count).astype(np.float32),
        "onset": times - before,
        "end": times + after,
        "design": pa.repeat(_RUN, count),
        "key": pa.array(np.repeat(keys, picks)),
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in PICKS]
    return pa.Table.from_arrays(arrays, schema=PICKS)


def _ask(folder: str, picks: int) -> None:
    """Time complete commands including Python's start, with and without the month."""
    begin, end = (f"{day}" for day in _WEEK)
    sql = (
        "SELECT time, phase, confidence FROM picks WHERE trace_id = 'XX.S023.' "
        f"AND time >= '{begin}' AND time < '{end}'"
    )
    for what, words in (("", ""), (", its month named", f" AND month = '{begin[:7]}'")):
        taken = []
        for _ in range(4):
            at = time.perf_counter()
            given = ["query", sql + words, "--store", folder, "--run", _RUN, "--csv"]
            command = [sys.executable, "-m", "epicat", *given]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            taken.append(time.perf_counter() - at)
            assert said.stdout.count(b"\n") == 7 * picks + 1
        _say(f"one station-week{what}: seconds, median of three", f"{sorted(taken[1:])[1]:.2f}")


if __name__ == "__main__":
    main()
