"""Leave out the picks of an instrument that makes too many: noise that would become events.

Rates are counted in whole UTC hours and days, which do not depend on how the work is partitioned.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from epicat.association.quality import CatalogQuality
from epicat.model import Span
from epicat.time import DAY_NS, SECOND_NS, iso

__all__ = ["Crowd", "Sifted", "sift", "whole_bins"]

_LENGTHS = {"hour": 3600 * SECOND_NS, "day": DAY_NS}
_INSTRUMENT = ("trace_id", "band")


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
    crowded = pa.array([False] * picks.num_rows, pa.bool_())
    crowds: list[Crowd] = []
    for unit, limit in _rates(limits).items():
        start = pc.floor_temporal(picks["time"], unit=unit).cast(pa.int64())
        bins = pa.table({name: picks[name] for name in _INSTRUMENT} | {"start": start})
        counts = bins.group_by(bins.column_names).aggregate([([], "count_all")])
        over = counts.filter(pc.greater(counts["count_all"], limit))
        crowded = pc.or_(crowded, pc.is_in(_names(bins), value_set=_names(over)))
        crowds += (
            Crowd(row["start"], _LENGTHS[unit], row["trace_id"], row["band"],
                  row["count_all"], limit)
            for row in over.to_pylist()
        )  # fmt: skip
    return Sifted(picks.filter(pc.invert(crowded)), picks.filter(crowded), tuple(sorted(crowds)))


def _rates(limits: CatalogQuality) -> dict[str, int]:
    """Return the limits that are set, by the unit of time in which picks are counted."""
    both = {"hour": limits.max_picks_per_hour, "day": limits.max_picks_per_day}
    return {unit: limit for unit, limit in both.items() if limit is not None}


def _names(bins: pa.Table) -> pa.Array:
    """Return a text for each row, equal for those of one instrument and bin."""
    texts = (bins[name].cast(pa.string()) for name in (*_INSTRUMENT, "start"))
    return pc.binary_join_element_wise(*texts, "\x1f").combine_chunks()


def _within(picks: pa.Table, span: Span) -> pa.Table:
    time_ns = picks["time"].cast(pa.int64())
    first, stop = pc.greater_equal(time_ns, span.start_ns), pc.less(time_ns, span.end_ns)
    return picks.filter(pc.and_(first, stop))
