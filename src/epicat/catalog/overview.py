"""The catalogs of a store in one table: names, dates, counts and digests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from epicat.ledger import BlockEntry, LedgerEntry, Stage
from epicat.model import StationDay
from epicat.store.base import ReadableStore
from epicat.store.catalogs import StoredCatalog, differences, stored_catalogs
from epicat.store.open import open_readable

__all__ = ["CatalogSummary", "list_catalogs", "summarize_catalogs"]


@dataclass(frozen=True, slots=True)
class CatalogSummary:
    """A catalog of a store, for people who choose one."""

    name: str
    """A name that no other catalog of the store has."""
    picks: int
    """Picks of its run."""
    events: int
    """Events that quality control did not reject."""
    station_days: int
    """Station-days of its run in the ledger."""
    first_day: str
    """The first of these days, ISO 8601; empty if there are none."""
    last_day: str
    """The last one."""
    made: str
    """When it was last run, imported or associated, ISO 8601 UTC."""
    run: str
    """Digest of the run."""
    associator: str
    """Digest of the associator; empty for picks that were not associated."""
    differs_in: str
    """Settings in which it differs from catalogs with the same default name; empty if there are
    none."""


def list_catalogs(location: str | Path) -> list[CatalogSummary]:
    """Return the catalogs of a store at a location, the newest first; none if it is empty.

    Raises `StoreError` if there is no store, or it cannot be read.

    Examples
    --------
    >>> import epicat as ec
    >>> [one.name for one in ec.list_catalogs("catalog")]
    ['PhaseNet-epicat-mini-0.42-0.44']

    """
    return summarize_catalogs(open_readable(str(location)))


def summarize_catalogs(store: ReadableStore) -> list[CatalogSummary]:
    """Return the catalogs of a store, the newest first."""
    found = stored_catalogs(store)
    told = _told_apart(store, found)
    days: dict[str, list[LedgerEntry]] = {one.run: [] for one in found}
    blocks: dict[str, list[LedgerEntry]] = {one.associator: [] for one in found}
    for entry in store.ledger(Stage.PICK):
        days.setdefault(entry.design, []).append(entry)
    for entry in store.ledger(Stage.ASSOCIATE):
        blocks.setdefault(entry.design, []).append(entry)
    return [
        _summary(one, days[one.run], blocks[one.associator], told.get(one.digest, ""))
        for one in reversed(found)
    ]


def _summary(
    one: StoredCatalog, days: list[LedgerEntry], blocks: Iterable[LedgerEntry], differs_in: str
) -> CatalogSummary:
    dates = [StationDay.parse(entry.key).day for entry in days]
    return CatalogSummary(
        name=one.label,
        picks=sum(entry.n_rows for entry in days),
        events=sum(b.n_events - b.n_rejected for b in blocks if isinstance(b, BlockEntry)),
        station_days=len(days),
        first_day=min(dates).isoformat() if dates else "",
        last_day=max(dates).isoformat() if dates else "",
        made=one.last.time,
        run=one.run,
        associator=one.associator,
        differs_in=differs_in,
    )


def _told_apart(store: ReadableStore, catalogs: Iterable[StoredCatalog]) -> dict[str, str]:
    """Return in what each catalog differs from those with the same default name."""
    sharing: dict[str, list[StoredCatalog]] = {}
    for one in catalogs:
        sharing.setdefault(one.default, []).append(one)
    found: dict[str, str] = {}
    for some in sharing.values():
        if len(some) > 1:
            found |= differences(store, some)
    return found
