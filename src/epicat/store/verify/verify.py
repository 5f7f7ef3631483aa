"""Verify a store: its marks against its rows, rows against each other, files against marks.

What is wrong with the rows of a key is mended by marking the key as failed: nobody sees its rows
any more, and the next run does it again.  What nobody sees anyway is deleted once it is so old
that no writer can be at work on it.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.model import ENTRY_TYPES, LedgerEntry, Span, Stage, Status
from epicat.store.base import Examinable, Store, Where, new_generation
from epicat.store.batches import batches_of, content_digest, name_of, tables_of, where_of
from epicat.store.parquet import ParquetStore
from epicat.store.verify.findings import Findings, Kind
from epicat.store.verify.parquet import examine_files
from epicat.store.verify.rows import Trouble, Twice, event_troubles, pick_troubles, span_of
from epicat.tables import TableName
from epicat.time import DAY_NS

__all__ = ["Checked", "check_store"]

_PICKS: Final = 200_000
"""Picks that are looked up at once; a single day may have more."""
_SKEW_NS: Final = 10 * 60 * 1_000_000_000
"""By how much clocks may differ before it is told."""
_BY_US: Final = "epicat doctor"
"""How the reason of a mark begins that mending has made."""
_RECORD: Final = {Stage.PICK: "run", Stage.ASSOCIATE: "associator"}

Progress = Callable[[int, int], None]
"""Told how many keys are looked at, and of how many."""


@dataclass(slots=True)
class Checked:
    """What was looked at, and what was found."""

    findings: Findings = field(default_factory=Findings)
    """What was found."""
    keys: Counter[str] = field(default_factory=Counter)
    """Keys that were looked at, by stage."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows that were looked at, by table."""
    digest: str = ""
    """SHA-256 of the content of all rows, as `epicat copy` tells it."""


def check_store(store: Store, *, mend: bool = False, tell: Progress | None = None) -> Checked:
    """Look at all of a store; with ``mend``, mend what is safe to mend.

    Others may read and write it meanwhile.  Raises `StoreError` if it cannot be read or written,
    and `InputError` for a store that has no marks.
    """
    done = Checked()
    is_unreadable = _examined(store, done.findings, mend=mend)
    if is_unreadable is not None:
        _Doctor(store, done, is_unreadable, mend=mend).look(tell or (lambda *_: None))
    return done


def _examined(
    store: Store, findings: Findings, *, mend: bool
) -> Callable[[LedgerEntry], bool] | None:
    """Look at what lies below the tables; tell which keys cannot be read, None if no mark can."""
    if isinstance(store, ParquetStore):
        return examine_files(store, findings, mend=mend)
    if isinstance(store, Examinable):
        return store.examined(findings, mend=mend)
    raise InputError(
        f"store {store.location!r} is not one that epicat has written: it has no marks that its "
        "rows could be compared with"
    )


