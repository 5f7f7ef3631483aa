"""Picks as rows, those of a day, and a box around stations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from epicat.campaign.velocity import PickSample
from epicat.catalog.results import Picks
from epicat.errors import InputError
from epicat.geo import Extent
from epicat.model import Pick, Station, digest_of
from epicat.tables import PICKS

__all__ = ["around", "as_table", "busiest_day"]

_MARGIN_DEG = 0.05
"""Added on all sides of the stations where no extent is given, about 5 km."""


def as_table(picks: Picks | pa.Table | Iterable[Pick]) -> tuple[pa.Table, str]:
    """Return picks as rows, and the digest of their run."""
    if isinstance(picks, pa.Table):
        missing = sorted(set(PICKS.names) - set(picks.column_names))
        if missing:
            raise InputError(
                f"the table of picks lacks {', '.join(missing)}; it needs the columns of a "
                f"store's picks: {', '.join(PICKS.names)}"
            )
        runs = pc.unique(picks["design"]).to_pylist()
        if len(runs) > 1:
            raise InputError(
                f"the table holds picks of {len(runs)} runs, {', '.join(sorted(runs))}: associate "
                "those of one run, such as Catalog.picks gives"
            )
        return picks.select(PICKS.names), runs[0] if runs else digest_of("no picks")
    if not isinstance(picks, Picks):
        some = tuple(sorted(picks))
        picks = Picks(some, digest_of("picks in memory", *(p.id("") for p in some)))
    return picks.table(), picks.run


def busiest_day(picks: pa.Table) -> PickSample | None:
    """Return the picks of the UTC day that has the most."""
    if not picks.num_rows:
        return None
    days = pc.floor_temporal(picks["time"], unit="day")
    counts = {row["values"]: row["counts"] for row in pc.value_counts(days).to_pylist()}
    day = min(counts, key=lambda start: (-counts[start], start))
    rows = picks.filter(pc.equal(days, pa.scalar(day, days.type)))
    ordered = rows.sort_by([("time", "ascending"), ("pick_id", "ascending")])
    return PickSample(f"{day:%Y-%m-%d}", lambda count: ordered.slice(0, count))


def around(stations: Sequence[Station]) -> Extent:
    """Return a box around stations, in any of their positions."""
    positions = [position for station in stations for position in station.positions]
    latitudes, longitudes = [p.latitude for p in positions], [p.longitude for p in positions]
    return Extent.around(latitudes, longitudes, _MARGIN_DEG)
