"""Rows as documents, and back: the only place that knows how a column is called in MongoDB.

The collections and fields are those of the tutorial wherever it has them: ``picks`` with
``trace_id``, ``time``, ``phase``, ``confidence`` and ``run_id``; ``events`` with ``time``,
``latitude``, ``longitude``, ``depth``, ``x``, ``y``, ``z`` and ``picks``; ``assignments`` with
``event_id`` and ``pick_id``.  All other columns keep their own names.  ``_id`` is the row's own
identity, so that the same row written twice is one document.

BSON's dates hold milliseconds.  ``time`` is one, rounded down, for those who look; ``time_ns``
next to it is exact, and is the one that epicat reads.

The rows of one key may be there several times while they are being replaced, once for each
generation.  A document says in ``generations`` which ones it belongs to.  If a row comes again
with the same identity and other content, the document stays as it is, and what the later
generation says of it waits in ``variants`` until that is the only one left.

An event is at its best place, see `epicat.store.mongo.best_places`; the row of the association is
in ``associated``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from bson.datetime_ms import DatetimeMS

from epicat.errors import StoreError
from epicat.store.mongo.server import Document
from epicat.tables import RENAMED, SCHEMAS, TABLES, TableName

__all__ = [
    "ASSOCIATED",
    "GENERATION",
    "SHAPES",
    "Shape",
    "associated_of",
    "at_place",
    "date_of",
    "place_of",
    "point",
]

GENERATION: Final = "generation"
"""The column that `Shape.rows` adds: which writing a row is of."""

_TIME_NS = 1_000_000
"""Nanoseconds of a millisecond."""
_RENAMED: Mapping[TableName, Mapping[str, str]] = {
    "picks": {"design": "run_id"},
    "events": {"design": "associator", "depth_km": "depth", "x_km": "x", "y_km": "y"},
    "arrivals": {"design": "associator", "residual_s": "residual"},
    "origins": {"design": "location_id", "depth_km": "depth", "x_km": "x", "y_km": "y"},
    "origin_arrivals": {"design": "location_id", "residual_s": "residual"},
    "amplitudes": {"design": "amplitude_design"},
    "envelopes": {"design": "amplitude_design"},
    "magnitudes": {"design": "magnitude_design"},
    "station_magnitudes": {"design": "magnitude_design"},
}
_COLLECTIONS: Mapping[TableName, str] = {
    "picks": "picks",
    "events": "events",
    "arrivals": "assignments",
    "origins": "origins",
    "origin_arrivals": "origin_arrivals",
    "amplitudes": "amplitudes",
    "envelopes": "envelopes",
    "magnitudes": "magnitudes",
    "station_magnitudes": "station_magnitudes",
}
_IDENTITIES: Mapping[TableName, tuple[str, ...]] = {
    "arrivals": ("event_id", "pick_id"),
    "origin_arrivals": ("origin_id", "pick_id"),
}
ASSOCIATED: Final = "associated"
"""The field of an event with time and place of the association, and what describes them."""
_PLACE = ("time_ns", "latitude", "longitude", "depth", "x", "y", "n_p", "n_s", "n_stations",
          "rms_s", "gap_deg", "dmin_km", "edge")  # fmt: skip
"""Fields that events and origins share."""
_BEST = (*_PLACE, "time", "z", "location", "origin_id", "location_id", "quality", "time_error_s",
         "major_km", "minor_km", "azimuth_deg", "depth_error_km", "depth_fixed", "ml", "ml_error",
         "ml_stations", "ml_law", "magnitude_id")  # fmt: skip
"""Fields of an event that are those of the best place and magnitude, and no content of the row."""
_OURS = ("_id", "key", "generations", "variants")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of one table are kept."""

    table: TableName
    """The table."""
    collection: str
    """Name of its collection."""
    design: str
    """The field with the digest of the run or the associator."""
    identity: tuple[str, ...]
    """The columns whose values, joined by slashes, are ``_id``."""
    fields: tuple[tuple[str, str], ...]
    """Column and field of all columns; a time's field is the one with nanoseconds."""

    def documents(self, rows: pa.Table, generation: str) -> Iterator[Document]:
        """Yield the documents of rows under a generation."""
        columns = [_plain(rows[column]) for column, _ in self.fields]
        names = [field for _, field in self.fields]
        implied = self.implied
        for values in zip(*columns, strict=True):
            document = dict(zip(names, values, strict=True))
            document["_id"] = "/".join(document[name] for name in self.identity)
            document["time"] = date_of(document["time_ns"])
            document["generations"] = [generation]
            if self.table in {"events", "origins"}:
                document.update(at_place(document), picks=document["n_p"] + document["n_s"])
            if self.table == "events":
                document[ASSOCIATED] = place_of(document)
            for name in implied:
                del document[name]
            yield document

    def rows(self, documents: Iterable[Document]) -> pa.Table:
        """Return the rows of documents, one for each generation that a document belongs to.

        The documents are used up.
        """
        schema = SCHEMAS[self.table]
        arrays = []
        try:
            found = [row for document in documents for row in self._versions(document)]
            for column, field in self.fields:
                kind, may_lack = schema.field(column).type, schema.field(column).nullable
                values = [row.get(field) if may_lack else row[field] for row in found]
                arrays.append(pa.array(values, _stored(kind)).cast(kind))
            arrays.append(pa.array([row[GENERATION] for row in found], pa.string()))
        except (KeyError, pa.ArrowException, TypeError, OverflowError) as error:
            raise StoreError(
                f"a document of {self.collection} is not one that epicat wrote: {error}"
            ) from error
        fields = [schema.field(column) for column, _ in self.fields]
        return pa.Table.from_arrays(
            arrays, schema=pa.schema([*fields, pa.field(GENERATION, pa.string())])
        )

    def content(self, document: Document) -> Document:
        """Return what a later generation may say differently of a row."""
        left = _BEST if ASSOCIATED in document else ()
        return {
            k: v
            for k, v in document.items()
            if k not in _OURS and k not in left and k != self.design
        }

    def _versions(self, document: Document) -> Iterable[Document]:
        """Return a row for each generation; the document itself is the row where there is one."""
        self._rename(document)
        for name in self.implied:
            document.setdefault(name, document["_id"])
        generations: Sequence[str] = document["generations"]
        if len(generations) == 1 and "variants" not in document:
            document[GENERATION] = generations[0]
            return (_as_associated(document),)
        variants = {v[GENERATION]: v for v in document.get("variants", ())}
        for variant in variants.values():
            self._rename(variant)
        return [
            _as_associated({**document, **variants.get(g, {}), GENERATION: g}) for g in generations
        ]

    def _rename(self, document: Document) -> None:
        """Give the fields of schema version 1 the names of today."""
        for name, old in RENAMED[self.table].items():
            if old in document:
                document.setdefault(name, document[old])

    @property
    def implied(self) -> tuple[str, ...]:
        """The columns that are stored in ``_id`` only."""
        return self.identity if len(self.identity) == 1 else ()


