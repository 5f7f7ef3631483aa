"""Select the results of a store: one run and one associator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.store.base import Store

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


def select_results(store: Store, wanted: str | None = None) -> Selection:
    """Return the run and associator of the newest invocation, or those that ``wanted`` names.

    ``wanted`` is the beginning of a digest of a run or of an associator.  Raises `InputError`
    if no invocation fits it.
    """
    invocations: list[dict[str, Any]] = list(store.records("invocation").values())
    fitting = [
        i
        for i in invocations
        if not wanted or i["run"].startswith(wanted) or i["associator"].startswith(wanted)
    ]
    if wanted and not fitting:
        names = sorted({i[name] for i in invocations for name in ("run", "associator")} - {""})
        raise InputError(
            f"no run or associator {wanted!r} in the store; it has {', '.join(names) or 'none'}"
        )
    if not fitting:
        return Selection(None, None, "", 0)
    from epicat.store.base import in_order

    last = in_order(fitting)[-1]
    # Imported picks have no associator until they are associated.
    pairs = {(i["run"], i["associator"]) for i in invocations if i["associator"]}
    others = len(pairs - {(last["run"], last["associator"])})
    return Selection(last["run"], last["associator"], last["extent"], others)
