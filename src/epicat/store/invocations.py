"""Invocations on record: when a campaign was run, and what was requested."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from epicat.model import Span
from epicat.store.base import ReadableStore, Store

__all__ = ["Invocation", "invocations", "record_invocation"]

_KIND = "invocation"
_NO_SPAN = Span(0, 0)
_TEXTS = (
    "time",
    "run",
    "associator",
    "location",
    "archive",
    "layout",
    "extent",
    "python",
    "machine",
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one `epicat run` or import was asked to do."""

    run: str
    """Digest of the run of the picks."""
    associator: str = ""
    """Digest of the associator; empty if nothing was to be associated."""
    location: str = ""
    """Digest of the location; empty if events were not to be located, and in older records."""
    archive: str = ""
    """Where the waveforms, or the imported picks, are."""
    layout: str = ""
    """Layout of the archive; empty if no waveforms were to be picked."""
    access: Mapping[str, Any] = field(default_factory=dict)
    """How a bucket or data center was accessed: ``region``, ``endpoint``, ``signed``; no secrets.

    Empty for local folders, and in records of earlier versions.
    """
    extent: str = ""
    """``S/N/W/E`` in degrees, as `epicat.geo.Extent` reads it."""
    span: Span = _NO_SPAN
    """The time range that was requested."""
    stations: tuple[str, ...] | None = None
    """Names of the places that were requested; None in records of earlier versions."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of epicat and of what it computes with."""
    python: str = ""
    """Version of Python."""
    machine: str = ""
    """Type of processor, such as ``x86_64``."""
    time: str = ""
    """When, ISO 8601 UTC."""
    number: int = 0
    """Counts the invocations of a store from 1; 0 in records of earlier versions."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Invocation:
        """Return the invocation of a store's record; of earlier versions, too."""
        stations = record.get("stations")
        return cls(
            **{name: str(record.get(name) or "") for name in _TEXTS},
            span=Span(*record.get("span") or (0, 0)),
            stations=None if stations is None else tuple(stations),
            access=dict(record.get("access") or {}),
            versions=dict(record.get("versions") or {}),
            number=record.get("number", 0),
        )

    def to_record(self) -> dict[str, Any]:
        """Return what a store keeps, plain JSON."""
        record: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        record["span"] = [self.span.start_ns, self.span.end_ns]
        if self.stations is not None:
            record["stations"] = list(self.stations)
        if self.access:
            record["access"] = dict(self.access)
        return {**record, "versions": dict(self.versions), "number": self.number}


def invocations(store: ReadableStore) -> list[Invocation]:
    """Return the invocations of a store, the oldest first.

    The order is that of their numbers: clocks may be set back.
    """
    found = map(Invocation.from_record, store.records(_KIND).values())
    return sorted(found, key=lambda invocation: (invocation.number, invocation.time))


def record_invocation(store: Store, invocation: Invocation) -> None:
    """Keep an invocation with the time of now and the next number."""
    now = datetime.now(UTC)
    number = 1 + max((earlier.number for earlier in invocations(store)), default=0)
    numbered = replace(invocation, time=now.isoformat(), number=number)
    name = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    store.put_record(_KIND, name, numbered.to_record())