class _Doctor:
    """Goes through the keys of a store, some at a time."""

    def __init__(
        self,
        store: Store,
        done: Checked,
        is_unreadable: Callable[[LedgerEntry], bool],
        *,
        mend: bool,
    ) -> None:
        self._store = store
        self._done = done
        self._findings = done.findings
        self._is_unreadable = is_unreadable
        self._mend = mend
        self._whole = hashlib.sha256()
        self._twice = Twice()
        self._by_day: dict[str, dict[int, list[LedgerEntry]]] = {}
        self._entries = store.ledger()
        self._records = {stage: store.records(kind) for stage, kind in _RECORD.items()}

    def look(self, tell: Progress) -> None:
        """Look at every key."""
        self._look_at_marks()
        lost = [e for e in self._entries if e.n_rows and self._is_unreadable(e)]
        self._found([Trouble(Kind.ROWS_DAMAGED, e.key, "cannot be read") for e in lost], lost)
        keyed = [e for e in self._entries if e.stage in _RECORD]
        for some in batches_of(e for e in keyed if not self._is_unreadable(e)):
            self._look_at(some)
            tell(self._done.keys.total(), len(keyed))
        self._done.digest = self._whole.hexdigest()

    def _look_at_marks(self) -> None:
        """Look at what marks say of themselves."""
        latest = time.time_ns() + _SKEW_NS
        self._findings.add(Kind.FUTURE, (name_of(e) for e in self._entries if e.marked_ns > latest))
        designs = dict.fromkeys((e.stage, e.design) for e in self._entries if e.stage in _RECORD)
        self._findings.add(
            Kind.NO_RECORD,
            (f"{_RECORD[s]} {design}" for s, design in designs if design not in self._records[s]),
        )

    def _look_at(self, entries: Sequence[LedgerEntry]) -> None:
        """Look at the rows of keys of one stage and design."""
        stage, design = entries[0].stage, entries[0].design
        tables: dict[TableName, pa.Table] = {}
        for table in tables_of(stage):
            rows = tables[table] = self._store.read(table, where_of(entries))
            self._whole.update(content_digest(rows))
            self._done.rows[table] += rows.num_rows
        self._done.keys[stage.value] += len(entries)
        self._twice.next_batch()
        if stage == Stage.PICK:
            troubles = list(pick_troubles(entries, tables["picks"], self._twice))
        else:
            record = self._records[stage].get(design, {})
            block_ns = int(record.get("block_ns", 0))
            troubles = list(event_troubles(entries, tables, self._twice, block_ns))
            troubles += self._pickless(tables["arrivals"], record)
        self._found(troubles, entries)

    def _pickless(self, arrivals: pa.Table, record: dict[str, Any]) -> Iterator[Trouble]:
        """Yield arrivals whose pick is not there, in the run that the associator belongs to.

        Days with picks that cannot be read, or that are to be made again for this reason, are left
        out: their blocks have to be made again, too.
        """
        if "run" not in record:
            return
        days = self._days(record["run"])
        times = arrivals["time"].cast(pa.int64())
        for some in _few({time_ns // DAY_NS for time_ns in times.to_pylist()}, days):
            entries = [entry for day in some for entry in days[day]]
            if any(self._is_unreadable(e) or e.reason.startswith(_BY_US) for e in entries):
                continue
            span = Span(some[0] * DAY_NS, (some[-1] + 1) * DAY_NS)
            inside = pc.and_(pc.greater_equal(times, span.start_ns), pc.less(times, span.end_ns))
            there = arrivals.filter(inside).select(["key", "pick_id"])
            where = Where(record["run"], span, frozenset(entry.key for entry in entries))
            picks = self._store.read("picks", where)["pick_id"].combine_chunks()
            known = pc.is_in(there["pick_id"], value_set=picks)
            for row in there.filter(pc.invert(known)).to_pylist():
                yield Trouble(Kind.NO_PICK, row["key"], f"pick {row['pick_id']}")

    def _days(self, run: str) -> dict[int, list[LedgerEntry]]:
        """Return the marks of a run's picks by day."""
        if run not in self._by_day:
            days = self._by_day[run] = defaultdict(list)
            for entry in self._entries:
                if (entry.stage, entry.design) == (Stage.PICK, run):
                    span = span_of(entry, 0)
                    days[span.start_ns // DAY_NS if span else -1].append(entry)
        return self._by_day[run]

    def _found(self, troubles: Sequence[Trouble], entries: Sequence[LedgerEntry]) -> None:
        """Note troubles of keys that nobody has marked meanwhile; mend them."""
        if not troubles:
            return
        latest = {(e.stage, e.design, e.key): e for e in self._store.ledger()}
        still = {
            e.key: e for e in entries if _name(latest.get((e.stage, e.design, e.key))) == _name(e)
        }
        real = [trouble for trouble in troubles if trouble.key in still]
        for trouble in real:
            where = name_of(still[trouble.key])
            self._findings.add(trouble.kind, [f"{where}: {trouble.text}"])
        if self._mend and real:
            self._fail([still[key] for key in sorted({t.key for t in real})], real)

    def _fail(self, entries: Sequence[LedgerEntry], troubles: Sequence[Trouble]) -> None:
        """Mark keys as failed: their rows do not count any more, and the next run does them."""
        why = {trouble.key: trouble for trouble in troubles}
        generation = new_generation()
        self._store.mark([_failed(e, generation, why[e.key]) for e in entries])
        for kind, count in Counter(trouble.kind for trouble in troubles).items():
            self._findings.mended(kind, count)


def _few(wanted: Iterable[int], days: Mapping[int, Sequence[LedgerEntry]]) -> Iterator[list[int]]:
    """Yield days of which a run has marks, neighbours together while they have few picks."""
    some: list[int] = []
    picks = 0
    for day in sorted(wanted):
        count = sum(entry.n_rows for entry in days.get(day, ()))
        if some and (day != some[-1] + 1 or picks + count > _PICKS):
            yield some
            some, picks = [], 0
        some.append(day)
        picks += count
    if some:
        yield some


def _failed(entry: LedgerEntry, generation: str, why: Trouble) -> LedgerEntry:
    """Return a mark that is newer than an entry, whatever the clock says."""
    return ENTRY_TYPES[entry.stage](
        design=entry.design,
        key=entry.key,
        status=Status.FAILED,
        generation=generation,
        marked_ns=max(time.time_ns(), entry.marked_ns + 1),
        reason=f"{_BY_US}: {why.kind.value}: {why.text}",
    )


def _name(entry: LedgerEntry | None) -> tuple[str, int] | None:
    return (entry.generation, entry.marked_ns) if entry else None
