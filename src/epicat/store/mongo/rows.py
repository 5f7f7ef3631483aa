"""The rows of one table in a database, of all their generations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
from pymongo import DeleteMany, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError

from epicat._util.lists import batched
from epicat.errors import StoreError
from epicat.store.base import Where
from epicat.store.mongo.documents import (
    ASSOCIATED,
    GENERATION,
    SHAPES,
    associated_of,
    at_place,
    date_of,
)
from epicat.store.mongo.errors import only_duplicates
from epicat.store.mongo.server import BATCH, Document, Server
from epicat.tables import TableName

__all__ = ["Rows"]

_INSERTED: Final = 5000
"""Documents of one insert: about a megabyte."""
_READ: Final = 20_000
"""Documents that are in memory at once before they are Arrow's."""
_TRIES: Final = 20


class Rows:
    """The collection of one table."""

    def __init__(self, server: Server, table: TableName) -> None:
        self._server = server
        self._shape = SHAPES[table]
        self._collection = server.collection(self._shape.collection)

    def write(self, rows: pa.Table, generation: str) -> bool:
        """Add rows under a generation; return whether some need `merge_variants` after its mark.

        Doing it twice is doing it once.
        """
        varied = False
        for start in range(0, rows.num_rows, _INSERTED):
            some = rows.slice(start, _INSERTED)
            varied |= self._write(list(self._shape.documents(some, generation)), generation)
        return varied

    def _write(self, documents: list[Document], generation: str) -> bool:
        waiting, varied = documents, False
        for _ in range(_TRIES):
            taken = self._server.do(partial(self._insert, waiting))
            if not taken:
                return varied
            waiting = []
            for some in batched(taken, BATCH):
                again, different = self._join(some, generation)
                waiting += again
                varied |= different
        raise StoreError(
            f"store {self._server.address.shown}: other processes keep replacing the same rows"
        )

    def _insert(self, documents: list[Document]) -> list[Document]:
        """Insert documents; return those whose ``_id`` is taken."""
        if documents:
            try:
                self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                taken = only_duplicates(error)
                if taken is None:
                    raise
                return [documents[index] for index in taken]
        return []

    def _join(self, taken: list[Document], generation: str) -> tuple[list[Document], bool]:
        """Add a generation to documents that are there.

        Return those to insert (again), and whether some differ from the existing ones.
        """
        names = {"_id": {"$in": [document["_id"] for document in taken]}}
        known = {d["_id"]: d for d in self._server.find(self._shape.collection, names)}
        again: list[Document] = []
        joining: list[Document] = []
        different = False
        updates: list[UpdateOne] = []
        for document in taken:
            there = known.get(document["_id"])
            if there is None:
                again.append(document)
            elif not self._is_of_key(there, document):
                again.append(self._of_another_key(document))
            elif generation not in there["generations"]:
                joining.append(document)
                is_same = self._shape.content(there) == self._shape.content(document)
                different |= not is_same
                updates.append(self._joined(document, generation, is_same=is_same))
        if updates:
            write = partial(self._collection.bulk_write, updates, ordered=False)
            if self._server.do(write).matched_count < len(updates):
                again += joining  # some were changed or deleted since, or done before
        return again, different

    def _is_of_key(self, there: Document, document: Document) -> bool:
        return all(there[name] == document[name] for name in (self._shape.design, "key"))

    def _of_another_key(self, document: Document) -> Document:
        """Give a row that two keys have a document for the second key, with another ``_id``."""
        identity = document["_id"]
        implied = dict.fromkeys(self._shape.implied, identity)
        place = f"{document[self._shape.design]}/{document['key']}"
        return {**document, **implied, "_id": f"{identity}@{place}"}

    def _joined(self, document: Document, generation: str, *, is_same: bool) -> UpdateOne:
        """Return the change that adds a generation; it fails if the content is not what it was."""
        there: Document = {"_id": document["_id"], "generations": {"$ne": generation}}
        content = self._shape.content(document)
        change: Document = {"$addToSet": {"generations": generation}}
        if is_same:
            return UpdateOne({**there, **content}, change)
        return UpdateOne(
            there, {**change, "$push": {"variants": {GENERATION: generation, **content}}}
        )

    def read(self, where: Where) -> pa.Table:
        """Return the rows of all generations, with the column that names it, in no order."""
        parts = [self._shape.rows([])]
        for wanted in self._wanted(where):
            parts += self._server.do(partial(self._scanned, wanted))
        return pa.concat_tables(parts)

    def _scanned(self, wanted: Document) -> list[pa.Table]:
        """Read to the end; a cursor that is lost in between is begun again."""
        cursor = self._collection.find(wanted, batch_size=_READ)
        return [self._shape.rows(some) for some in batched(cursor, _READ)]

    def _wanted(self, where: Where) -> Iterator[Document]:
        """Yield queries that together find what may be asked for: times to the millisecond."""
        wanted: Document = {}
        if where.design is not None:
            wanted[self._shape.design] = where.design
        if where.span is not None:
            first, last = date_of(where.span.start_ns), date_of(where.span.end_ns - 1)
            wanted["time"] = {"$gte": first, "$lte": last}
            if self._shape.table == "events":  # these documents are at their best places
                begin, end = where.span.start_ns, where.span.end_ns
                exact = {f"{ASSOCIATED}.time_ns": {"$gte": begin, "$lt": end}}
                old = {ASSOCIATED: {"$exists": False}, "time": wanted.pop("time")}
                wanted["$or"] = [exact, old]
        if where.keys is None:
            yield wanted
        else:
            for keys in batched(sorted(where.keys), BATCH):
                yield {**wanted, "key": {"$in": keys}}

    def writings(self) -> set[tuple[str, str, str]]:
        """Return every design, key and generation that has rows; reads all rows."""
        names = (self._shape.design, "key", "generations")
        ours = {name: {"$exists": True} for name in names}
        fields = dict.fromkeys(names, True)

        def look() -> set[tuple[str, str, str]]:
            cursor = self._collection.find(ours, {**fields, "_id": False}, batch_size=_READ)
            return {(d[self._shape.design], d["key"], g) for d in cursor for g in d["generations"]}

        return self._server.do(look)

    def drop(self, superseded: Iterable[tuple[str, str, str]]) -> int:
        """Delete rows of a design, a key and a generation; return the number of documents deleted.

        A document shared with a row of another generation remains.
        """
        keys: dict[tuple[str, str], list[str]] = defaultdict(list)
        for design, key, generation in sorted(superseded):
            keys[design, generation].append(key)
        gone = 0
        for (design, generation), names in keys.items():
            for some in batched(names, BATCH):
                gone += self._drop(design, some, generation)
        return gone

    def _drop(self, design: str, keys: list[str], generation: str) -> int:
        place = {self._shape.design: design, "key": {"$in": keys}}
        away = {"generations": generation, "variants": {GENERATION: generation}}
        writes: list[UpdateMany | DeleteMany] = [
            UpdateMany({**place, "generations": generation}, {"$pull": away}),
            DeleteMany({**place, "generations": []}),
        ]
        done = self._server.do(partial(self._collection.bulk_write, writes))
        self._merge_variants(place)
        return done.deleted_count

    def merge_variants(self, design: str, keys: Sequence[str]) -> None:
        """Reduce documents of which one generation is left to the content of that one."""
        for some in batched(keys, BATCH):
            self._merge_variants({self._shape.design: design, "key": {"$in": some}})

    def merge_all_variants(self) -> None:
        """Merge the variants that killed writers have left; reads all rows."""
        self._merge_variants({})

    def _merge_variants(self, place: Document) -> None:
        wanted = {**place, "generations": {"$size": 1}, "variants": {"$exists": True}}
        writes = [_merged(d) for d in self._server.find(self._shape.collection, wanted)]
        for some in batched(writes, BATCH):
            self._server.do(partial(self._collection.bulk_write, some, ordered=False))


def _merged(document: Document) -> UpdateOne:
    """Return the change; it does nothing if another generation was added since."""
    (generation,) = document["generations"]
    same = {"_id": document["_id"], "generations": document["generations"]}
    change: Document = {"$unset": {"variants": True}}
    variant = next((v for v in document["variants"] if v[GENERATION] == generation), None)
    if variant is not None:
        change["$set"] = {n: v for n, v in variant.items() if n != GENERATION}
        if ASSOCIATED in variant and "origin_id" not in document:
            change["$set"] |= at_place(associated_of({**document, **variant}))
    return UpdateOne(same, change)
