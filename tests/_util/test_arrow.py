"""Arrow makes tables without pandas, which others can import all the same."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
from epicat._util.arrow import leave_out_pandas
leave_out_pandas()
leave_out_pandas()
import pyarrow as pa
import pyarrow.dataset, pyarrow.parquet
assert pa.Table.from_pylist([{"a": [1, None]}])["a"].to_pylist() == [[1, None]]
assert "pandas" not in sys.modules
import pandas
assert pa.array([1]).to_pylist() == [1]
"""


def test_pandas_is_left_out_of_arrow_alone():
    subprocess.run([sys.executable, "-c", _SCRIPT], check=True)
