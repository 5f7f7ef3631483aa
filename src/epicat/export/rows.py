"""Rows of a table as CSV or as JSON lines.  Times are ISO 8601 UTC with microseconds."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import pyarrow as pa

from epicat.time import iso

__all__ = ["format_number", "write_csv", "write_json"]

_DECIMALS: Mapping[str, int] = {
    "confidence": 4,
    "latitude": 5,
    "longitude": 5,
    "elevation": 1,
    "depth_km": 3,
    "x_km": 3,
    "y_km": 3,
    "rms_s": 3,
    "gap_deg": 1,
    "dmin_km": 3,
    "residual_s": 3,
    "distance_km": 3,
    "azimuth_deg": 1,
    "seconds": 3,
    "time_error_s": 3,
    "major_km": 3,
    "minor_km": 3,
    "depth_error_km": 3,
    "depth_low_km": 3,
    "depth_high_km": 3,
    "secondary_gap_deg": 1,
    "effective_picks": 1,
    "moved_km": 3,
    "error_factor": 3,
    "term_s": 3,
    "sigma_s": 3,
    "inlier_probability": 3,
    "takeoff_deg": 1,
    "associated_latitude": 5,
    "associated_longitude": 5,
    "associated_depth_km": 3,
    "magnitude": 2,
    "magnitude_error": 3,
    "value": 3,
    "standard_error": 3,
    "mad": 3,
    "median": 3,
    "correction": 3,
    "weight": 4,
    "amplitude_mm": 6,
    "noise_mm": 6,
    "period_s": 3,
    **{f"amplitude_{seconds}s_mm": 6 for seconds in (3, 10, 30)},
    **{f"period_{seconds}s_s": 3 for seconds in (3, 10, 30)},
    "polarity_snr": 1,
    "vertical_mm": 6,
    "horizontal_mm": 6,
    "ml": 2,
    "snr": 2,
    "wood_anderson_mm": 6,
    "strike_deg": 1,
    "dip_deg": 1,
    "rake_deg": 1,
    "stress_drop_mpa": 3,
}

_SIGNIFICANT = 6
"""Digits of a number that is none of the columns above."""
_LARGE, _HUGE = 1e5, 1e15
"""From here on numbers have one decimal, and again only significant digits."""

_ITEMS: Mapping[str, tuple[str, ...]] = {
    "objects": ("key",),
    "flags": ("criterion", "count"),
    "placements": ("start", "end", "latitude", "longitude", "elevation", "depth"),
    "orientations": ("channel", "start", "end", "azimuth", "dip"),
}
"""Which fields are written of each item of a list, separated by blanks; ``..`` for a null."""


def format_number(name: str, value: float) -> str:
    """Return a number with the digits that a column of this name deserves.

    >>> format_number("latitude", 39.12345678901234), format_number("sum(rms_s)", 0.1 + 0.2)
    ('39.12346', '0.3')
    >>> format_number("anything", 1234567.891), format_number("anything", 2.0)
    ('1234567.9', '2')
    """
    if name in _DECIMALS:
        return f"{value:z.{_DECIMALS[name]}f}"  # z: no -0.000
    if _LARGE <= abs(value) < _HUGE:
        return f"{value:.1f}"
    return f"{value:.{_SIGNIFICANT}g}"


def write_csv(table: pa.Table, columns: Sequence[str], file: IO[str]) -> None:
    """Write columns of a table with a header, batch by batch; a null is an empty cell."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    chosen = table.select(list(columns))
    kinds = [_text_of(field) for field in chosen.schema]
    for batch in chosen.to_batches(max_chunksize=65_536):
        texts = [
            ["" if v is None else text(v) for v in _values(batch.column(at), field)]
            for at, (field, text) in enumerate(zip(chosen.schema, kinds, strict=True))
        ]
        writer.writerows(zip(*texts, strict=True))


def _values(column: pa.Array, field: pa.Field) -> list[Any]:
    """Return plain values; times as integers, since Python's own lose the nanoseconds."""
    if pa.types.is_timestamp(field.type):
        column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def _text_of(field: pa.Field) -> Callable[[Any], str]:
    if pa.types.is_timestamp(field.type):
        return iso
    if pa.types.is_list(field.type):
        names = _ITEMS[field.name]
        return lambda items: ";".join(
            " ".join(".." if item[name] is None else str(item[name]) for name in names)
            for item in items
        )
    if pa.types.is_boolean(field.type):
        return lambda flag: "true" if flag else "false"
    if field.name in _DECIMALS or pa.types.is_floating(field.type):
        return lambda number: format_number(field.name, number)
    return str


def write_json(table: pa.Table, columns: Sequence[str], file: IO[str]) -> None:
    """Write columns of a table, a row a line; numbers that are not finite are null.

    Numbers have the digits of `write_csv`.
    """
    for batch in table.select(list(columns)).to_batches(max_chunksize=65_536):
        named = zip(columns, batch.columns, strict=True)
        values = [_json_values(name, column) for name, column in named]
        for row in zip(*values, strict=True):
            file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")


def _json_values(name: str, column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return [None if time is None else iso(time) for time in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_floating(column.type):
        return [
            float(format_number(name, v)) if v is not None and math.isfinite(v) else None
            for v in column.to_pylist()
        ]
    values: list[Any] = column.to_pylist()
    return values
