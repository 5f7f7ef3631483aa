"""The ledger in a database: one document for each key, changed atomically.

Only single documents must be changed atomically: without transactions, a single ``mongod`` is
enough.  A mark is compared with the current one, so that the newest one wins in any order of
arrival.  The generation that it supersedes stays in the
document, under ``superseded``, until its rows are gone; it cannot be marked again.

Every call of `Ledger.mark` takes a number first, its ``revision``.  A reader that has seen
revision 7 before it looked at any row sees everything that revisions up to 7 marked, and asks
afterwards which keys have a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyarrow as pa
from bson.int64 import Int64
from pymongo import InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from epicat._util.lists import batched
from epicat.errors import StoreError
from epicat.ledger import LedgerEntry, Stage
from epicat.model import Span
from epicat.store.base import day_of_key, newest, of_days, span_days
from epicat.store.mongo.documents import date_of
from epicat.store.mongo.errors import only_duplicates
from epicat.store.mongo.schema import ABOUT
from epicat.store.mongo.server import BATCH, Document, Server
from epicat.table_rows import entries_of, ledger_table
from epicat.tables import LEDGER, STORED_LEDGER

__all__ = ["Ledger", "Superseded"]

_LEDGER: Final = "ledger"
_TRIES: Final = 20
_COUNTER: Final = "revision"
_NUMBERS: Final = frozenset(field.name for field in LEDGER if pa.types.is_integer(field.type))

Superseded = tuple[Stage, str, str, str]
"""Stage, design, key and generation of superseded rows."""
_Write = InsertOne[Document] | UpdateOne
_Age = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger has of a key."""

    generation: str
    marked_ns: int

    @property
    def age(self) -> _Age:
        return self.marked_ns, self.generation


