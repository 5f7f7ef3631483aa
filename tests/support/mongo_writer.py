"""A process that writes units of made-up picks into a store; killed and rerun by the tests.

Given a location, the number of units, and words: ``own-N`` for units that nobody else writes,
``same`` for those that all write.  Units that are marked already are left, as a run leaves them,
except those of ``same``.
"""

from __future__ import annotations

import sys
import time

import pyarrow as pa

from epicat.ledger import Stage, StationDayEntry, Status
from epicat.store.base import Store, new_generation
from epicat.store.open import open_store
from epicat.table_rows import picks_table
from epicat.testing.store_contract import pick_at
from epicat.time import DAY_NS, SECOND_NS, parse_time

RUN = "r" * 16
DAYS, PICKS = 3, 20
START = parse_time("2019-06-21")


def unit(word: str, number: int) -> dict[str, pa.Table]:
    """Return the picks of a unit by key: some days of one station."""
    name = f"XX.{word[:2].upper()}{word[4:]}{number:03d}"
    return {
        f"{name}/2019.{172 + day}": picks_table(
            [
                pick_at(START + day * DAY_NS + at * SECOND_NS, trace_id=f"{name}.00")
                for at in range(PICKS)
            ],
            RUN,
            f"{name}/2019.{172 + day}",
        )
        for day in range(DAYS)
    }


def main() -> None:
    location, units, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    store = open_store(location, create=True)
    for word in words:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(units):
            write(store, unit(word, number), is_eager=word == "same")
    print("done", flush=True)


def write(store: Store, tables: dict[str, pa.Table], *, is_eager: bool) -> None:
    known = {entry.key for entry in store.ledger(Stage.PICK, RUN)}
    if tables.keys() <= known and not is_eager:
        return
    generation = new_generation()
    store.replace("picks", pa.concat_tables(tables.values()), generation)
    store.mark(
        [
            StationDayEntry(RUN, key, Status.DONE, generation, time.time_ns(), n_picks=PICKS)
            for key in tables
        ]
    )


if __name__ == "__main__":
    main()
