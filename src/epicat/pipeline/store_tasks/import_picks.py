"""Import picks of a file as a run: keyed picks and their ledger entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from epicat.campaign.pick_run import ImportedRun
from epicat.imports.picks import read_picks
from epicat.imports.raw import ReadingOptions
from epicat.ledger import ObjectRead, Stage, StationDayEntry, Status
from epicat.model import Pick, Span, StationDay, digest_of
from epicat.store.base import Store, mark_time, new_generation
from epicat.store.invocations import Invocation, record_invocation
from epicat.table_rows import picks_table
from epicat.tables import SCHEMAS
from epicat.time import day_of

__all__ = ["Imported", "import_picks", "save_picks"]


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
    notes: tuple[str, ...] = ()
    """What was left out or assumed, for the user."""


def import_picks(path: Path, store: Store, options: ReadingOptions | None = None) -> Imported:
    """Make a run of a file's picks; the same file again changes nothing.

    Keys are those of the days on which the file has picks: it does not say where its maker
    looked and found nothing.  Raises `InputError` for a file that cannot be used.
    """
    found = read_picks(path, options)
    run = ImportedRun(
        imported=path.name,
        sha256=found.sha256,
        columns=dict(found.columns),
        settings=dict(found.settings),
    )
    is_new = save_picks(path, found.picks, run, store)
    if is_new:
        record_invocation(
            store,
            Invocation(
                run=run.digest,
                archive=str(path.resolve()),
                span=Span(found.picks[0].time_ns, found.picks[-1].time_ns + 1),
                versions={"epicat": version("epicat")},
            ),
        )
    days = len(_by_day(found.picks))
    return Imported(run, len(found.picks), found.duplicates, days, is_new, found.notes)


def save_picks(path: Path, picks: Sequence[Pick], run: ImportedRun, store: Store) -> bool:
    """Save the picks of a file and their ledger; return False if the store has them all."""
    days = _by_day(picks)
    tables = {key: picks_table(days[key], run.digest, str(key)) for key in sorted(days)}
    results = {str(key): digest_of(*sorted(t["pick_id"].to_pylist())) for key, t in tables.items()}
    known = store.ledger(Stage.PICK, run.digest)
    if {e.key: e.result for e in known} == results and run.digest in store.records("run"):
        return False
    store.put_record("run", run.digest, run.model_dump(mode="json"))
    if not picks:
        return True
    marked_ns = mark_time(*known)
    generation = new_generation()
    rows = pa.concat_tables([SCHEMAS["picks"].empty_table(), *tables.values()])
    store.replace("picks", rows, generation)
    store.mark(
        [
            StationDayEntry(
                design=run.digest,
                key=str(key),
                status=Status.DONE,
                generation=generation,
                marked_ns=marked_ns,
                archive=str(path.resolve()),
                objects=(ObjectRead(path.name, run.sha256),),
                n_picks=len(days[key]),
                result=results[str(key)],
            )
            for key in sorted(days)
        ]
    )
    return True


def _by_day(picks: Iterable[Pick]) -> dict[StationDay, list[Pick]]:
    days: dict[StationDay, list[Pick]] = defaultdict(list)
    for pick in picks:
        network, station, _ = pick.trace_id.split(".")
        days[StationDay(f"{network}.{station}", day_of(pick.time_ns))].append(pick)
    return days
