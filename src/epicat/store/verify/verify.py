"""Verify a store: ledger against rows, rows against each other, files against the ledger.

A key with wrong rows is repaired by marking it as failed: its rows become invisible, and the next
run processes it again.  Orphaned data are deleted once they are too old to belong to an active
writer.
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
from epicat.ledger import ENTRY_TYPES, LedgerEntry, Stage, Status
from epicat.model import Span
from epicat.store.base import ReadableStore, Store, Verifiable, Where, mark_time, new_generation
from epicat.store.batches import batches_of, content_digest, name_of, tables_of, where_of
from epicat.store.findings import Findings, Kind
from epicat.store.verify.rows import (
    Problem,
    Twice,
    amplitude_problems,
    event_problems,
    magnitude_problems,
    origin_problems,
    pick_problems,
    span_of,
)
from epicat.tables import TableName
from epicat.time import DAY_NS

__all__ = ["Verification", "verify_store"]

_PICKS: Final = 200_000
"""Picks that are read at once; a single day may have more."""
_SKEW_NS: Final = 10 * 60 * 1_000_000_000
"""Difference between clocks that is not reported."""
_REASON: Final = "epicat doctor"
"""Beginning of the reason of an entry that a repair has written."""
_RECORD: Final = {
    Stage.PICK: "run",
    Stage.MEASURE: "amplitude",
    Stage.ASSOCIATE: "associator",
    Stage.LOCATE: "location",
    Stage.MAGNITUDE: "magnitude",
}

Progress = Callable[[int, int], None]
"""Called with the number of keys verified, and of all keys."""


@dataclass(slots=True)
class Verification:
    """What was verified, and what was found."""

    findings: Findings = field(default_factory=Findings)
    """The findings."""
    keys: Counter[str] = field(default_factory=Counter)
    """Keys that were verified, by stage."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows that were verified, by table."""
    digest: str = ""
    """SHA-256 of the content of all rows, the same that `epicat copy` prints."""


def verify_store(
    store: ReadableStore, *, repair: bool = False, report: Progress | None = None
) -> Verification:
    """Check all of a store; with ``repair``, fix what can be fixed safely.

    Others may read and write it at the same time.  Raises `StoreError` if it cannot be read or
    written, and `InputError` for a store without its own ledger.
    """
    done = Verification()
    if not isinstance(store, Verifiable):
        raise InputError(
            f"store {store.location!r} was not written by epicat: it has no ledger to compare its "
            "rows with"
        )
    is_unreadable = store.verify_storage(done.findings, repair=repair)
    if is_unreadable is not None:
        _Verifier(store, done, is_unreadable, repair=repair).verify_all(report or (lambda *_: None))
    return done


