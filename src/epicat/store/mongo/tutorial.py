"""A database written by the tutorial, as a store to read.

Its picks name their run, its events do not: they all belong to one associator, ``tutorial``.  It
has no keys and no ledger; they are derived: picks by station and UTC day, events by UTC day of
origin.  Station-days without picks are unknown.

All of it is read on the first use.  What the tutorial did not keep stays missing: residuals, RMS
and azimuthal gaps are NaN, bands are empty, times have milliseconds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from bson.objectid import ObjectId

from epicat.errors import StoreError
from epicat.geo import distance_azimuth
from epicat.ledger import BlockEntry, LedgerEntry, Stage, StationDayEntry, Status
from epicat.model import Span, Station, digest_of
from epicat.store.base import STAGE_OF, Where, newest, of_days
from epicat.store.mongo.server import Document, Server
from epicat.table_rows import stations_table
from epicat.tables import SCHEMAS, TABLES, TableName
from epicat.time import SECOND_NS, day_name, day_of, day_start, iso

__all__ = ["ASSOCIATOR", "TutorialStore"]

T = TypeVar("T")

ASSOCIATOR: Final = "tutorial"
"""Stands for the digest of the associator, which a database of the tutorial does not name."""

_GENERATION: Final = "tutorial"
_NO_RUN: Final = "unknown"
_SUMMARY: Final = ("model", "weight", "p_threshold", "s_threshold", "components_loaded",
                   "seisbench_version", "weight_version")  # fmt: skip


class TutorialStore:
    """A `ReadableStore`: the tutorial's database is never written."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.location = server.address.shown

    def read(self, table: TableName, where: Where) -> pa.Table:
        """Return the rows, sorted by time and then by id."""
        found = self._tables[table]
        if where.design is not None:
            found = found.filter(pc.equal(found["design"], where.design))
        if where.keys is not None:
            keys = pa.array(sorted(where.keys), pa.string())
            found = found.filter(pc.is_in(found["key"], keys))
        if where.span is not None:
            times = found["time"].cast(pa.int64())
            begin, end = where.span.start_ns, where.span.end_ns
            found = found.filter(pc.and_(pc.greater_equal(times, begin), pc.less(times, end)))
        return found

    def ledger(
        self, stage: Stage | None = None, design: str | None = None, span: Span | None = None
    ) -> list[LedgerEntry]:
        """Return an entry for each station and day with picks, and each day with events."""
        return [
            entry
            for entry in of_days(self._entries, span)
            if stage in (None, entry.stage) and design in (None, entry.design)
        ]

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        return stations_table(self._places.values())

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return what ``sb_runs`` has, in the form of epicat's records."""
        if kind == "run":
            return {name: _run(document) for name, document in sorted(self._runs.items())}
        if kind == "invocation":
            associator = ASSOCIATOR if self._tables["events"].num_rows else ""
            return {name: _invocation(name, associator, d) for name, d in self._runs.items()}
        return {}

    @cached_property
    def _places(self) -> dict[str, Station]:
        found = (station for _, station in self._each("stations", _station))
        return {station.id: station for station in sorted(found)}

    @cached_property
    def _runs(self) -> dict[str, Document]:
        runs = {str(document["_id"]): document for document in self._server.find("sb_runs", {})}
        named = {pick["design"] for pick in self._picks.values()}
        return {**{name: Document() for name in sorted(named - runs.keys())}, **runs}

    @cached_property
    def _picks(self) -> dict[str, Document]:
        fields = ("trace_id", "time", "phase", "confidence", "run_id")
        return {str(document["_id"]): pick for document, pick in self._each("picks", _pick, fields)}

    @cached_property
    def _tables(self) -> dict[TableName, pa.Table]:
        events, arrivals = self._located()
        made = {"picks": list(self._picks.values()), "events": events, "arrivals": arrivals}
        return {table: _table(table, made.get(table, [])) for table in TABLES}

    def _located(self) -> tuple[list[Document], list[Document]]:
        """Return the events, and the picks that were assigned to them."""
        assigned: dict[str, list[str]] = defaultdict(list)
        for _, (event_id, pick_id) in self._each("assignments", _assignment):
            assigned[event_id].append(pick_id)

        def located(document: Document) -> tuple[Document, list[Document]]:
            picks = [self._picks[i] for i in assigned[str(document["_id"])] if i in self._picks]
            own = [_arrival(document, pick, self._places.get(pick["trace_id"])) for pick in picks]
            return _event(document, own), own

        found = [made for _, made in self._each("events", located)]
        return [event for event, _ in found], [arrival for _, own in found for arrival in own]

    def _each(
        self, name: str, make: Callable[[Document], T], fields: Sequence[str] = ()
    ) -> Iterator[tuple[Document, T]]:
        """Yield each document of a collection and what is made of it.

        Raises `StoreError` for one that the tutorial cannot have written.
        """
        for document in self._server.find(name, {}, fields):
            try:
                made = make(document)
            except (KeyError, TypeError, ValueError) as error:
                reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
                raise StoreError(
                    f"store {self.location}: document {document['_id']} of {name} is not as the "
                    f"tutorial writes it: {reason}"
                ) from error
            yield document, made

    @cached_property
    def _entries(self) -> list[LedgerEntry]:
        found = []
        for table in ("picks", "events"):
            rows = self._tables[table]
            ids: dict[tuple[str, str], list[str]] = defaultdict(list)
            for name, design, key in zip(
                *(rows[c].to_pylist() for c in (rows.column_names[0], "design", "key")), strict=True
            ):
                ids[design, key].append(name)
            stage = STAGE_OF[table]
            found += [_entry(stage, design, key, names) for (design, key), names in ids.items()]
        return newest(found)


