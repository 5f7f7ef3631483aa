"""Verify the rows of some keys against the ledger, batch by batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from epicat.errors import InputError
from epicat.ledger import LedgerEntry, Stage
from epicat.located import locations_digest
from epicat.model import Span, StationDay, digest_of
from epicat.store.findings import Kind
from epicat.tables import TableName
from epicat.time import parse_time

__all__ = [
    "Problem",
    "Twice",
    "amplitude_problems",
    "event_problems",
    "magnitude_problems",
    "origin_problems",
    "pick_problems",
    "span_of",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with the rows of a key."""

    kind: Kind
    """What it is."""
    key: str
    """The key."""
    text: str
    """What was found, in a few words."""


@dataclass(slots=True)
class Twice:
    """Finds duplicate ids: they are neighbours in time, since ids are made from times."""

    _before: frozenset[str] = frozenset()
    _now: set[str] = field(default_factory=set)

    def next_batch(self) -> None:
        """Forget all ids but those of the last batch."""
        self._before, self._now = frozenset(self._now), set()

    def problems(self, ids: Sequence[str], keys: Sequence[str]) -> Iterator[Problem]:
        """Yield the rows whose ids were there already."""
        for name, key in zip(ids, keys, strict=True):
            if name in self._now or name in self._before:
                yield Problem(Kind.TWICE, key, name)
            self._now.add(name)


def span_of(entry: LedgerEntry, block_ns: int) -> Span | None:
    """Return the time that belongs to a key; None if unknown."""
    try:
        if entry.stage in (Stage.PICK, Stage.MEASURE):
            return StationDay.parse(entry.key).span
        start = parse_time(entry.key)
    except (InputError, ValueError):
        return None
    return Span(start, start + block_ns) if block_ns else None


def pick_problems(
    entries: Sequence[LedgerEntry], picks: pa.Table, twice: Twice
) -> Iterator[Problem]:
    """Yield the problems of picks."""
    yield from _against_ledger(entries, picks, "pick_id")
    yield from _outside(entries, picks, 0)
    yield from twice.problems(picks["pick_id"].to_pylist(), picks["key"].to_pylist())
    names = ["pick_id", "key", "design", "trace_id", "band", "phase"]
    columns = [picks[name].to_pylist() for name in names]
    times = picks["time"].cast(pa.int64()).to_pylist()
    for pick_id, key, *content in zip(*columns, times, strict=True):
        if digest_of(*content) != pick_id:
            yield Problem(Kind.ROWS_CHANGED, key, f"pick {pick_id} does not match its id")


def event_problems(
    entries: Sequence[LedgerEntry],
    tables: Mapping[TableName, pa.Table],
    twice: Twice,
    block_ns: int,
) -> Iterator[Problem]:
    """Yield the problems of events and their arrivals; ``block_ns`` is 0 if unknown."""
    events, arrivals = tables["events"], tables["arrivals"]
    yield from _against_ledger(entries, events, "event_id")
    yield from _outside(entries, events, block_ns)
    yield from twice.problems(events["event_id"].to_pylist(), events["key"].to_pylist())
    yield from _unlike(events, arrivals)


def origin_problems(
    entries: Sequence[LedgerEntry], tables: Mapping[TableName, pa.Table], twice: Twice
) -> Iterator[Problem]:
    """Yield what is wrong with origins and their arrivals."""
    origins, arrivals = tables["origins"], tables["origin_arrivals"]
    for entry in entries:
        own, picks = (rows.filter(pc.equal(rows["key"], entry.key)) for rows in (origins, arrivals))
        if own.num_rows != entry.n_rows:
            text = f"{entry.n_rows} committed, {own.num_rows} found"
            yield Problem(Kind.ROWS_LOST, entry.key, text)
        elif own.num_rows and entry.result and entry.result not in _digests(own, picks):
            yield Problem(Kind.ROWS_CHANGED, entry.key, "the rows differ from the committed ones")
    yield from twice.problems(origins["origin_id"].to_pylist(), origins["key"].to_pylist())


