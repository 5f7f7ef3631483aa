"""Station terms in a store: a named result with a digest, which locations name in turn.

The record of terms has the static ones, so that they can be read and queried.  Everything else,
such as the events of source-specific terms, is the file of `epicat terms` in pieces that fit into
a document of a database.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from epicat._util.arrow_arrays import arrow_array
from epicat.errors import StoreError
from epicat.store.base import ReadableStore, Store
from epicat.store.names import choose_digest, names_by_digest

__all__ = [
    "STATION_TERMS",
    "StaticTerm",
    "StoredTerms",
    "choose_terms",
    "put_terms",
    "station_terms",
    "stored_terms",
    "terms_data",
]

STATION_TERMS: Final = pa.schema(
    [
        ("terms", pa.string()),
        ("site", pa.string()),
        ("phase", pa.string()),
        ("value_s", pa.float64()),
        ("error_s", pa.float64()),
        ("n", pa.float64()),
    ]
)
"""The columns of static terms; ``n`` is the sum of the weights of the picks."""

_PIECE: Final = 6_000_000
"""Bytes of a piece: a document of MongoDB holds 16 MB, and base64 adds a third."""


@dataclass(frozen=True, slots=True)
class StaticTerm:
    """The delay of a phase at a site."""

    site: str
    """Name of the site."""
    phase: str
    """``P`` or ``S``."""
    value_s: float
    """Seconds by which picks are late."""
    error_s: float
    """Standard error in seconds."""
    n: float
    """Sum of the weights of the picks that it comes from."""


@dataclass(frozen=True, slots=True)
class StoredTerms:
    """Station terms of a store."""

    digest: str
    """Identifies them."""
    names: tuple[str, ...]
    """Names that they were given, in alphabetical order."""
    associator: str
    """Digest of the associator whose events they come from."""
    n_events: int
    """Events that they come from."""
    static: tuple[StaticTerm, ...]
    """The static terms."""
    velocity: str = ""
    """Digest of the velocity model that they belong to; empty if it is not known."""

    @property
    def label(self) -> str:
        """Its names, or else its digest."""
        return ", ".join(self.names) or self.digest


def put_terms(store: Store, found: StoredTerms, data: bytes) -> None:
    """Keep terms, and the file with everything that a location needs of them."""
    pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]
    for number, piece in enumerate(pieces):
        text = b64encode(piece).decode()
        store.put_record("terms_part", f"{found.digest}-{number}", {"data": text})
    record = {
        "associator": found.associator,
        "n_events": found.n_events,
        "parts": len(pieces),
        "velocity": found.velocity,
        "static": [[t.site, t.phase, t.value_s, t.error_s, t.n] for t in found.static],
    }
    store.put_record("terms", found.digest, record)


def stored_terms(store: ReadableStore, associator: str = "") -> list[StoredTerms]:
    """Return the terms of a store, or those of an associator's events, in the order of digests."""
    names = names_by_digest(store, "terms")
    return [
        StoredTerms(
            digest=digest,
            names=names.get(digest, ()),
            associator=str(record["associator"]),
            n_events=int(record["n_events"]),
            static=tuple(StaticTerm(*row) for row in record["static"]),
            velocity=str(record.get("velocity") or ""),
        )
        for digest, record in store.records("terms").items()
        if not associator or record["associator"] == associator
    ]


def choose_terms(store: ReadableStore, wanted: str) -> str:
    """Return the digest of terms by a name or its beginning; raise `InputError` if none fits."""
    known = [(one.digest, one.names) for one in stored_terms(store)]
    return choose_digest("terms", wanted, known)


def terms_data(store: ReadableStore, digest: str) -> bytes:
    """Return the file that was kept with terms; raise `StoreError` if it is incomplete."""
    record: dict[str, Any] = store.records("terms").get(digest, {})
    parts = store.records("terms_part")
    names = [f"{digest}-{number}" for number in range(record.get("parts", 0))]
    if not names or not all(name in parts for name in names):
        raise StoreError(f"store {store.location}: the file of station terms {digest} is missing")
    return b"".join(b64decode(parts[name]["data"]) for name in names)


def station_terms(found: Sequence[StoredTerms]) -> pa.Table:
    """Return the static terms as rows of `STATION_TERMS`."""
    rows = [
        (one.digest, t.site, t.phase, t.value_s, t.error_s, t.n)
        for one in found
        for t in one.static
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * len(STATION_TERMS)
    arrays = [arrow_array(c, f.type) for c, f in zip(columns, STATION_TERMS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=STATION_TERMS)
