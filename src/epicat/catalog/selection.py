"""Select the results of a store: one run and one associator."""

from __future__ import annotations

from dataclasses import dataclass

from epicat.store.base import ReadableStore
from epicat.store.catalogs import choose_catalog, stored_catalogs

__all__ = ["Selection", "select_results"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The run whose picks, and the associator whose events, are read."""

    run: str | None
    """Digest of the run; None if the store has none."""
    associator: str | None
    """Digest of the associator; None if the store has none."""
    extent: str
    """The extent of the newest invocation of the two, or an empty text."""
    others: int
    """How many other catalogs, pairs of run and associator, the store has."""
    name: str = ""
    """Name of the catalog, which no other catalog of the store has."""


def select_results(store: ReadableStore, wanted: str | None = None) -> Selection:
    """Return the run and associator of the newest invocation, or those that ``wanted`` names.

    ``wanted`` is the name of a catalog or a run, or the beginning of a digest of a run or of an
    associator.  Raises `InputError` if none fits it, or several have the name.
    """
    chosen = choose_catalog(store, wanted)
    if chosen is None:
        return Selection(None, None, "", 0)
    # Imported picks have no associator until they are associated.
    pairs = {(c.run, c.associator) for c in stored_catalogs(store) if c.associator}
    others = len(pairs - {(chosen.run, chosen.associator)})
    return Selection(chosen.run, chosen.associator, chosen.last.extent, others, chosen.label)