class Ledger:
    """The collection ``ledger``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def entries(
        self, stage: Stage | None, design: str | None, span: Span | None
    ) -> list[LedgerEntry]:
        """Return the entry of each key, in the order of stage, design and key."""
        asked = {"stage": stage and stage.value, "design": design}
        wanted: Document = {name: value for name, value in asked.items() if value is not None}
        if span is not None:
            first, last = span_days(span)
            # Documents of before there was the field have no day either: they are sorted out here.
            wanted["$or"] = [{"day": {"$gte": first, "$lte": last}}, {"day": None}]
        return newest(of_days(_entries(self._server.find(_LEDGER, wanted)), span))

    def live(self, stage: Stage, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the live generation of each design and key, if there is one."""
        wanted = {_id(stage.value, design, key): (design, key) for design, key in keys}
        found = self._known(list(wanted))
        return {wanted[name]: known.generation for name, known in found.items()}

    def mark(self, entries: Sequence[LedgerEntry]) -> set[Superseded]:
        """Mark keys; return what is superseded of them, the new rows included if they came late.

        Lasting when it returns, and so is all that was written before.
        """
        revision = self._next_revision()
        superseded: set[Superseded] = set()
        for some in batched(newest(entries), BATCH):
            rows = ledger_table(some).to_pylist()
            superseded |= self._mark([_document(row, revision) for row in rows])
        return superseded

    def _mark(self, waiting: list[Document]) -> set[Superseded]:
        taken: set[str] = set()
        for _ in range(_TRIES):
            known = self._known([document["_id"] for document in waiting])
            waiting = [d for d in waiting if not _is_there(d, known.get(d["_id"]))]
            taken |= {d["_id"] for d in waiting if d["_id"] in known}
            if self._written([_write(d, known.get(d["_id"])) for d in waiting]):
                return self._superseded({"_id": {"$in": sorted(taken)}}) if taken else set()
            # Another process has marked one of these keys since: compare again.
        raise StoreError(
            f"store {self._server.address.shown}: other processes keep marking the same keys"
        )

    def revision(self) -> int:
        """Return the number of the last call of `mark` by anybody."""
        found = self._server.find(ABOUT, {"_id": _COUNTER})
        return int(found[0]["number"]) if found else 0

    def moved(self, stage: Stage, design: str | None, since: int) -> frozenset[str]:
        """Return the keys that were marked by calls with a later number."""
        wanted: Document = {"revision": {"$gt": since}, "stage": stage.value}
        if design is not None:
            wanted["design"] = design
        return frozenset(d["key"] for d in self._server.find(_LEDGER, wanted, ["key"]))

    def superseded(self) -> set[Superseded]:
        """Return what is superseded and may still have rows."""
        return self._superseded({"superseded.0": {"$exists": True}})

    def forget(self, cleared: Iterable[Superseded]) -> None:
        """Note that what was superseded has no rows any more."""
        ledger = self._server.collection(_LEDGER)
        writes = [
            UpdateOne({"_id": _id(stage.value, design, key)}, {"$pull": {"superseded": generation}})
            for stage, design, key, generation in sorted(cleared)
        ]
        for some in batched(writes, BATCH):
            self._server.do(partial(ledger.bulk_write, some, ordered=False))

    def _superseded(self, wanted: Document) -> set[Superseded]:
        fields = ["stage", "design", "key", "superseded"]
        return {
            (Stage(document["stage"]), document["design"], document["key"], generation)
            for document in self._server.find(_LEDGER, wanted, fields)
            for generation in document.get("superseded", ())
        }

    def _next_revision(self) -> int:
        """Take a number.  If it is taken twice, because an answer was lost, one is not used.

        The counter is inserted by a separate command and not by an upsert: several writers mark
        their first keys at once, and what an upsert answers to all but one of them differs from
        server to server (a duplicate key, or no document at all).
        """
        about = self._server.collection(ABOUT)

        def take() -> Document | None:
            return about.find_one_and_update(
                {"_id": _COUNTER},
                {"$inc": {"number": Int64(1)}},
                return_document=ReturnDocument.AFTER,
            )

        taken = self._server.do(take)
        if taken is None:
            self._server.keep_first(ABOUT, {"_id": _COUNTER, "number": Int64(0)})
            taken = self._server.do(take)
        if taken is None:
            raise StoreError(
                f"store {self._server.address.shown}: document {ABOUT}.{_COUNTER} disappeared "
                "while it was used; does another program delete documents there?"
            )
        return int(taken["number"])

    def _known(self, names: Sequence[str]) -> dict[str, _Known]:
        known: dict[str, _Known] = {}
        for some in batched(names, BATCH):
            found = self._server.find(_LEDGER, {"_id": {"$in": some}}, ["generation", "marked_ns"])
            known.update({d["_id"]: _Known(d["generation"], d["marked_ns"]) for d in found})
        return known

    def _written(self, writes: Sequence[_Write]) -> bool:
        """Write; return whether all was written, without a conflict with another process."""
        ledger = self._server.collection(_LEDGER, lasting=True)

        def write() -> bool:
            try:
                done = ledger.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                if only_duplicates(error) is None:
                    raise
                return False
            return done.inserted_count + done.matched_count == len(writes)

        return not writes or self._server.do(write)


def _write(document: Document, before: _Known | None) -> _Write:
    """Return the change that makes an entry its key's, or notes that it came too late."""
    if before is None:
        return InsertOne(document)
    same = {"_id": document["_id"], "generation": before.generation, "marked_ns": before.marked_ns}
    if before.age > _age(document):
        return UpdateOne(same, {"$addToSet": {"superseded": document["generation"]}})
    change: Document = {"$set": document}
    if before.generation != document["generation"]:
        change["$addToSet"] = {"superseded": before.generation}
    return UpdateOne(same, change)


def _is_there(document: Document, known: _Known | None) -> bool:
    return known is not None and known.age == _age(document)


def _age(document: Document) -> _Age:
    return document["marked_ns"], document["generation"]


def _document(row: Mapping[str, Any], revision: int) -> Document:
    return {
        "_id": _id(row["stage"], row["design"], row["key"]),
        **{n: Int64(v) if n in _NUMBERS else v for n, v in row.items() if v is not None},
        "day": day_of_key(Stage(row["stage"]), row["key"]),
        "marked": date_of(row["marked_ns"]),
        "revision": Int64(revision),
    }


def _entries(documents: Sequence[Document]) -> list[LedgerEntry]:
    needed = [field.name for field in STORED_LEDGER if not field.nullable]
    rows = [{**d, **{name: d[name] for name in needed}} for d in documents]
    return entries_of(pa.Table.from_pylist(rows, schema=STORED_LEDGER))


def _id(stage: str, design: str, key: str) -> str:
    return f"{stage}/{design}/{key}"
