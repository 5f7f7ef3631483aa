"""Packed rows of amplitudes in Parquet: their size, and other programs that read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epicat.amplitude.rows import Envelope, InstrumentAmplitudes, to_rows
from epicat.store.parquet import ParquetStore
from epicat.time import parse_time

DAY_NS = parse_time("2024-03-01")
PICKS, STATIONS = 200, 10


def measured(seed: int) -> tuple[InstrumentAmplitudes, Envelope]:
    """Return measurements as different as those of small earthquakes at one station."""
    rng = np.random.default_rng(seed)
    size = 10 ** rng.normal(-2, 0.8, (PICKS, 1, 1)) * 10 ** rng.normal(0.1, 0.2, (PICKS, 3, 3))
    size = np.maximum.accumulate(size, axis=1)
    noise = 10 ** rng.normal(-4, 0.2, (PICKS, 3))
    period = 10 ** rng.normal(-0.7, 0.2, (PICKS, 3, 3))
    is_same = np.diff(size, axis=1, prepend=0) == 0
    for window in (1, 2):
        period[:, window] = np.where(is_same[:, window], period[:, window - 1], period[:, window])
    phases = tuple("PS"[i % 2] for i in range(PICKS))
    polarity = np.where(np.arange(PICKS) % 2, 0, rng.integers(-1, 2, PICKS)).astype(np.int8)
    times = DAY_NS + np.sort(rng.integers(0, 8_640_000, PICKS)) * 10_000_000
    flag = np.zeros((PICKS, 3, 3), np.uint8)
    found = InstrumentAmplitudes(
        f"XX.S{seed:02d}.", "HH", "ZNE", DAY_NS, times, phases, size, period, noise, flag, polarity,
        np.abs(polarity) * 10 ** rng.uniform(0.6, 2, PICKS),
    )  # fmt: skip
    return found, Envelope(found.trace_id, "HH", DAY_NS, 10, *np.full((2, 8640), 9, np.uint8))


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    parts = [to_rows([measured(i)], "design", f"XX.S{i:02d}/2024.061")[0] for i in range(STATIONS)]
    return pa.concat_tables(parts).drop_columns(["design"])


@pytest.fixture(scope="module")
def path(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    ParquetStore(folder, create=True).write_table("amplitudes/rows.parquet", rows)
    return folder / "amplitudes" / "rows.parquet"


def test_amplitudes_take_at_most_16_bytes_a_pick(path: Path) -> None:
    assert path.stat().st_size <= 16 * PICKS * STATIONS


def test_other_programs_read_packed_rows(rows: pa.Table, path: Path) -> None:
    assert pq.read_table(path, partitioning=None).equals(rows)
    duckdb = pytest.importorskip("duckdb")
    names = ["key", "n_picks", "amplitude", "pick_time", "polarity"]
    found = duckdb.sql(f"select {', '.join(names)} from '{path}' order by key").fetchall()
    assert found == [tuple(row[n] for n in names) for row in rows.to_pylist()]
