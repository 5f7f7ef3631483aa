"""Import picks of others: a file's rows in, keyed picks, a run and ledger entries out."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from epicat.campaign.pick_run import ImportedRun
from epicat.model import (
    ObjectRead,
    Pick,
    Span,
    Stage,
    StationDay,
    StationDayEntry,
    Status,
    digest_of,
)
from epicat.pick.import_table import PickFile, read_picks
from epicat.store.base import Store, new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.tables import SCHEMAS, picks_table
from epicat.time import day_of

__all__ = ["Imported", "import_picks"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    run: ImportedRun
    """The run that the picks now belong to."""
    picks: int
    """Picks of the file."""
    duplicates: int
    """Rows that repeated another one's pick and were dropped."""
    station_days: int
    """Keys that the picks belong to."""
    is_new: bool
    """Whether anything was written; False if the store had them all."""


def import_picks(path: Path, store: Store) -> Imported:
    """Make a run of a file's picks; the same file again changes nothing.

    Keys are those of the days on which the file has picks: it does not say where its maker
    looked and found nothing.  Raises `InputError` for a file that cannot be used.
    """
    found = read_picks(path)
    run = ImportedRun(imported=path.name, sha256=found.sha256, columns=dict(found.columns))
    days: dict[StationDay, list[Pick]] = defaultdict(list)
    for pick in found.picks:
        network, station, _ = pick.trace_id.split(".")
        days[StationDay(f"{network}.{station}", day_of(pick.time_ns))].append(pick)
    is_new = _save(path, found, run, days, store)
    return Imported(run, len(found.picks), found.duplicates, len(days), is_new)


def _save(
    path: Path,
    found: PickFile,
    run: ImportedRun,
    days: dict[StationDay, list[Pick]],
    store: Store,
) -> bool:
    tables = {key: picks_table(days[key], run.digest, str(key)) for key in sorted(days)}
    results = {str(key): digest_of(*sorted(t["pick_id"].to_pylist())) for key, t in tables.items()}
    known = store.ledger(Stage.PICK, run.digest)
    if {e.key: e.result for e in known} == results:
        return False
    marked_ns = max([time.time_ns(), *(e.marked_ns + 1 for e in known)])
    generation = new_generation()
    store.put_record("run", run.digest, run.model_dump(mode="json"))
    whole = pa.concat_tables([SCHEMAS["picks"].empty_table(), *tables.values()])
    store.replace("picks", whole, generation)
    store.mark(
        [
            StationDayEntry(
                design=run.digest,
                key=str(key),
                status=Status.DONE,
                generation=generation,
                marked_ns=marked_ns,
                archive=str(path.resolve()),
                objects=(ObjectRead(path.name, found.sha256),),
                n_picks=len(picks),
                result=results[str(key)],
            )
            for key, picks in sorted(days.items())
        ]
    )
    _note(path, run, found, store)
    return True


def _note(path: Path, run: ImportedRun, found: PickFile, store: Store) -> None:
    """Keep this invocation: the newest one is what other commands show."""
    invocation = Invocation(
        run=run.digest,
        archive=str(path.resolve()),
        span=Span(found.picks[0].time_ns, found.picks[-1].time_ns + 1),
        versions={"epicat": version("epicat")},
    )
    record_invocation(store, invocation)
