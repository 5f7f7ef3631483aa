"""Quality control of a catalog: which picks are associated, and which events are rejected.

Picks and events are kept whatever comes of it: left-out picks stay in the store, and a rejected
event is a row that says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from pydantic import Field

from epicat._util.option_models import Limits
from epicat.geo import Extent
from epicat.ledger import Flag
from epicat.model import Event

__all__ = ["CatalogQuality", "Judged", "event_flags", "failings", "judged"]


class CatalogQuality(Limits):
    """What picks and events must be like.  Nothing is asked unless it is set."""

    max_picks_per_hour: int | None = Field(
        default=None,
        ge=1,
        description="Associate no picks of an instrument's UTC hour that has more of them.",
        examples=[400],
    )
    max_picks_per_day: int | None = Field(
        default=None,
        ge=1,
        description="Associate no picks of an instrument's UTC day that has more of them.",
        examples=[4000],
    )
    min_stations: int | None = Field(
        default=None,
        ge=1,
        description="Reject events with arrivals at fewer sites.",
        examples=[5],
    )
    max_gap_deg: float | None = Field(
        default=None,
        alias="max_gap",
        gt=0,
        lt=360,
        description="Reject events with a larger azimuthal gap, in degrees.",
        examples=[180.0],
    )
    max_rms_s: float | None = Field(
        default=None,
        alias="max_rms",
        gt=0,
        description="Reject events with a larger root mean square of the residuals, in s.",
        examples=[0.5],
    )


class Judged(Protocol):
    """What an event is judged by."""

    @property
    def latitude(self) -> float:
        """Degrees north."""
        ...

    @property
    def longitude(self) -> float:
        """Degrees east."""
        ...

    @property
    def n_stations(self) -> int:
        """Sites with arrivals."""
        ...

    @property
    def gap_deg(self) -> float:
        """Azimuthal gap."""
        ...

    @property
    def rms_s(self) -> float:
        """Root mean square of the residuals."""
        ...


def judged(
    events: Iterable[Event], limits: CatalogQuality, within: Extent | None = None
) -> list[Event]:
    """Return the events, each with the reasons why it is rejected, if there are any."""
    return [replace(e, rejected="; ".join(text for _, text in failings(e, limits, within)))
            for e in events]  # fmt: skip


def event_flags(
    events: Iterable[Event], limits: CatalogQuality, within: Extent | None = None
) -> tuple[Flag, ...]:
    """Count the rejected events by criterion; an event may fail several."""
    counts = Counter(criterion for e in events for criterion, _ in failings(e, limits, within))
    return tuple(Flag(*item) for item in sorted(counts.items()))


def failings(
    event: Judged, limits: CatalogQuality, within: Extent | None = None
) -> Iterator[tuple[str, str]]:
    """Give the criteria that an event fails, each with value and limit.

    ``within`` is where events are wanted; None for everywhere.
    """
    if within is not None and not within.contains(event.latitude, event.longitude):
        yield "outside", "outside the extent of events"
    if limits.min_stations is not None and event.n_stations < limits.min_stations:
        yield "stations", f"stations {event.n_stations} < {limits.min_stations}"
    if limits.max_gap_deg is not None and event.gap_deg > limits.max_gap_deg:
        yield "gap", f"gap {event.gap_deg:.1f} > {limits.max_gap_deg:g} deg"
    if limits.max_rms_s is not None and event.rms_s > limits.max_rms_s:
        yield "rms", f"rms {event.rms_s:.3f} > {limits.max_rms_s:g} s"
