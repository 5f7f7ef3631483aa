"""Leave out the picks of an instrument that makes too many: noise that would become events.

Rates are counted in whole UTC hours and days, which do not depend on how the work is partitioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from epicat._util.arrow_arrays import arrow_array
from epicat.association.quality import CatalogQuality
from epicat.model import Span
from epicat.time import DAY_NS, SECOND_NS, iso

__all__ = ["Crowd", "Sifted", "sift", "whole_bins"]

_LENGTHS = {"hour": 3600 * SECOND_NS, "day": DAY_NS}
_INSTRUMENT = ("trace_id", "band")
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, order=True)
class Crowd:
    """An instrument's hour or day with more picks than allowed."""

    start_ns: int
    """When the hour or day begins."""
    length_ns: int
    """An hour or a day."""
    trace_id: str
    """``NET.STA.LOC``."""
    band: str
    """Band code of the instrument."""
    count: int
    """P and S picks in it."""
    limit: int
    """How many are allowed."""

    @property
    def span(self) -> Span:
        """The hour or day."""
        return Span(self.start_ns, self.start_ns + self.length_ns)

    def __str__(self) -> str:
        name = f"{self.trace_id} {self.band}".rstrip()
        when = iso(self.start_ns)[: 10 if self.length_ns == DAY_NS else 13]
        return f"{name} has {self.count} picks in {when}, more than {self.limit}"


@dataclass(frozen=True, slots=True)
class Sifted:
    """Picks, parted by the rate of their instruments."""

    kept: pa.Table
    """Rows of ``picks`` that may be associated."""
    left_out: pa.Table
    """The others."""
    crowds: tuple[Crowd, ...]
    """The hours and days that the others are of, in the order of time."""

    def within(self, span: Span) -> Sifted:
        """Return the picks of a span, and the hours and days that share a moment with it."""
        return Sifted(
            _within(self.kept, span),
            _within(self.left_out, span),
            tuple(crowd for crowd in self.crowds if crowd.span.overlaps(span)),
        )


def whole_bins(span: Span, limits: CatalogQuality) -> Span:
    """Widen a span to the whole hours or days that its rates are counted in.

    Both lie inside UTC days, so that no other day's picks are needed.
    """
    length = max((_LENGTHS[unit] for unit in _rates(limits)), default=1)
    return Span(span.start_ns // length * length, -(-span.end_ns // length) * length)


def sift(picks: pa.Table, limits: CatalogQuality) -> Sifted:
    """Part the picks of whole hours or days, as `whole_bins` gives them."""
    crowded = pa.repeat(_scalar(False, pa.bool_()), picks.num_rows)
    crowds: list[Crowd] = []
    for unit, limit in _rates(limits).items():
        start = pc.floor_temporal(picks["time"], unit=unit).cast(pa.int64())
        names = _names([picks[name] for name in _INSTRUMENT] + [start])
        counts = pc.value_counts(names)
        is_over = pc.greater(counts.field("counts"), _scalar(limit, pa.int64()))
        over = counts.filter(is_over)
        crowded = pc.or_(crowded, pc.is_in(names, value_set=over.field("values")))
        for name, count in zip(*(over.field(i).to_pylist() for i in (0, 1)), strict=True):
            trace_id, band, begin = name.split(_SEPARATOR)
            crowds.append(Crowd(int(begin), _LENGTHS[unit], trace_id, band, count, limit))
    return Sifted(picks.filter(pc.invert(crowded)), picks.filter(crowded), tuple(sorted(crowds)))


def _rates(limits: CatalogQuality) -> dict[str, int]:
    """Return the limits that are set, by the unit of time in which picks are counted."""
    both = {"hour": limits.max_picks_per_hour, "day": limits.max_picks_per_day}
    return {unit: limit for unit, limit in both.items() if limit is not None}


def _names(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """Return a text for each row, equal for those of one instrument and bin."""
    texts = (column.cast(pa.string()) for column in columns)
    separator = _scalar(_SEPARATOR, pa.string())
    return pc.binary_join_element_wise(*texts, separator).combine_chunks()


def _scalar(value: object, kind: pa.DataType) -> pa.Scalar:
    return arrow_array([value], kind)[0]


def _within(picks: pa.Table, span: Span) -> pa.Table:
    time_ns = picks["time"].cast(pa.int64())
    begin, end = arrow_array([span.start_ns, span.end_ns], pa.int64())
    first, stop = pc.greater_equal(time_ns, begin), pc.less(time_ns, end)
    return picks.filter(pc.and_(first, stop))
