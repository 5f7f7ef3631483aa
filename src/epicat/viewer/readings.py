"""Residuals of arrivals and of station magnitudes, and their spread by phase, distance and station.

`residual_tables` gives the numbers of the statistics page, which computes the same from the
arrivals of a report (``web/src/statspage.ts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epicat.viewer.columns import MAGNITUDE_READINGS, READINGS
from epicat.viewer.events import pack_table

__all__ = ["magnitude_reading_rows", "reading_rows", "residual_tables"]

I64 = NDArray[np.int64]

_STATION: Final = r"^([^.]*\.[^.]*).*$"
_STEPS_KM: Final = (5, 10, 20, 25, 50, 100, 200, 500)
_MOST_BINS: Final = 14
_PER_SECOND: Final = 1000
_RESIDUAL: Final = 1 << 32
"""Residuals and their group are sorted as one number."""


def reading_rows(events: pa.Table, arrivals: pa.Table) -> pa.Table:
    """Return rows of `READINGS` for ``events``, in the order of event and distance."""
    rows = _numbered(events, arrivals)
    return pack_table(rows, READINGS)


def magnitude_reading_rows(events: pa.Table, magnitudes: pa.Table) -> pa.Table:
    """Return rows of `MAGNITUDE_READINGS` for the station magnitudes that ``events`` use.

    ``events`` are those of a catalog, whose ``magnitude`` is that of the network; upper bounds,
    and what has no weight, are left out.
    """
    used = pc.and_(pc.invert(magnitudes["is_bound"]), pc.greater(magnitudes["weight"], 0))
    rows = _numbered(events, magnitudes.filter(pc.fill_null(used, False)))
    network = events["magnitude"].combine_chunks().take(rows["event"].combine_chunks())
    residual = pc.subtract(rows["value"], network)
    rows = rows.append_column("residual", residual)
    return pack_table(rows.filter(pc.is_finite(pc.fill_null(residual, np.nan))), MAGNITUDE_READINGS)


def _numbered(events: pa.Table, rows: pa.Table) -> pa.Table:
    """Return the rows of some events with ``event``, their row, and ``station``."""
    ids = events["event_id"].combine_chunks()
    number = pc.index_in(rows["event_id"], value_set=ids)
    rows = rows.append_column("event", number).filter(pc.is_valid(number))
    station = pc.replace_substring_regex(rows["trace_id"], _STATION, r"\1")
    rows = rows.append_column("station", station)
    return rows.sort_by([("event", "ascending"), ("distance_km", "ascending")])


def residual_tables(parts: Iterable[pa.Table]) -> dict[str, Any] | None:
    """Return count, median and MAD of residuals; None if there is no reading.

    ``parts`` are rows of `READINGS`, for example of a month each.  ``phases`` is by phase,
    ``distances`` a list by ``from_km``, ``to_km`` and ``phase``, ``stations`` by ``station`` and
    ``phase``; a spread has ``count``, ``median`` and ``mad`` in seconds.
    """
    readings = _Readings()
    for part in parts:
        readings.add(part)
    return readings.tables()


class _Readings:
    """Readings of all parts as numbers: 13 bytes each."""

    def __init__(self) -> None:
        self._stations: dict[str, int] = {}
        self._phases: dict[str, int] = {}
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def add(self, part: pa.Table) -> None:
        """Add the readings of a part whose residual is known."""
        rows = part.filter(pc.is_valid(part["residual_s"]))
        if not rows.num_rows:
            return
        distance = rows["distance_km"].fill_null(0).to_numpy()
        self._parts.append((
            _codes(rows["station"], self._stations).astype(np.int32),
            _codes(rows["phase"], self._phases).astype(np.int8),
            rows["residual_s"].to_numpy().astype(np.int32),
            distance.astype(np.int32),
        ))  # fmt: skip

    def tables(self) -> dict[str, Any] | None:
        """Return the tables of `residual_tables`."""
        if not self._parts:
            return None
        station, phase, residual, metres = (
            np.concatenate(arrays) for arrays in zip(*self._parts, strict=True)
        )
        phases, stations = list(self._phases), list(self._stations)
        farthest = float(metres.max()) / _PER_SECOND
        step = next((s for s in _STEPS_KM if farthest / s <= _MOST_BINS), _STEPS_KM[-1])
        bins = metres // (step * _PER_SECOND)
        by_phase = _spreads(phase.astype(np.int64), residual)
        by_distance = _spreads(bins * np.int64(len(phases)) + phase, residual)
        by_station = _spreads(station * np.int64(len(phases)) + phase, residual)
        return {
            "phases": {phases[code]: by_phase[code] for code in _ordered(by_phase, phases)},
            "distances": [
                {"from_km": at * step, "to_km": (at + 1) * step, "phase": phases[k], "spread": one}
                for (at, k), one in _by_names(by_distance, phases, None)
            ],
            "stations": [
                {"station": stations[at], "phase": phases[k], "spread": one}
                for (at, k), one in _by_names(by_station, phases, stations)
            ],
        }


def _codes(texts: pa.ChunkedArray, known: dict[str, int]) -> I64:
    """Return the numbers of texts in a dictionary that grows."""
    coded = texts.combine_chunks()
    numbers = [known.setdefault(str(text), len(known)) for text in coded.dictionary.to_pylist()]
    indices: I64 = np.asarray(coded.indices, np.int64)
    return np.array(numbers, np.int64)[indices]


def _ordered(spreads: dict[int, Any], names: Sequence[str]) -> list[int]:
    return sorted(spreads, key=lambda code: names[code])


def _by_names(
    spreads: dict[int, Any], phases: Sequence[str], names: Sequence[str] | None
) -> list[tuple[tuple[int, int], Any]]:
    """Return spreads by two codes, in the order of their names; None: of the first code."""
    found = [(divmod(code, len(phases)), one) for code, one in spreads.items()]
    return sorted(found, key=lambda row: (names[row[0][0]] if names else row[0][0],
                                          phases[row[0][1]]))  # fmt: skip


def _spreads(groups: I64, residual: NDArray[np.int32]) -> dict[int, dict[str, float]]:
    """Return count, median and MAD in seconds by group; residuals are in milliseconds."""
    codes, counts, twice = _medians(groups, residual.astype(np.int64))
    middle = np.zeros(int(codes.max()) + 1, np.int64)
    middle[codes] = twice
    _, _, deviation = _medians(groups, np.abs(2 * residual.astype(np.int64) - middle[groups]))
    return {
        int(code): {
            "count": int(count),
            "median": float(center) / 2 / _PER_SECOND,
            "mad": float(spread) / 4 / _PER_SECOND,
        }
        for code, count, center, spread in zip(codes, counts, twice, deviation, strict=True)
    }


def _medians(groups: I64, values: I64) -> tuple[I64, I64, I64]:
    """Return the groups, their sizes, and twice the median of each."""
    keys = np.sort(groups * _RESIDUAL + (values + _RESIDUAL // 2))
    starts = np.flatnonzero(np.diff(keys // _RESIDUAL, prepend=-1))
    counts = np.diff(starts, append=len(keys))
    low, high = keys[starts + (counts - 1) // 2], keys[starts + counts // 2]
    codes = keys[starts] // _RESIDUAL
    return codes, counts, low + high - 2 * codes * _RESIDUAL - _RESIDUAL
