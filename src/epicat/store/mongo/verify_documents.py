"""Verify the documents of a database: of the right form, written by epicat, with all indexes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import pyarrow as pa

from epicat._util.lists import batched
from epicat.ledger import LedgerEntry, Stage
from epicat.store.base import STAGE_OF
from epicat.store.findings import Findings, Kind
from epicat.store.mongo.documents import SHAPES, Shape
from epicat.store.mongo.schema import INDEXES, make_store
from epicat.store.mongo.server import BATCH, Document, Server
from epicat.tables import LEDGER, RENAMED, SCHEMAS

__all__ = ["verify_documents"]

_LEDGER: Final = "ledger"
_KINDS: Final = (
    (pa.types.is_string, "string"),
    (pa.types.is_boolean, "bool"),
    (pa.types.is_list, "array"),
    (pa.types.is_binary, "binData"),
)


def verify_documents(
    server: Server, findings: Findings, *, repair: bool
) -> Callable[[LedgerEntry], bool] | None:
    """Find unreadable documents; with ``repair``, delete them.  See `Verifiable`."""
    kinds = _fields(LEDGER)
    bad_marks = _matching(server, _LEDGER, [_lacks(kind, name) for name, kind in kinds.items()])
    findings.add(Kind.MARKS_DAMAGED, (f"ledger {document['_id']}" for document in bad_marks))
    if bad_marks and not repair:
        return None
    _delete(server, _LEDGER, bad_marks, findings, Kind.MARKS_DAMAGED)
    bad: set[tuple[Stage, str, str]] = set()
    for shape in SHAPES.values():
        bad |= _bad_rows(server, shape, findings, repair=repair)
    _indexes(server, findings, repair=repair)
    return lambda e: (e.stage, e.design, e.key) in bad


def _bad_rows(
    server: Server, shape: Shape, findings: Findings, *, repair: bool
) -> set[tuple[Stage, str, str]]:
    """Return the keys of unreadable rows.  Rows without a key are foreign."""
    wanted = {field: kind for column, field in shape.fields
              if (kind := _kind(SCHEMAS[shape.table].field(column)))
              and field not in shape.implied}  # fmt: skip
    old = RENAMED[shape.table]
    conditions = [_lacks(kind, field, old.get(field, field)) for field, kind in wanted.items()]
    found = _matching(
        server, shape.collection, [*conditions, {"generations.0": {"$exists": False}}]
    )
    ours = [d for d in found if isinstance(d.get("key"), str) and shape.design in d]
    named = (f"{shape.collection} {document['_id']}" for document in ours)
    findings.add(Kind.ROWS_DAMAGED, named)
    others = [document for document in found if document not in ours]
    findings.add(Kind.FOREIGN, (f"{shape.collection} {document['_id']}" for document in others))
    if repair:
        _delete(server, shape.collection, ours, findings, Kind.ROWS_DAMAGED)
    return {(STAGE_OF[shape.table], str(d[shape.design]), d["key"]) for d in ours}


def _matching(server: Server, name: str, conditions: Sequence[Document]) -> list[Document]:
    """Return the documents that meet one of the conditions."""
    fields = sorted({"key", *(shape.design for shape in SHAPES.values())})
    return server.find(name, {"$or": list(conditions)}, fields)


def _lacks(kind: str, *names: str) -> Document:
    """Return the condition that none of the fields has a BSON type."""
    return {"$and": [{name: {"$not": {"$type": kind}}} for name in names]}


def _delete(
    server: Server, name: str, documents: list[Document], findings: Findings, kind: Kind
) -> None:
    for some in batched([document["_id"] for document in documents], BATCH):
        wanted: Any = {"_id": {"$in": some}}
        server.do(partial(server.collection(name).delete_many, wanted))
    findings.repaired(kind, len(documents))


def _indexes(server: Server, findings: Findings, *, repair: bool) -> None:
    """Find missing indexes; with ``repair``, create them."""
    missing = [
        f"{name}: {', '.join(fields)}"
        for name, wanted in INDEXES.items()
        for fields in wanted
        if "_".join(fields) not in server.do(server.collection(name).index_information)
    ]
    findings.add(Kind.NO_INDEX, missing)
    if repair and missing:
        make_store(server)
        findings.repaired(Kind.NO_INDEX, len(missing))


def _fields(schema: pa.Schema) -> dict[str, str]:
    return {field.name: kind for field in schema if (kind := _kind(field))}


def _kind(field: pa.Field) -> str:
    """Return the BSON type of a column that is not nullable; empty for one that is."""
    if field.nullable:
        return ""
    return next((name for fits, name in _KINDS if fits(field.type)), "number")
