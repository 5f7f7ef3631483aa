"""Stations and records of runs in a database.

A record is kept unchanged, as JSON, under ``record``; next to it are fields for queries by users,
including those of the tutorial.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pyarrow as pa
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from epicat._util.lists import batched
from epicat.errors import InputError, StoreError
from epicat.store.mongo.documents import date_of, point
from epicat.store.mongo.errors import only_duplicates
from epicat.store.mongo.server import BATCH, Document, Server
from epicat.tables import STATIONS
from epicat.time import parse_time

__all__ = ["Records"]

_STATIONS: Final = "stations"
_COLLECTIONS: Final[Mapping[str, str]] = {
    "run": "sb_runs",
    "associator": "associators",
    "invocation": "invocations",
}
_PICKER: Final = ("model", "weight", "weights_sha256", "sampling_rate")
_PLAIN: Final = ("p_threshold", "s_threshold", "imported", "associator", "archive", "layout",
                 "extent", "python", "machine")  # fmt: skip


class Records:
    """The collections ``stations``, ``sb_runs``, ``associators`` and ``invocations``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        stations = self._server.collection(_STATIONS)
        for some in batched(rows.to_pylist(), BATCH):
            writes = [ReplaceOne({"_id": row["id"]}, _station(row), upsert=True) for row in some]
            self._server.do(partial(_replace, stations, writes))

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        found = {d["_id"]: d for d in self._server.find(_STATIONS, {})}
        rows = [{name: found[i].get(name) for name in STATIONS.names} for i in sorted(found)]
        try:
            return pa.Table.from_pylist(rows, schema=STATIONS)
        except (pa.ArrowException, TypeError) as error:
            where = f"store {self._server.address.shown}"
            raise StoreError(f"{where}: a station is not one that epicat wrote: {error}") from error

    def put(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record; the first of a name stays."""
        text = json.dumps(record, sort_keys=True)
        document = {"_id": name, **_for_readers(record), "record": text}
        self._server.keep_first(_collection(kind), document)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        found = {d["_id"]: d for d in self._server.find(_collection(kind), {}, ["record"])}
        return {name: json.loads(found[name]["record"]) for name in sorted(found)}


def _collection(kind: str) -> str:
    return _COLLECTIONS.get(kind, f"records_{kind}")


def _station(row: Mapping[str, Any]) -> Document:
    return {"_id": row["id"], **row, **point(row["latitude"], row["longitude"])}


def _replace(stations: Any, writes: list[ReplaceOne[Document]]) -> None:
    try:
        stations.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        # Two processes have put the same new station at once: replace it now.
        if only_duplicates(error) is None:
            raise
        stations.bulk_write(writes, ordered=False)


def _for_readers(record: Mapping[str, Any]) -> Document:
    """Return the fields for queries, under the tutorial's names where it has them."""
    picker = record.get("picker") or {}
    versions = record.get("versions") or picker.get("made_with") or {}
    found = {
        **{name: picker.get(name) for name in _PICKER},
        **{name: record.get(name) for name in _PLAIN},
        "weight_version": picker.get("version"),
        "seisbench_version": versions.get("seisbench"),
        "run_id": record.get("run"),
        "versions": {_safe(name): str(version) for name, version in versions.items()},
        "time": _date(record.get("time")),
        "timestamp": date_of(time.time_ns()),
    }
    return {name: value for name, value in found.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    """Whether a value is worth a separate field, and can be one."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value not in (None, {}) and not isinstance(value, (list, tuple))


def _safe(name: str) -> str:
    return name.replace(".", "_").replace("$", "_")


def _date(text: Any) -> Any:
    try:
        return date_of(parse_time(str(text)))
    except InputError:
        return None
