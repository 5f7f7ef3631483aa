"""A store's ledger with what is missing from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epicat.model import LedgerEntry
    from epicat.options import LedgerOptions
    from epicat.store.interface import Store

__all__ = ["whole_ledger"]


def whole_ledger(store: Store, options: LedgerOptions) -> list[LedgerEntry]:
    """Return an entry for each key that was marked, and for each station-day that was not run."""
    from epicat.archive.stations import Patterns  # noqa: PLC0415 - heavy
    from epicat.missing import asked_for, missing  # noqa: PLC0415

    patterns = Patterns(options.select, options.exclude)
    wanted = asked_for(store, options.span, options.extent, patterns)
    marked = store.ledger()
    never = missing(wanted, marked)
    return sorted([*marked, *never], key=lambda e: (e.stage, e.design, e.key))
