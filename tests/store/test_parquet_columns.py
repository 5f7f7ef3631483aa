from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epicat.model import Span
from epicat.store.parquet_columns import read_columns, rows_within

TIME = pa.timestamp("ns", "UTC")
SCHEMA = pa.schema([("key", pa.string()), ("time", TIME), ("value", pa.float32())])


def rows(count: int) -> pa.Table:
    keys = [f"k{i % 7}" for i in range(count)]
    values = [None if i % 5 == 0 else i / 3 for i in range(count)]
    return pa.table([keys, pa.array(range(count), TIME), values], SCHEMA)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pq.write_table(rows(1000), tmp_path / "rows.parquet", row_group_size=100)
    return tmp_path / "rows.parquet"


def test_columns_are_those_of_a_dataset(file: Path) -> None:
    wanted = pa.schema([SCHEMA.field(name) for name in ("value", "key")])
    found = read_columns(file, wanted)
    assert found is not None
    assert found.equals(pq.read_table(file, schema=wanted, columns=wanted.names))


def test_columns_that_are_missing_are_null(file: Path) -> None:
    wanted = pa.schema([*SCHEMA, ("flags", pa.list_(pa.struct([("name", pa.string())])))])
    found = read_columns(file, wanted)
    assert found is not None
    assert found.equals(pq.read_table(file, schema=wanted))
    assert read_columns(file, wanted, is_complete=True) is None


def test_another_type_is_left_to_a_dataset(file: Path) -> None:
    assert read_columns(file, pa.schema([("value", pa.float64())])) is None


@pytest.mark.parametrize(
    "span", [(0, 1), (150, 420), (99, 100), (100, 101), (999, 1000), (2000, 3000)]
)
def test_row_groups_without_a_time_in_the_span_are_left_out(
    file: Path, span: tuple[int, int]
) -> None:
    found = read_columns(file, SCHEMA, span=Span(*span))
    assert found is not None
    assert found.num_rows <= (span[1] - span[0]) + 200
    chosen = rows_within(found, {"k1", "k3", "k9"}, Span(*span))
    expected = [
        row
        for row in rows(1000)
        .cast(pa.schema([("key", pa.string()), ("time", pa.int64()), ("value", pa.float32())]))
        .to_pylist()
        if row["key"] in ("k1", "k3") and span[0] <= row["time"] < span[1]
    ]
    assert [row["value"] for row in chosen.to_pylist()] == [row["value"] for row in expected]
    assert rows_within(rows(1000), {"k1"}, None)["key"].to_pylist() == ["k1"] * 143


def test_files_without_rows_or_statistics_are_read(tmp_path: Path) -> None:
    pq.write_table(rows(0), tmp_path / "none.parquet")
    pq.write_table(rows(50), tmp_path / "plain.parquet", write_statistics=False)
    for name, count in (("none", 0), ("plain", 50)):
        found = read_columns(tmp_path / f"{name}.parquet", SCHEMA, span=Span(0, 10))
        assert found is not None
        assert found.num_rows == count
