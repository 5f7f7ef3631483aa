from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat._util.arrow_arrays import arrow_array

NUMBERS = {
    pa.int8(): st.integers(-(2**7), 2**7 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint16(): st.integers(0, 2**16 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.float64(): st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    pa.timestamp("ns", "UTC"): st.integers(-(2**63) + 1, 2**63 - 1),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(),
    pa.binary(): st.binary(),
}
INNER = pa.struct([("name", pa.string()), ("value", pa.float64())])


def rows():
    names = st.none() | st.text(max_size=3)
    values = st.none() | st.floats(allow_nan=False)
    return st.fixed_dictionaries({"name": names}, optional={"value": values})


@given(st.data())
@settings(max_examples=300)
def test_arrays_are_those_of_arrow(data: st.DataObject) -> None:
    kinds = {
        **NUMBERS,
        INNER: rows(),
        pa.list_(INNER): st.lists(rows() | st.none(), max_size=3),
        pa.list_(pa.int64()): st.lists(st.integers(0, 9), max_size=3),
    }
    kind, value = data.draw(st.sampled_from(sorted(kinds.items(), key=str)))
    values = data.draw(st.lists(st.none() | value))
    made = arrow_array(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))
    assert made.null_count == sum(value is None for value in values)


def test_float32_is_rounded_as_by_arrow() -> None:
    values = [0.1, 1e-46, 3.4028235e38, float("inf"), float("nan"), 2**24]
    made, expected = (f(values, pa.float32()) for f in (arrow_array, pa.array))
    assert made.buffers()[1].to_pybytes()[:24] == expected.buffers()[1].to_pybytes()[:24]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([300], pa.int8()),
        (["1"], pa.float64()),
        ([2**24 + 1], pa.float32()),
        ([-(2**53) - 1], pa.float64()),
        ([1], pa.string()),
        ([True], pa.int64()),
        ([1], pa.bool_()),
        ([1], pa.binary()),
        (["\ud800"], pa.string()),
        ([3], pa.list_(pa.int64())),
    ],
)
def test_wrong_values_are_refused_as_by_arrow(values: list[object], kind: pa.DataType) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever Arrow raises
        pa.array(values, kind)
    with pytest.raises(expected.type):
        arrow_array(values, kind)


def test_other_types_are_made_by_arrow() -> None:
    assert arrow_array([1.5], pa.int64()).equals(pa.array([1.5], pa.int64()))
    assert arrow_array(["a"], pa.large_string()).equals(pa.array(["a"], pa.large_string()))


def test_every_type_of_the_tables_is_made_without_pandas() -> None:
    script = """
import sys
from epicat._util.arrow_arrays import arrow_array
from epicat.tables import SCHEMAS
for schema in SCHEMAS.values():
    for field in schema:
        arrow_array([None, None], field.type)
        arrow_array([], field.type)
print("pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
