"""``python -m benchmarks.mongo_store URL``: write and read picks in a MongoDB store.

For comparison, alternating on the same server: ``insert_many`` per unit of work and ``find`` of the
same documents, in a collection with the same indexes and in one without.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pymongo

from epicat.ledger import LedgerEntry, Stage, Status
from epicat.model import Pick
from epicat.store.base import Where, new_generation
from epicat.store.mongo.address import Address, secured
from epicat.store.mongo.documents import SHAPES
from epicat.store.mongo.schema import INDEXES
from epicat.store.open import open_store
from epicat.table_rows import picks_table
from epicat.time import DAY_NS, parse_time

_ROUNDS = 5
_STATIONS, _DAYS, _PICKS = 4, 10, 200
_RUN = "r" * 16
_STORE_IN, _PLAIN_IN = "store, in", "insert_many, same indexes"
_STORE_OUT, _PLAIN_OUT = "store, out", "find"


def main() -> None:
    location = secured(sys.argv[1])
    address = Address.parse(location)
    taken: dict[str, list[float]] = {}
    for turn in range(_ROUNDS + 1):
        database = f"bench{turn}"
        client: pymongo.MongoClient = pymongo.MongoClient(address.uri())
        client.drop_database(database)
        for name, seconds in _once(client[database], secured(location, database), turn).items():
            if turn:  # the first one warms up
                taken.setdefault(name, []).append(seconds)
        client.drop_database(database)
        client.close()
    print(_table({name: statistics.median(all_of) for name, all_of in taken.items()}))


def _once(database: pymongo.database.Database, location: str, turn: int) -> dict[str, float]:
    units = [_unit(station) for station in range(_STATIONS)]
    tables = [_whole(unit) for unit in units]
    documents = [list(SHAPES["picks"].documents(table, "g" * 32)) for table in tables]
    store = open_store(location, create=True)
    indexes = [[(field, 1) for field in fields] for fields in INDEXES["picks"]]
    for index in indexes:
        database.plain.create_index(index)

    def write() -> None:
        for unit, table in zip(units, tables, strict=True):
            generation = new_generation()
            store.replace("picks", table, generation)
            store.mark([_entry(key, generation, len(rows)) for key, rows in unit.items()])

    def insert(name: str) -> None:
        for some in documents:
            database[name].insert_many(some, ordered=False)

    ways_in: dict[str, Callable[[], object]] = {
        _STORE_IN: write,
        _PLAIN_IN: partial(insert, "plain"),
        "insert_many, no index": partial(insert, "bare"),
    }
    ways_out: dict[str, Callable[[], object]] = {
        _STORE_OUT: lambda: store.read("picks", Where(design=_RUN)),
        _PLAIN_OUT: lambda: list(database.plain.find({"run_id": _RUN})),
    }
    step = 1 if turn % 2 else -1  # alternate who is first
    taken = {name: _timed(ways_in[name]) for name in list(ways_in)[::step]}
    for action in ways_out.values():
        action()
    return taken | {name: _timed(ways_out[name]) for name in list(ways_out)[::step]}


def _unit(station: int) -> dict[str, list[Pick]]:
    """Return synthetic picks of a station by key: a unit of work."""
    generator = np.random.default_rng(station)
    start, name = parse_time("2019-06-21"), f"XX.S{station:03d}"
    unit = {}
    for day in range(_DAYS):
        times = (
            start + day * DAY_NS + np.sort(generator.integers(0, 8_640_000, _PICKS)) * 10_000_000
        )
        unit[f"{name}/2019.{172 + day}"] = [
            Pick(t, f"{name}.00", "HH", "PS"[i % 2], c, t - 90_000_000, t + 150_000_000)
            for i, (t, c) in enumerate(
                zip(times.tolist(), generator.uniform(0.3, 1, _PICKS).tolist(), strict=True)
            )
        ]
    return unit


def _whole(unit: dict[str, list[Pick]]) -> pa.Table:
    return pa.concat_tables([picks_table(picks, _RUN, key) for key, picks in unit.items()])


def _entry(key: str, generation: str, count: int) -> LedgerEntry:
    return LedgerEntry(Stage.PICK, _RUN, key, Status.DONE, generation, time.time_ns(), count=count)


def _timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _table(seconds: dict[str, float]) -> str:
    count = _STATIONS * _DAYS * _PICKS
    order = (_STORE_IN, _PLAIN_IN, "insert_many, no index", _STORE_OUT, _PLAIN_OUT)
    lines = ["| | picks a second | time, plain = 1 |", "|---|---:|---:|"]
    for name in order:
        took, plain = seconds[name], seconds[_PLAIN_OUT if name in order[3:] else _PLAIN_IN]
        lines.append(f"| {name} | {count / took:,.0f} | {took / plain:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