def _assignment(document: Document) -> tuple[str, str]:
    return str(document["event_id"]), str(document["pick_id"])


def _pick(document: Document) -> Document:
    time_ns = _nanoseconds(document["time"])
    network, station, *_ = [*str(document["trace_id"]).split("."), ""]
    times = dict.fromkeys(("time", "onset", "end"), time_ns)
    return {
        **times,
        "pick_id": str(document["_id"]),
        "trace_id": str(document["trace_id"]),
        "band": "",
        "phase": str(document["phase"]),
        "confidence": float(document.get("confidence", math.nan)),
        "design": str(document.get("run_id", _NO_RUN)),
        "key": f"{network}.{station}/{day_name(day_of(time_ns))}",
    }


def _event(document: Document, arrivals: Sequence[Document]) -> Document:
    time_ns = _nanoseconds(document["time"])
    depth: Any = document.get("depth", document.get("z", math.nan))
    distances = [arrival["distance_km"] for arrival in arrivals]
    return {
        "event_id": str(document["_id"]),
        "time": time_ns,
        "latitude": float(document["latitude"]),
        "longitude": float(document["longitude"]),
        "depth_km": float(depth),
        "n_p": sum(arrival["phase"] == "P" for arrival in arrivals),
        "n_s": sum(arrival["phase"] == "S" for arrival in arrivals),
        "n_stations": len({a["trace_id"].rpartition(".")[0] for a in arrivals}),
        "dmin_km": min((d for d in distances if not math.isnan(d)), default=math.nan),
        "edge": False,
        "x_km": float(document.get("x", math.nan)),
        "y_km": float(document.get("y", math.nan)),
        "design": ASSOCIATOR,
        "key": iso(day_start(day_of(time_ns))),
    }


def _arrival(event: Document, pick: Document, station: Station | None) -> Document:
    distance = azimuth = math.nan
    if station is not None:
        place = station.latitude, station.longitude
        found = distance_azimuth(event["latitude"], event["longitude"], *place)
        distance, azimuth = (float(value) for value in found)
    return {
        "event_id": str(event["_id"]),
        **{name: pick[name] for name in ("pick_id", "trace_id", "phase", "time")},
        "distance_km": distance,
        "azimuth_deg": azimuth,
        "design": ASSOCIATOR,
        "key": iso(day_start(day_of(_nanoseconds(event["time"])))),
    }


def _station(document: Document) -> Station:
    network, code, location = [*str(document["id"]).split("."), "", ""][:3]
    channels = str(document.get("channels") or "")
    return Station(
        network=network,
        code=code,
        location=location,
        channels=tuple(filter(None, (c.strip() for c in channels.split(",")))),
        latitude=float(document["latitude"]),
        longitude=float(document["longitude"]),
        elevation_m=float(document.get("elevation") or 0.0),
        name=f"{network}.{code}",
    )


def _run(document: Document) -> dict[str, Any]:
    found = {name: document.get(name) for name in _SUMMARY}
    plain = {n: v if isinstance(v, (int, float, str)) else None for n, v in found.items()}
    picker = {"model": plain["model"] or _NO_RUN, "weight": plain["weight"] or _NO_RUN}
    return {**plain, "picker": picker, "made_by": ASSOCIATOR}


def _invocation(run: str, associator: str, document: Document) -> dict[str, Any]:
    stamp = document.get("timestamp")
    when = iso(_nanoseconds(stamp)) if stamp is not None else ""
    return {"time": when, "run": run, "associator": associator, "extent": "", "archive": ""}


def _entry(stage: Stage, design: str, key: str, names: Sequence[str]) -> LedgerEntry:
    marked_ns = max(map(_made_ns, names)) + len(names)  # more rows are a later mark
    result = digest_of(*sorted(names))
    if stage == Stage.PICK:
        return StationDayEntry(
            design, key, Status.DONE, _GENERATION, marked_ns, result=result, n_picks=len(names)
        )
    return BlockEntry(
        design, key, Status.DONE, _GENERATION, marked_ns, result=result, n_events=len(names)
    )


def _made_ns(name: str) -> int:
    """Return when a document was made, which MongoDB's own identities tell."""
    if not ObjectId.is_valid(name):
        return 0
    return int(ObjectId(name).generation_time.timestamp()) * SECOND_NS


def _nanoseconds(date: Any) -> int:
    return int(date) * 1_000_000


def _table(table: TableName, rows: Iterable[Document]) -> pa.Table:
    schema = SCHEMAS[table]
    given = list(rows)
    columns = [
        pa.array([row.get(field.name, _blank(field)) for row in given], _integers(field.type))
        for field in schema
    ]
    found = pa.Table.from_arrays([c.cast(f.type) for c, f in zip(columns, schema, strict=True)],
                                 schema=schema)  # fmt: skip
    return found.sort_by([("time", "ascending"), (schema.names[0], "ascending")])


def _blank(field: pa.Field) -> float | None:
    """Return what stands for an unknown value: null where the schema has it, else NaN."""
    return math.nan if pa.types.is_floating(field.type) and not field.nullable else None


def _integers(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind
