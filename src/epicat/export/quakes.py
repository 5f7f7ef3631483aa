"""What is exported: pieces of a catalog, events with their hypocenters, and their writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO, NamedTuple, Protocol

import pyarrow as pa

from epicat.export.origin import Origin
from epicat.export.sizes import NetworkMagnitude
from epicat.tables import MAGNITUDES, ORIGIN_ARRIVALS, ORIGINS, STATION_MAGNITUDES

__all__ = ["Part", "Quake", "Verdict", "Writer", "Written"]


class Verdict(NamedTuple):
    """What a reviewer says of an event."""

    status: str
    """``accepted``, ``rejected``, or ``comment`` if the reviewer does not decide."""
    by: str
    """Name of the reviewer."""
    comment: str = ""
    """Free text."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a catalog: some events, and at least their arrivals and picks.

    The next piece begins after the last event of this one.
    """

    events: pa.Table
    """Rows of ``epicat.tables.EVENTS``."""
    arrivals: pa.Table
    """Rows of ``epicat.tables.ARRIVALS``; those of other events are ignored."""
    picks: pa.Table
    """Rows of ``epicat.tables.PICKS``; those without an arrival are ignored."""
    origins: pa.Table = field(default_factory=ORIGINS.empty_table)
    """Rows of ``epicat.tables.ORIGINS`` of one location; those of other events are ignored."""
    origin_arrivals: pa.Table = field(default_factory=ORIGIN_ARRIVALS.empty_table)
    """Rows of ``epicat.tables.ORIGIN_ARRIVALS`` of the same location."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """What reviewers say of events, by event."""
    magnitudes: pa.Table = field(default_factory=MAGNITUDES.empty_table)
    """Rows of ``epicat.tables.MAGNITUDES`` of one design."""
    station_magnitudes: pa.Table = field(default_factory=STATION_MAGNITUDES.empty_table)
    """Rows of ``epicat.tables.STATION_MAGNITUDES`` of the same design."""
    polarities: Mapping[str, int] = field(default_factory=dict)
    """First motions by pick: 1 up, -1 down, 0 undecided; picks that were not looked at are not
    there."""
    catalog: str = ""
    """Name of the catalog; empty if it has none."""


class Quake(NamedTuple):
    """An event with its hypocenters and their arrivals."""

    event_id: str
    """Its identity."""
    associator: str
    """Digest of the associator that found it."""
    rejected: str | None
    """Why quality control rejects it; None or empty if it does not."""
    associated: Origin
    """The hypocenter of the association."""
    located: Origin | None = None
    """The hypocenter of the location; None if the event was not located."""
    magnitude: float | None = None
    """Its magnitude, if the table of events has one."""
    magnitude_type: str = ""
    """Kind of the magnitude; ``Mw`` if the table does not say."""
    verdict: Verdict | None = None
    """What a reviewer says of it; None if nobody reviewed it."""
    size: NetworkMagnitude | None = None
    """The computed magnitude, which ``magnitude`` is then; None if there is none."""
    polarities: Mapping[str, int] = MappingProxyType({})
    """First motions by pick, as in `Part`."""
    catalog: str = ""
    """Name of its catalog, as in `Part`."""

    @property
    def origin(self) -> Origin:
        """The best hypocenter: the location's if there is one."""
        return self.located or self.associated

    @property
    def origins(self) -> tuple[Origin, ...]:
        """All hypocenters, the best one first."""
        return (self.located, self.associated) if self.located else (self.associated,)


@dataclass(frozen=True, slots=True)
class Written:
    """What is in the file."""

    events: int
    """Events."""
    arrivals: int = 0
    """Arrivals, where the format has them."""
    notes: tuple[str, ...] = ()
    """What was left out or may surprise, in sentences for the user."""


class Writer(Protocol):
    """Writes a catalog to text files, event by event: memory does not grow with the catalog."""

    def __call__(
        self, parts: Iterable[Part], stations: pa.Table, file: IO[str], *companions: IO[str]
    ) -> Written:
        """Write the parts, in their order; ``companions`` are the files of `Format.companions`."""
        ...
