"""A store's ledger with what is missing from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epicat.campaign.options import LedgerOptions
    from epicat.model import LedgerEntry
    from epicat.store.base import Store

__all__ = ["whole_ledger"]


def whole_ledger(store: Store, options: LedgerOptions) -> list[LedgerEntry]:
    """Return an entry for each key that was marked, and for each station-day that was not run."""
    from epicat.catalog.coverage import asked_for, missing
    from epicat.stations import Patterns

    patterns = Patterns(options.select, options.exclude)
    wanted = asked_for(store, options.span, options.extent, patterns)
    marked = store.ledger()
    never = missing(wanted, marked)
    return sorted([*marked, *never], key=lambda e: (e.stage, e.design, e.key))
