"""What the page shows of stations: what became of each day, and the confidence of their picks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epicat.model import Span
from epicat.time import DAY_NS
from epicat.viewer.columns import pack_column

__all__ = [
    "STATION_DAYS",
    "confidence_by_month",
    "confidence_histograms",
    "station_day_rows",
    "total_picks",
]

_CODE = pa.dictionary(pa.int16(), pa.string())

STATION_DAYS: Final = pa.schema(
    [
        pa.field("station", _CODE),
        pa.field("day", pa.int32()),
        pa.field("status", _CODE),
        pa.field("reason", _CODE),
        pa.field("picks", pa.int32()),
        pa.field("gaps", pa.int32()),
        pa.field("samples", pa.int32(), metadata={"scale": "1000.0"}),
    ]
)
"""What became of each station-day; ``day`` counts from 1970-01-01, ``samples`` are thousands."""
_DAYS: Final = 30
BINS: Final = 50
"""Bins of confidence between 0 and 1."""


def station_day_rows(coverage: pa.Table) -> pa.Table:
    """Return rows of `STATION_DAYS` from those of `epicat.catalog.catalog.COVERAGE`."""
    day = coverage["day"].cast(pa.int32())
    coverage = coverage.set_column(coverage.column_names.index("day"), "day", day)
    ordered = coverage.sort_by([("station", "ascending"), ("day", "ascending")])
    columns = [pack_column(ordered[field.name], field) for field in STATION_DAYS]
    return pa.Table.from_arrays(columns, schema=STATION_DAYS)


def confidence_histograms(picks: pa.Table) -> dict[str, dict[str, list[int]]]:
    """Return the number of picks by trace, phase and bin of confidence."""
    found: dict[str, dict[str, list[int]]] = {}
    traces, phases = (picks[name].combine_chunks().dictionary_encode() for name in
                      ("trace_id", "phase"))  # fmt: skip
    confidence = picks["confidence"].to_numpy()
    bins = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    shape = (len(traces.dictionary), len(phases.dictionary), BINS)
    index = (np.asarray(traces.indices), np.asarray(phases.indices), bins)
    counts = np.zeros(shape, int)
    np.add.at(counts, index, 1)
    for at, trace in enumerate(traces.dictionary.to_pylist()):
        found[trace] = {
            phase: counts[at, k].tolist()
            for k, phase in enumerate(phases.dictionary.to_pylist())
            if counts[at, k].any()
        }
    return found


def confidence_by_month(
    read: Callable[[Span], pa.Table], rows: pa.Table
) -> dict[str, dict[str, list[int]]]:
    """Return `confidence_histograms` of all days in ``rows``, reading 30 days at a time."""
    found: dict[str, dict[str, list[int]]] = {}
    if not rows.num_rows:
        return found
    days = pc.min_max(rows["day"]).as_py()
    for first in range(days["min"], days["max"] + 1, _DAYS):
        span = Span(first * DAY_NS, min(first + _DAYS, days["max"] + 1) * DAY_NS)
        for trace, phases in confidence_histograms(read(span)).items():
            known = found.setdefault(trace, {})
            for phase, counts in phases.items():
                before = known.get(phase, [0] * BINS)
                known[phase] = [a + b for a, b in zip(before, counts, strict=True)]
    return found


def total_picks(rows: pa.Table) -> int:
    """Return the sum of the picks of `STATION_DAYS`."""
    return int(pc.sum(rows["picks"]).as_py() or 0)
