"""Events with their hypocenters, arrivals and picks, streamed from tables of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.export.origin import Errors, Origin
from epicat.export.quakes import Part, Quake
from epicat.export.sizes import NetworkMagnitude, magnitudes_by_event
from epicat.located import unmet
from epicat.model import Arrival
from epicat.tables import COVARIANCE

__all__ = ["quakes"]

_AT_ONCE = 1_000
"""Events that are plain Python values at the same time."""

_PLACE: Final = ("time", "latitude", "longitude", "depth_km", "n_stations", "rms_s", "gap_deg",
                 "dmin_km", "edge")  # fmt: skip
_ERRORS: Final = ("time_error_s", "major_km", "minor_km", "azimuth_deg", "depth_error_km",
                  "depth_low_km", "depth_high_km", "quality", "effective_picks",
                  "secondary_gap_deg", "depth_fixed")  # fmt: skip
_COVARIANCE: Final = tuple(f"cov_{name}_km2" for name in COVARIANCE)
_ARRIVAL: Final = ("pick_id", "trace_id", "phase", "time", "residual_s", "distance_km",
                   "azimuth_deg")  # fmt: skip
_PICK: Final = ("band", "confidence", "design")
_LOCATED: Final = ("term_s", "sigma_s", "inlier_probability", "takeoff_deg")


def quakes(parts: Iterable[Part]) -> Iterator[Quake]:
    """Give the events in the order of the association's time, which no location changes.

    Raises `InputError` for an event without a position.
    """
    for part in parts:
        events = part.events.sort_by([("time", "ascending"), ("event_id", "ascending")])
        associated = _Arrivals.from_tables(part.arrivals, part.picks, events, _ARRIVAL)
        located = _Arrivals.from_tables(
            part.origin_arrivals, part.picks, events, _ARRIVAL + _LOCATED
        )
        origins = _origins_of(events, part.origins)
        sizes = magnitudes_by_event(part.magnitudes, part.station_magnitudes)
        for begin in range(0, events.num_rows, _AT_ONCE):
            some = events.slice(begin, _AT_ONCE)
            known = (associated.of(begin, some.num_rows), located.of(begin, some.num_rows))
            for quake in _quakes(some, origins.slice(begin, _AT_ONCE), known):
                yield _sized(quake, sizes, part)


def _sized(quake: Quake, sizes: Mapping[str, NetworkMagnitude], part: Part) -> Quake:
    """Return an event with what its part knows: magnitude, verdict, first motions, catalog."""
    size = sizes.get(quake.event_id)
    if size is not None:
        quake = quake._replace(magnitude=size.value, magnitude_type=size.kind, size=size)
    verdict = part.verdicts.get(quake.event_id)
    if part.polarities or verdict or part.catalog:
        quake = quake._replace(polarities=part.polarities, verdict=verdict, catalog=part.catalog)
    return quake


def _quakes(
    events: pa.Table, origins: pa.Table, arrivals: Sequence[Sequence[tuple[Arrival, ...]]]
) -> Iterator[Quake]:
    """Give some events; ``origins`` has a row for each, of nulls where there is none."""
    heads = zip(*_columns(events, ("event_id", "design", "rejected")), strict=True)
    places = zip(*_columns(events, _PLACE), strict=True)
    located, sizes = _located(origins, arrivals[1]), _magnitudes(events)
    for (name, design, rejected), place, own, origin, size in zip(
        heads, places, arrivals[0], located, sizes, strict=True
    ):
        associated = Origin._make([name, design, *place, own, None])
        quake = Quake(name, design, rejected, associated, origin, *size)
        if not all(found.is_finite for found in quake.origins):
            raise InputError(f"event {name} cannot be exported: its position is not a number")
        yield quake


def _located(origins: pa.Table, arrivals: Sequence[tuple[Arrival, ...]]) -> Iterator[Origin | None]:
    heads = zip(*_columns(origins, ("origin_id", "design", "unmet")), strict=True)
    places = zip(*_columns(origins, _PLACE), strict=True)
    widths = zip(*_columns(origins, _ERRORS), strict=True)
    covariances = zip(*_columns(origins, _COVARIANCE), strict=True)
    for (name, design, reason), place, width, elements, own in zip(
        heads, places, widths, covariances, arrivals, strict=True
    ):
        if name is None:
            yield None
        else:
            errors = Errors._make([*width, reason, elements])
            yield Origin._make([name, design, *place, own, errors])


def _origins_of(events: pa.Table, origins: pa.Table) -> pa.Table:
    """Return a row of ``origins`` for each event, of nulls where it has none.

    The column ``unmet`` is the origin's ``rejected`` unless quality control rejects the event.
    """
    at = pc.index_in(events["event_id"], value_set=origins["event_id"].combine_chunks())
    nullable = pa.schema([pa.field(field.name, field.type) for field in origins.schema])
    own = origins.cast(nullable).take(at.combine_chunks())
    return own.append_column("unmet", unmet(events["rejected"], own["rejected"]))


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """The arrivals of events, with their picks."""

    table: pa.Table
    """Rows of arrivals, event by event, in the order of time."""
    pick: Any
    """The row of the pick of each, null if it is not there."""
    picks: pa.Table
    """Rows of picks."""
    of_event: Any
    """The number of the event of each, in order."""
    names: tuple[str, ...]
    """Columns of an `Arrival`."""

    @classmethod
    def from_tables(
        cls, arrivals: pa.Table, picks: pa.Table, events: pa.Table, names: tuple[str, ...]
    ) -> _Arrivals:
        """Sort arrivals by their event; those of no event are left out."""
        number = pc.index_in(arrivals["event_id"], value_set=events["event_id"].combine_chunks())
        numbered = arrivals.append_column("of_event", number)
        order = [("of_event", "ascending"), ("time", "ascending"), ("pick_id", "ascending")]
        found = numbered.filter(pc.is_valid(number)).sort_by(order)
        pick = pc.index_in(found["pick_id"], value_set=picks["pick_id"].combine_chunks())
        return cls(found, pick, picks, found["of_event"].to_numpy(), names)

    def of(self, begin: int, count: int) -> list[tuple[Arrival, ...]]:
        """Return the arrivals of each of ``count`` events, from the one of number ``begin``."""
        ends = self.of_event.searchsorted(range(begin, begin + count + 1)).tolist()
        low, high = ends[0], ends[-1]
        columns = _columns(self.table.slice(low, high - low), self.names)
        given = self.picks.take(self.pick[low:high])
        rows = [*columns[: len(_ARRIVAL)], *_columns(given, _PICK), *columns[len(_ARRIVAL) :]]
        found = [Arrival(*row) for row in zip(*rows, strict=True)]
        return [tuple(found[a - low : b - low]) for a, b in pairwise(ends)]


def _magnitudes(events: pa.Table) -> list[tuple[float | None, str]]:
    """Return the magnitude and its kind of each event, as far as the table has them."""
    names = ("magnitude", "magnitude_type")
    values, kinds = (
        events[name].to_pylist() if name in events.column_names else [None] * events.num_rows
        for name in names
    )
    return [
        (None if value is None or not math.isfinite(value) else value, kind or "Mw")
        for value, kind in zip(values, kinds, strict=True)
    ]


def _columns(table: pa.Table, names: Iterable[str]) -> list[list[Any]]:
    """Return plain values; times as integers, since Python's own lose the nanoseconds."""
    columns = (table[name] for name in names)
    return [(c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist()
            for c in columns]  # fmt: skip