def _digests(origins: pa.Table, arrivals: pa.Table) -> set[str]:
    """Return the digests that the ledger may have for these rows: today's, and that of the ids."""
    ids = sorted(origins["origin_id"].to_pylist())
    return {locations_digest(origins, arrivals), digest_of(*ids)}


def amplitude_problems(
    entries: Sequence[LedgerEntry], tables: Mapping[TableName, pa.Table]
) -> Iterator[Problem]:
    """Yield what is wrong with amplitudes and envelopes; both have a row for each instrument."""
    measured: tuple[TableName, ...] = ("amplitudes", "envelopes")
    for table in measured:
        yield from _against_ledger(entries, tables[table], "amplitude_id")


def magnitude_problems(
    entries: Sequence[LedgerEntry], magnitudes: pa.Table, twice: Twice
) -> Iterator[Problem]:
    """Yield what is wrong with magnitudes."""
    yield from _against_ledger(entries, magnitudes, "magnitude_id")
    yield from twice.problems(magnitudes["magnitude_id"].to_pylist(), magnitudes["key"].to_pylist())


def _against_ledger(entries: Sequence[LedgerEntry], rows: pa.Table, name: str) -> Iterator[Problem]:
    """Compare rows with the number and the digest in the ledger."""
    ids: dict[str, list[str]] = defaultdict(list)
    for key, identity in zip(rows["key"].to_pylist(), rows[name].to_pylist(), strict=True):
        ids[key].append(identity)
    for entry in entries:
        found = sorted(ids[entry.key])
        if len(found) != entry.n_rows:
            text = f"{entry.n_rows} committed, {len(found)} found"
            yield Problem(Kind.ROWS_LOST, entry.key, text)
        elif found and entry.result and digest_of(*found) != entry.result:
            yield Problem(Kind.ROWS_CHANGED, entry.key, "the rows differ from the committed ones")


def _outside(entries: Sequence[LedgerEntry], rows: pa.Table, block_ns: int) -> Iterator[Problem]:
    spans = {entry.key: span_of(entry, block_ns) for entry in entries}
    times = rows["time"].cast(pa.int64()).to_pylist()
    for key, time_ns in zip(rows["key"].to_pylist(), times, strict=True):
        span = spans.get(key)
        if span is not None and not span.start_ns <= time_ns < span.end_ns:
            yield Problem(Kind.OUTSIDE, key, f"a row of {time_ns} ns")


def _unlike(events: pa.Table, arrivals: pa.Table) -> Iterator[Problem]:
    """Compare each event with its arrivals: its id and its numbers of phases depend on them."""
    own: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    names = ["key", "event_id", "pick_id", "phase"]
    columns = [arrivals[name].to_pylist() for name in names]
    for key, event_id, pick_id, phase in zip(*columns, strict=True):
        own[key, event_id].append((pick_id, phase))
    names = ["key", "event_id", "design", "n_p", "n_s"]
    columns = [events[name].to_pylist() for name in names]
    times = events["time"].cast(pa.int64()).to_pylist()
    for key, event_id, design, n_p, n_s, time_ns in zip(*columns, times, strict=True):
        found = own.pop((key, event_id), [])
        phases = [phase for _, phase in found]
        if (phases.count("P"), phases.count("S")) != (n_p, n_s):
            counts = f"{phases.count('P')} P and {phases.count('S')} S instead of {n_p} and {n_s}"
            yield Problem(Kind.EVENT, key, f"event {event_id} has {counts}")
        elif digest_of(design, time_ns, *sorted(pick for pick, _ in found)) != event_id:
            yield Problem(Kind.EVENT, key, f"event {event_id} does not match its id")
    for key, event_id in own:
        yield Problem(Kind.EVENT, key, f"arrivals of {event_id}, which does not exist")