class _Verifier:
    """Goes through the keys of a store, some at a time."""

    def __init__(
        self,
        store: Store,
        done: Verification,
        is_unreadable: Callable[[LedgerEntry], bool],
        *,
        repair: bool,
    ) -> None:
        self._store = store
        self._done = done
        self._findings = done.findings
        self._is_unreadable = is_unreadable
        self._repair = repair
        self._digest = hashlib.sha256()
        self._twice = Twice()
        self._by_day: dict[str, dict[int, list[LedgerEntry]]] = {}
        self._entries = store.ledger()
        self._records = {stage: store.records(kind) for stage, kind in _RECORD.items()}

    def verify_all(self, report: Progress) -> None:
        """Verify every key."""
        self._verify_entries()
        lost = [e for e in self._entries if e.n_rows and self._is_unreadable(e)]
        self._found([Problem(Kind.ROWS_DAMAGED, e.key, "cannot be read") for e in lost], lost)
        keyed = [e for e in self._entries if e.stage in _RECORD]
        for some in batches_of(e for e in keyed if not self._is_unreadable(e)):
            self._verify_keys(some)
            report(self._done.keys.total(), len(keyed))
        self._done.digest = self._digest.hexdigest()

    def _verify_entries(self) -> None:
        """Check the entries of the ledger themselves."""
        latest = time.time_ns() + _SKEW_NS
        self._findings.add(Kind.FUTURE, (name_of(e) for e in self._entries if e.marked_ns > latest))
        designs = dict.fromkeys((e.stage, e.design) for e in self._entries if e.stage in _RECORD)
        self._findings.add(
            Kind.NO_RECORD,
            (f"{_RECORD[s]} {design}" for s, design in designs if design not in self._records[s]),
        )

    def _verify_keys(self, entries: Sequence[LedgerEntry]) -> None:
        """Check the rows of keys of one stage and design."""
        stage, design = entries[0].stage, entries[0].design
        tables: dict[TableName, pa.Table] = {}
        for table in tables_of(stage):
            rows = tables[table] = self._store.read(table, where_of(entries))
            self._digest.update(content_digest(rows))
            self._done.rows[table] += rows.num_rows
        self._done.keys[stage.value] += len(entries)
        self._twice.next_batch()
        if stage == Stage.PICK:
            problems = list(pick_problems(entries, tables["picks"], self._twice))
        elif stage == Stage.MEASURE:
            problems = list(amplitude_problems(entries, tables))
        elif stage == Stage.LOCATE:
            problems = list(origin_problems(entries, tables, self._twice))
        elif stage == Stage.MAGNITUDE:
            problems = list(magnitude_problems(entries, tables["magnitudes"], self._twice))
        else:
            record = self._records[stage].get(design, {})
            block_ns = int(record.get("block_ns", 0))
            problems = list(event_problems(entries, tables, self._twice, block_ns))
            problems += self._without_pick(tables["arrivals"], record)
        self._found(problems, entries)

    def _without_pick(self, arrivals: pa.Table, record: dict[str, Any]) -> Iterator[Problem]:
        """Yield arrivals whose pick is missing, in the run that the associator belongs to.

        Days with unreadable picks, or whose picks will be made again, are skipped: their blocks
        will be made again as well.
        """
        if "run" not in record:
            return
        days = self._days(record["run"])
        times = arrivals["time"].cast(pa.int64())
        for some in _day_groups({time_ns // DAY_NS for time_ns in times.to_pylist()}, days):
            entries = [entry for day in some for entry in days[day]]
            if any(self._is_unreadable(e) or e.reason.startswith(_REASON) for e in entries):
                continue
            span = Span(some[0] * DAY_NS, (some[-1] + 1) * DAY_NS)
            inside = pc.and_(pc.greater_equal(times, span.start_ns), pc.less(times, span.end_ns))
            there = arrivals.filter(inside).select(["key", "pick_id"])
            where = Where(record["run"], span, frozenset(entry.key for entry in entries))
            picks = self._store.read("picks", where)["pick_id"].combine_chunks()
            known = pc.is_in(there["pick_id"], value_set=picks)
            for row in there.filter(pc.invert(known)).to_pylist():
                yield Problem(Kind.NO_PICK, row["key"], f"pick {row['pick_id']}")

    def _days(self, run: str) -> dict[int, list[LedgerEntry]]:
        """Return the entries of a run's picks by day."""
        if run not in self._by_day:
            days = self._by_day[run] = defaultdict(list)
            for entry in self._entries:
                if (entry.stage, entry.design) == (Stage.PICK, run):
                    span = span_of(entry, 0)
                    days[span.start_ns // DAY_NS if span else -1].append(entry)
        return self._by_day[run]

    def _found(self, problems: Sequence[Problem], entries: Sequence[LedgerEntry]) -> None:
        """Add the problems of keys that no other process has marked since; repair them."""
        if not problems:
            return
        latest = {(e.stage, e.design, e.key): e for e in self._store.ledger()}
        still = {
            e.key: e for e in entries if _name(latest.get((e.stage, e.design, e.key))) == _name(e)
        }
        real = [trouble for trouble in problems if trouble.key in still]
        for trouble in real:
            where = name_of(still[trouble.key])
            self._findings.add(trouble.kind, [f"{where}: {trouble.text}"])
        if self._repair and real:
            self._fail([still[key] for key in sorted({t.key for t in real})], real)

    def _fail(self, entries: Sequence[LedgerEntry], problems: Sequence[Problem]) -> None:
        """Mark keys as failed: their rows are no longer live, and the next run does them again."""
        why = {trouble.key: trouble for trouble in problems}
        generation = new_generation()
        self._store.mark([_failed(e, generation, why[e.key]) for e in entries])
        for kind, count in Counter(problem.kind for problem in problems).items():
            self._findings.repaired(kind, count)


def _day_groups(
    wanted: Iterable[int], days: Mapping[int, Sequence[LedgerEntry]]
) -> Iterator[list[int]]:
    """Yield days of which a run has entries, neighbours together while they have few picks."""
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


def _failed(entry: LedgerEntry, generation: str, why: Problem) -> LedgerEntry:
    """Return a failed entry that is newer than another one, whatever the clock says."""
    return ENTRY_TYPES[entry.stage](
        design=entry.design,
        key=entry.key,
        status=Status.FAILED,
        generation=generation,
        marked_ns=mark_time(entry),
        reason=f"{_REASON}: {why.kind.value}: {why.text}",
    )


def _name(entry: LedgerEntry | None) -> tuple[str, int] | None:
    return (entry.generation, entry.marked_ns) if entry else None
