"""The schema of a store in a database: its version, and the indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pymongo import ASCENDING, GEOSPHERE, IndexModel

from epicat.errors import StoreError
from epicat.store.mongo.server import Document, Server
from epicat.tables import SCHEMA_VERSION

__all__ = ["ABOUT", "INDEXES", "is_store", "is_tutorial", "make_store"]

ABOUT: Final = "epicat"
"""The collection that makes a database a store."""

_LAYOUT_VERSION: Final = 2
"""Raised whenever a field changes its meaning while the columns of the tables do not.

Version 2 has the best place of an event in its fields, and the association's in ``associated``.
"""
_SCHEMA: Final = "schema"
_VERSIONS: Final = {"schema_version": SCHEMA_VERSION, "layout_version": _LAYOUT_VERSION}
_TUTORIAL: Final = frozenset({"picks", "stations", "events", "assignments", "sb_runs"})

INDEXES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "picks": (("time",), ("trace_id", "time"), ("run_id", "time"), ("key",)),
    "events": (
        ("time",),
        ("associator", "time"),
        ("associator", "associated.time_ns"),
        ("key",),
        ("location",),
    ),
    "assignments": (("event_id",), ("pick_id",), ("associator", "time"), ("key",)),
    "origins": (("time",), ("location_id", "time"), ("event_id",), ("key",), ("location",)),
    "origin_arrivals": (("origin_id",), ("pick_id",), ("location_id", "time"), ("key",)),
    "amplitudes": (("time",), ("amplitude_design", "time"), ("key",)),
    "envelopes": (("time",), ("amplitude_design", "time"), ("key",)),
    "magnitudes": (("time",), ("magnitude_design", "time"), ("event_id",), ("key",)),
    "station_magnitudes": (("magnitude_id",), ("magnitude_design", "time"), ("key",)),
    "stations": (("location",),),
    "ledger": (("stage", "design", "day"), ("revision",)),
    "invocations": (("time",),),
}
"""The indexes of each collection; ``location`` is a place on the sphere (2dsphere)."""


def is_store(server: Server) -> bool:
    """Whether a database is a store of epicat; raise `StoreError` if its schema is newer."""
    found = server.do(lambda: server.collection(ABOUT).find_one({"_id": _SCHEMA}))
    if found is None:
        return False
    for name, known in _VERSIONS.items():
        version = found.get(name)
        if not isinstance(version, int):
            raise StoreError(
                f"store {server.address.shown}: its document {ABOUT}.schema is damaged"
            )
        if version > known:
            raise StoreError(
                f"store {server.address.shown} was written by a newer epicat ({name} {version}, "
                f"this one knows {known}); update epicat"
            )
    return True


def is_tutorial(server: Server) -> bool:
    """Whether a database has collections of the tutorial and is not a store of epicat."""
    names = server.names()
    return ABOUT not in names and bool(names & _TUTORIAL)


def make_store(server: Server) -> None:
    """Make a database a store, with all indexes; raise `StoreError` if it has other content."""
    # Listed first: another process may be making the same store at this moment.
    others = sorted(server.names())
    if not is_store(server):
        if others and ABOUT not in others:
            raise StoreError(_belongs_to_others(server, others))
        server.keep_first(ABOUT, {"_id": _SCHEMA, **_VERSIONS})
    _raise_version(server)
    for name, wanted in INDEXES.items():
        _ensure(server, name, {"_".join(fields): fields for fields in wanted})


def _raise_version(server: Server) -> None:
    """Record our versions in a store that an older epicat made, so that older ones refuse it."""
    about = server.collection(ABOUT, lasting=True)
    server.do(lambda: about.update_one({"_id": _SCHEMA}, {"$max": _VERSIONS}))


def _belongs_to_others(server: Server, names: list[str]) -> str:
    start = f"store {server.address.shown}: the database "
    if _TUTORIAL.intersection(names):
        return (
            f"{start}is one of the tutorial, whose events name no run: it can be read, exported "
            "and copied (epicat copy); for new results name another by --collection"
        )
    return f"{start}has other collections ({', '.join(names[:3])}); name another by --collection"


def _ensure(server: Server, name: str, wanted: Mapping[str, tuple[str, ...]]) -> None:
    """Create the missing indexes."""
    collection = server.collection(name)
    known: Mapping[str, Any] = server.do(collection.index_information)
    missing = [_model(n, fields) for n, fields in wanted.items() if n not in known]
    if missing:
        server.do(lambda: collection.create_indexes(missing))


def _model(name: str, fields: tuple[str, ...]) -> IndexModel:
    if fields == ("location",):
        # The version is said so that making it twice at once is the same index to every server.
        version: Document = {"2dsphereIndexVersion": 3}
        return IndexModel([("location", GEOSPHERE)], name=name, **version)
    return IndexModel([(field, ASCENDING) for field in fields], name=name)
