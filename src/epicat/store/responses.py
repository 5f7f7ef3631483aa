"""The responses of channels that amplitudes were measured with, as records of a store.

A record is a part of what one invocation knew; of a channel that several invocations know, the
newest one is valid.  Poles, zeros and filters are not kept: what a reader compares is the gain.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from epicat.model import digest_of
from epicat.store.base import ReadableStore, Store

__all__ = ["StoredResponse", "put_responses", "stored_responses"]

_KIND: Final = "responses"
_PIECE: Final = 20_000
"""Rows of a record: about 2 MB."""


@dataclass(frozen=True, slots=True, order=True)
class StoredResponse:
    """The response of a channel during an epoch, or why there is none."""

    channel: str
    """``NET.STA.LOC.CHA``, or a pattern of it for a flat response that the user gave."""
    start: str
    """ISO 8601 time; empty if open."""
    end: str
    """ISO 8601 time; empty if open."""
    unit: str
    """Ground motion: ``M``, ``M/S`` or ``M/S**2``."""
    gain: float
    """Counts per unit, product of the gains of all stages; negative if the signal is turned."""
    stages: int
    """Stages whose value depends on the frequency."""
    is_flat: bool
    """Whether the user gave it, for channels without a usable response in the metadata."""
    problem: str
    """Why it cannot be used; empty if it can."""


def put_responses(store: Store, found: Iterable[StoredResponse]) -> None:
    """Keep responses, unless they are those that were kept last."""
    rows = [list(astuple(one)) for one in sorted(found)]
    digest = digest_of(*map(repr, rows))
    known = store.records(_KIND)
    if not rows or (known and known[max(known)].get("digest") == digest):
        return
    now = time.time_ns()
    for at in range(0, len(rows), _PIECE):
        name = f"{now:020d}-{at:08d}-{digest[:8]}"
        store.put_record(_KIND, name, {"digest": digest, "rows": rows[at : at + _PIECE]})


def stored_responses(store: ReadableStore) -> list[StoredResponse]:
    """Return the newest responses of each channel or pattern, in the order of channels."""
    found: dict[str, dict[str, list[StoredResponse]]] = {}
    for name, record in sorted(store.records(_KIND).items()):
        own: dict[str, list[StoredResponse]] = {}
        for one in _rows(record):
            own.setdefault(one.channel, []).append(one)
        for channel, rows in own.items():
            found.setdefault(channel, {}).setdefault(name[:20], []).extend(rows)
    return sorted(one for times in found.values() for one in times[max(times)])


def _rows(record: Mapping[str, Any]) -> Sequence[StoredResponse]:
    return [StoredResponse(*row) for row in record["rows"]]
