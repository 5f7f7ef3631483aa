"""A `Store` in a MongoDB database: rows of all generations, and a ledger with the live ones.

::

    epicat         the schema's version, and the number of the last mark
    picks          and events, assignments (arrivals): the rows
    ledger         the result of each key, and its live generation
    stations       sb_runs, associators, invocations: what is not of a key

Several processes may read and write at once, on one machine or many.  Transactions are not needed:
each step changes single documents, in an order that the next process can resume after a kill.
Superseded rows are deleted right after the mark, so that the collections contain the live rows and,
for a while, those being written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import StoreError
from epicat.ledger import LedgerEntry, LocateEntry, MagnitudeEntry, Stage
from epicat.model import Span
from epicat.store.base import STAGE_OF, Compaction, Where, begun_ns
from epicat.store.findings import Findings, Kind
from epicat.store.mongo.best_magnitudes import BestMagnitudes
from epicat.store.mongo.best_places import BestPlaces
from epicat.store.mongo.documents import GENERATION
from epicat.store.mongo.ledger import Ledger, Superseded
from epicat.store.mongo.records import Records
from epicat.store.mongo.rows import Rows
from epicat.store.mongo.schema import ABOUT, is_store, make_store
from epicat.store.mongo.server import Server
from epicat.store.mongo.verify_documents import verify_documents
from epicat.tables import SCHEMAS, TABLES, TableName
from epicat.time import DAY_NS, SECOND_NS

__all__ = ["LONGEST_NS", "MongoStore"]

LONGEST_NS: Final = 7 * DAY_NS
"""How long a writing may take, from the name of its generation to its mark."""

_CLEARED_NS: Final = 3600 * SECOND_NS
"""How long after a mark what it supersedes may still be there."""
_TRIES: Final = 50
_BETWEEN: Final = "\x1f"
"""Stands between the parts of a name; keys, designs and generations have none."""


class MongoStore:
    """A `Store` in a database."""

    def __init__(self, server: Server, *, create: bool = False) -> None:
        self.location = server.address.shown
        if create:
            make_store(server)
        if not is_store(server):
            raise StoreError(f"there is no store at {self.location!r}; `epicat run` makes one")
        self._server = server
        self._ledger = Ledger(server)
        self._records = Records(server)
        self._rows = {table: Rows(server, table) for table in TABLES}
        self._best = BestPlaces(server, self)
        self._sizes = BestMagnitudes(server, self)
        self._varied: set[str] = set()

    def replace(self, table: TableName, rows: pa.Table, generation: str) -> None:
        """Write rows under a generation, in addition to those of other generations."""
        if self._rows[table].write(rows, generation):
            self._varied.add(generation)

    def mark(self, entries: Sequence[LedgerEntry]) -> None:
        """Mark the rows of one generation, and delete what they supersede."""
        generations = {entry.generation for entry in entries}
        if len(generations) != 1:
            raise ValueError(f"marks of one call must be of one generation, not {generations}")
        begun = begun_ns(entries[0].generation)
        # Both ask the server's clock, since another machine's may be wrong: this and `compact`.
        if begun is not None and self._server.now_ns() - begun > LONGEST_NS:
            raise StoreError(
                f"store {self.location}: these rows were begun more than a week ago by the "
                "server's clock, and `epicat compact` may have deleted them; run again, in smaller "
                "units, or set this machine's clock if it is behind"
            )
        self._best.update([entry for entry in entries if isinstance(entry, LocateEntry)])
        self._sizes.update([entry for entry in entries if isinstance(entry, MagnitudeEntry)])
        self._clear(self._ledger.mark(entries))
        if generations <= self._varied:
            for stage, design in sorted({(entry.stage, entry.design) for entry in entries}):
                keys = [e.key for e in entries if (e.stage, e.design) == (stage, design)]
                for rows in self._of(stage):
                    rows.merge_variants(design, keys)

    def lease_folder(self) -> Path | None:
        """Return None: a database is not a folder."""
        return None

    def read_lease(self, name: str) -> Mapping[str, Any] | None:
        """Return the record of an active run."""
        found = self._server.find(ABOUT, {"_id": f"running {name}"})
        return found[0] if found else None

    def write_lease(self, name: str, record: Mapping[str, Any]) -> None:
        """Write the record of an active run."""
        wanted = {"_id": f"running {name}"}
        about = self._server.collection(ABOUT)
        self._server.do(lambda: about.replace_one(wanted, {**wanted, **record}, upsert=True))

    def delete_lease(self, name: str) -> None:
        """Delete the record of an active run."""
        about = self._server.collection(ABOUT)
        self._server.do(lambda: about.delete_one({"_id": f"running {name}"}))

    def compact(self) -> Compaction:
        """Delete orphaned rows, which killed writers have left.

        These are superseded ones that were not deleted any more, and those that were written
        longer ago than a writing may take and are marked for no key.
        """
        superseded = self._ledger.superseded() | self._left_behind()
        gone = self._clear(superseded)
        for rows in self._rows.values():
            rows.merge_all_variants()
        return Compaction(keys=len({name[:3] for name in superseded}), deleted=gone)

    def verify_storage(
        self, findings: Findings, *, repair: bool
    ) -> Callable[[LedgerEntry], bool] | None:
        """Check all documents, including orphans; with ``repair``, fix what is safe to."""
        is_unreadable = verify_documents(self._server, findings, repair=repair)
        if is_unreadable is None:
            return None
        now_ns = self._server.now_ns()
        waiting = {(e.stage, e.design, e.key): e.marked_ns for e in self.ledger()}
        superseded = {
            name for name in self._ledger.superseded()
            if now_ns - waiting.get(name[:3], 0) > _CLEARED_NS
        }  # fmt: skip
        findings.add(Kind.SUPERSEDED, (" ".join(name) for name in sorted(superseded)))
        old, young = self._unmarked(now_ns)
        findings.add(Kind.UNMARKED, (" ".join(name) for name in sorted(old)))
        findings.add(Kind.YOUNG, (" ".join(name) for name in sorted(young - superseded)))
        if repair and (superseded or old):
            self.compact()
            findings.repaired(Kind.SUPERSEDED, len(superseded))
            findings.repaired(Kind.UNMARKED, len(old))
        return is_unreadable

    def _unmarked(self, now_ns: int) -> tuple[set[Superseded], set[Superseded]]:
        """Return what has rows and does not count: what may be deleted, and what is too young."""
        limit = now_ns - LONGEST_NS - DAY_NS
        old: set[Superseded] = set()
        young: set[Superseded] = set()
        for table, rows in self._rows.items():
            stage = STAGE_OF[table]
            there = rows.writings()
            live = self._ledger.live(stage, {name[:2] for name in there})
            for name in (n for n in there if live.get(n[:2]) != n[2]):
                is_old = (begun_ns(name[2]) or limit) < limit
                (old if is_old else young).add((stage, *name))
        return old, young

    def _left_behind(self) -> set[Superseded]:
        limit = self._server.now_ns() - LONGEST_NS - DAY_NS
        found = set()
        for table, rows in self._rows.items():
            stage = STAGE_OF[table]
            old = {name for name in rows.writings() if (begun_ns(name[2]) or limit) < limit}
            live = self._ledger.live(stage, {name[:2] for name in old})
            found |= {(stage, *name) for name in old if live.get(name[:2]) != name[2]}
        return found

    def _clear(self, superseded: Iterable[Superseded]) -> int:
        found = list(superseded)
        gone = 0
        for stage in {stage for stage, _, _, _ in found}:
            names = [name[1:] for name in found if name[0] == stage]
            gone += sum(rows.drop(names) for rows in self._of(stage))
        self._ledger.forget(found)
        return gone

    def _of(self, stage: Stage) -> list[Rows]:
        return [self._rows[table] for table in TABLES if STAGE_OF[table] == stage]

    def read(self, table: TableName, where: Where) -> pa.Table:
        """Return the marked rows, sorted by time and then by id.

        Keys that are marked during the read are read again, until none is: each key's rows are
        those of one generation, and all of them.
        """
        schema = SCHEMAS[table]
        seen = self._ledger.revision()
        found = self._live(table, where)
        for _ in range(_TRIES):
            before, seen = seen, self._ledger.revision()
            moved = self._moved(STAGE_OF[table], where, before) if seen > before else frozenset()
            if not moved:
                order = [("time", "ascending"), (schema.names[0], "ascending")]
                return found.select(schema.names).cast(schema).sort_by(order)
            others = pc.invert(pc.is_in(found["key"], pa.array(sorted(moved), pa.string())))
            again = self._live(table, replace(where, keys=moved))
            found = pa.concat_tables([found.filter(others), again])
        raise StoreError(f"store {self.location}: other processes keep replacing the same rows")

    def _moved(self, stage: Stage, where: Where, since: int) -> frozenset[str]:
        moved = self._ledger.moved(stage, where.design, since)
        return moved if where.keys is None else moved & where.keys

    def _live(self, table: TableName, where: Where) -> pa.Table:
        """Return the rows whose generation is live after all of them have been read."""
        found = _inside(self._rows[table].read(where), where)
        pairs = found.select(["design", "key"]).group_by(["design", "key"]).aggregate([])
        keys = zip(pairs["design"].to_pylist(), pairs["key"].to_pylist(), strict=True)
        live = self._ledger.live(STAGE_OF[table], keys)
        names = pc.binary_join_element_wise(
            found["design"], found["key"], found[GENERATION], _BETWEEN
        )
        wanted = [_BETWEEN.join((*key, generation)) for key, generation in live.items()]
        return found.filter(pc.is_in(names, pa.array(wanted, pa.string())))

    def ledger(
        self, stage: Stage | None = None, design: str | None = None, span: Span | None = None
    ) -> list[LedgerEntry]:
        """Return the newest entry of each key, in the order of stage, design and key."""
        return self._ledger.entries(stage, design, span)

    def put_stations(self, rows: pa.Table) -> None:
        """Add stations; a row replaces an earlier one of the same id."""
        self._records.put_stations(rows)

    def stations(self) -> pa.Table:
        """Return the stations, in the order of ids."""
        return self._records.stations()

    def put_record(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record; the first of a name stays."""
        self._records.put(kind, name, record)

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the records of a kind by name, in the order of names."""
        return self._records.all(kind)


def _inside(rows: pa.Table, where: Where) -> pa.Table:
    if where.span is None:
        return rows
    times = rows["time"].cast(pa.int64())
    begin, end = where.span.start_ns, where.span.end_ns
    return rows.filter(pc.and_(pc.greater_equal(times, begin), pc.less(times, end)))
