"""The selection of the page: the filter in its address, applied to the events of the server.

The rules are those of ``web/src/filter.ts`` and ``web/src/worker/selection.ts``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.time import parse_time

__all__ = ["Chosen"]

F64 = NDArray[np.float64]

_RANGES: Final = {"latitude": "latitude", "longitude": "longitude", "depth": "depth_km",
                  "magnitude": "magnitude"}  # fmt: skip
_UPPER: Final = {"gap": "gap_deg", "rms": "rms_s"}
_LOWER: Final = ("phases", "stations")
_KNOWN: Final = {"time", *_RANGES, *_UPPER, *_LOWER, "quality", "rejected", "review"}
_NUMBER: Final = re.compile(r"-?\d*\.?\d+(e-?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is selected."""

    ranges: Mapping[str, tuple[float, float]]
    """Lowest and highest value by the name in the address; of the time in seconds since 1970."""
    limits: Mapping[str, float]
    """The largest gap and RMS, the smallest number of phases and stations."""
    quality: frozenset[str] | None = None
    """The classes; None for all."""
    review: frozenset[str] | None = None
    """States of the review, ``none``, ``accepted``, ``rejected`` or ``stale``; None for all."""
    with_rejected: bool = False
    """Whether events that quality control rejects are selected as well."""

    @classmethod
    def from_parameters(cls, given: Mapping[str, str]) -> Chosen:
        """Read the filter of an address; raise `InputError` for what the page does not write."""
        unknown = sorted(set(given) - _KNOWN)
        if unknown:
            raise InputError(f"the selection has no {unknown[0]!r}: it has {', '.join(_KNOWN)}")
        ranges = {name: _range(name, given[name]) for name in ("time", *_RANGES) if name in given}
        limits = {name: _number(given[name]) for name in (*_UPPER, *_LOWER) if name in given}
        return cls(
            ranges,
            limits,
            _names(given.get("quality")),
            _names(given.get("review")),
            given.get("rejected") == "1",
        )

    def rows(self, events: pa.Table, reviews: Mapping[str, str]) -> NDArray[np.bool_]:
        """Return which rows of `epicat.viewer.columns.EVENTS` are selected.

        ``reviews`` gives the state of reviewed events by their id.
        """
        keep = np.ones(events.num_rows, bool)
        for name, (low, high) in self.ranges.items():
            values = _seconds(events) if name == "time" else _values(events, _RANGES[name])
            keep &= (values >= low) & (values <= high)
        for name, limit in self.limits.items():
            if name in _UPPER:
                keep &= ~(_values(events, _UPPER[name]) > limit)
            else:
                keep &= ~(_count(events, name) < limit)
        if self.quality is not None:
            keep &= _is_in(events["quality"], self.quality)
        if not self.with_rejected:
            keep &= _is_in(events["rejected"], frozenset({""}))
        if self.review is not None:
            ids = events["event_id"].to_pylist()
            keep &= np.array([reviews.get(name, "none") in self.review for name in ids], bool)
        return keep


def _seconds(events: pa.Table) -> F64:
    return np.asarray(events["time"].cast(pa.int64()).to_numpy() / 1e6)


def _values(events: pa.Table, name: str) -> F64:
    """Return a column in its unit; NaN where it is null."""
    metadata = events.schema.field(name).metadata or {}
    inverse = round(1 / float(metadata.get(b"scale", b"1")))
    return np.asarray(events[name].cast(pa.float64()).to_numpy() / inverse)


def _count(events: pa.Table, name: str) -> F64:
    if name == "stations":
        return _values(events, "n_stations")
    return _values(events, "n_p") + _values(events, "n_s")


def _is_in(column: pa.ChunkedArray, names: frozenset[str]) -> NDArray[np.bool_]:
    texts = pc.fill_null(column.cast(pa.string()), "")
    return np.asarray(pc.is_in(texts, value_set=pa.array(sorted(names))).to_numpy())


def _names(text: str | None) -> frozenset[str] | None:
    return frozenset(text.split(",")) if text else None


def _range(name: str, text: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    read = _time if name == "time" else _number
    found = (read(low) if low else -math.inf, read(high) if high else math.inf)
    if not dots or not found[0] <= found[1]:
        raise InputError(f"{name} {text!r} is not a range, such as 1..2.5 or 1..")
    return found


def _time(text: str) -> float:
    return parse_time(text) / 1e9


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise InputError(f"{text!r} is not a number")
    return float(text)
