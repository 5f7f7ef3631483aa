"""A store that has the exact picks of some events, as if they had just been made."""

from __future__ import annotations

import time

import pyarrow as pa

from epicat.ledger import StationDayEntry, Status
from epicat.model import Span, StationDay, digest_of
from epicat.store.base import Where, new_generation
from epicat.store.parquet import ParquetStore
from epicat.table_rows import picks_table
from epicat.time import DAY_NS, SECOND_NS
from support.tiny_network import MIDNIGHT, associate_options, bare_campaign, keyed_picks

TWO_DAYS = Span(MIDNIGHT - DAY_NS, MIDNIGHT + DAY_NS)


def put_picks(store, campaign, events, more=None):
    """Mark exact picks as the result of every station-day of a campaign."""
    found = keyed_picks(events, campaign.stations)
    for key, picks in (more or {}).items():
        found.setdefault(key, []).extend(picks)
    generation = new_generation()
    entries, parts = [], []
    for day in campaign.span.days():
        for name in campaign.names:
            key = StationDay(name, day)
            parts.append(picks_table(found.get(key, []), campaign.run.digest, str(key)))
            entries.append(
                StationDayEntry(
                    campaign.run.digest, str(key), Status.DONE, generation,
                    time.time_ns(), result=digest_of(*parts[-1]["pick_id"].to_pylist()),
                )
            )  # fmt: skip
    store.replace("picks", pa.concat_tables(parts), generation)
    store.mark(entries)


def associating(folder, events, *, span=TWO_DAYS, **options):
    """Return a campaign whose store has the exact picks of some events."""
    store = ParquetStore(folder / "store", create=True)
    campaign = bare_campaign(span, options=associate_options(**options))
    campaign = campaign.model_copy(update={"store": store.location})
    put_picks(store, campaign, events)
    return campaign, store


def origins(store):
    return store.read("events", Where())["time"].cast(pa.int64()).to_pylist()


def one_each(found, truth):
    """Tell whether each true event is found once, and nothing else."""
    pairs = zip(found, sorted(t.time_ns for t in truth), strict=False)
    return len(found) == len(truth) and all(abs(a - b) < 0.3 * SECOND_NS for a, b in pairs)
