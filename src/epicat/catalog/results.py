"""Picks and events in memory, with what names their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import pyarrow as pa

from epicat.model import Event, Pick
from epicat.table_rows import arrivals_table, events_table, picks_table
from epicat.tables import PICKS

__all__ = ["Events", "Picks"]

_IN_MEMORY = "memory"
"""The key of rows that belong to no station-day or block."""


@dataclass(frozen=True, slots=True)
class Picks(Sequence[Pick]):
    """Picks of one run, in the order of time: a sequence of `Pick`.

    Examples
    --------
    >>> import epicat as ec
    >>> picks = ec.Picks((), run="example")
    >>> len(picks), picks.table().num_rows
    (0, 0)

    """

    rows: tuple[Pick, ...]
    """The picks."""
    run: str
    """Digest of the run: what made the picks."""

    @overload
    def __getitem__(self, at: int) -> Pick: ...
    @overload
    def __getitem__(self, at: slice) -> Picks: ...
    def __getitem__(self, at: int | slice) -> Pick | Picks:
        """Return a pick, or some as `Picks`."""
        return Picks(self.rows[at], self.run) if isinstance(at, slice) else self.rows[at]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Pick]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<{len(self):,} picks of run {self.run}>"

    def table(self) -> pa.Table:
        """Return the picks as an Arrow table with the columns of a store's ``picks``."""
        return picks_table(self.rows, self.run, _IN_MEMORY)


@dataclass(frozen=True, slots=True)
class Events(Sequence[Event]):
    """Events of one associator, in the order of time: a sequence of `Event`.

    Examples
    --------
    >>> import epicat as ec
    >>> events = ec.Events((), associator="example")
    >>> len(events), events.table().num_rows
    (0, 0)

    """

    rows: tuple[Event, ...]
    """The events with their arrivals."""
    associator: str
    """Digest of the associator: settings, stations, velocities and the run of the picks."""
    picks: pa.Table = field(default_factory=PICKS.empty_table, repr=False, compare=False)
    """The picks that were associated, rows of a store's ``picks``, also those of no event."""

    @overload
    def __getitem__(self, at: int) -> Event: ...
    @overload
    def __getitem__(self, at: slice) -> Events: ...
    def __getitem__(self, at: int | slice) -> Event | Events:
        """Return an event, or some as `Events`."""
        if isinstance(at, slice):
            return Events(self.rows[at], self.associator, self.picks)
        return self.rows[at]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<{len(self):,} events of associator {self.associator}>"

    def table(self) -> pa.Table:
        """Return the events as an Arrow table with the columns of a store's ``events``."""
        return events_table(self.rows, self.associator, _IN_MEMORY)

    def arrivals(self) -> pa.Table:
        """Return their arrivals as an Arrow table with the columns of a store's ``arrivals``."""
        return arrivals_table(self.rows, self.associator, _IN_MEMORY)