def date_of(time_ns: int) -> DatetimeMS:
    """Return the BSON date of a time, rounded down to a millisecond."""
    return DatetimeMS(time_ns // _TIME_NS)


def point(latitude: float, longitude: float) -> Document:
    """Return a GeoJSON point as the field ``location``, or nothing for invalid coordinates."""
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90):
        return {}
    around = longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180
    return {"location": {"type": "Point", "coordinates": [around, latitude]}}


def place_of(document: Document) -> Document:
    """Return time and place of an event or origin, with its picks, as `ASSOCIATED` has them."""
    return {name: document[name] for name in _PLACE}


def associated_of(event: Document) -> Document:
    """Return time and place of the association, also of a document of an earlier version.

    Those had no ``associated``, or one with less: what is not in it was never the location's.
    """
    return place_of({**event, **event.get(ASSOCIATED, {})})


def at_place(place: Document) -> Document:
    """Return the fields of a document at a place, with those that people look for."""
    return {
        **place_of(place),
        "time": date_of(place["time_ns"]),
        "z": place["depth"],
        **point(place["latitude"], place["longitude"]),
    }


def _as_associated(document: Document) -> Document:
    """Return an event with time and place of the association, and its picks."""
    document.update(document.get(ASSOCIATED) or {})
    return document


def _shape(table: TableName) -> Shape:
    names = _RENAMED[table]
    fields = tuple(
        (f.name, f"{f.name}_ns" if pa.types.is_timestamp(f.type) else names.get(f.name, f.name))
        for f in SCHEMAS[table]
    )
    identity = _IDENTITIES.get(table, (SCHEMAS[table].names[0],))
    return Shape(table, _COLLECTIONS[table], names["design"], identity, fields)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    return column.cast(_stored(column.type)).to_pylist()  # type: ignore[no-any-return]


def _stored(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind


SHAPES: Final[Mapping[TableName, Shape]] = {table: _shape(table) for table in TABLES}
"""How each table is kept."""
