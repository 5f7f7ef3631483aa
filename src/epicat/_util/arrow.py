"""Arrow without pandas, in processes that make no data frames."""

from __future__ import annotations

import sys

__all__ = ["leave_out_pandas"]


def leave_out_pandas() -> None:
    """Let Arrow look for pandas once and not find it; import pandas later as ever.

    `pyarrow.array` imports pandas, to recognize its objects: a quarter of a second in each process.
    From then on tables of this process cannot become data frames, so it is for the command line
    and its workers only.
    """
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


class _NoPandas:
    """A finder of modules that does not let pandas be found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise ImportError for pandas; leave other modules to other finders."""
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)
