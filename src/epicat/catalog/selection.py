"""Select the results of a store: one run and one associator."""

from __future__ import annotations

from dataclasses import dataclass

from epicat.errors import InputError
from epicat.store.base import ReadableStore
from epicat.store.invocations import invocations

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
    """How many other pairs of run and associator the store has."""


def select_results(store: ReadableStore, wanted: str | None = None) -> Selection:
    """Return the run and associator of the newest invocation, or those that ``wanted`` names.

    ``wanted`` is the beginning of a digest of a run or of an associator.  Raises `InputError`
    if no invocation fits it.
    """
    made = invocations(store)
    fitting = [
        invocation
        for invocation in made
        if not wanted or any(d.startswith(wanted) for d in (invocation.run, invocation.associator))
    ]
    if wanted and not fitting:
        names = sorted({digest for i in made for digest in (i.run, i.associator)} - {""})
        raise InputError(
            f"no run or associator {wanted!r} in the store; it has {', '.join(names) or 'none'}"
        )
    if not fitting:
        return Selection(None, None, "", 0)
    last = fitting[-1]
    # Imported picks have no associator until they are associated.
    pairs = {(i.run, i.associator) for i in made if i.associator}
    others = len(pairs - {(last.run, last.associator)})
    return Selection(last.run, last.associator, last.extent, others)
