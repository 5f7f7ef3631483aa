"""The locations of an associator's events: their names, and which one is preferred.

A location is named by its digest and, if `epicat locate --name` gave it one, by a name.  The
preferred one, whose places all outputs show, is that of the campaign (what `epicat run` and
`epicat associate` make), else the one that was marked last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from epicat.ledger import LocateEntry
from epicat.store.base import ReadableStore, Store, locate_entries
from epicat.store.invocations import invocations
from epicat.store.names import choose_digest, give_name, names_by_digest

__all__ = [
    "ASSOCIATION",
    "StoredLocation",
    "choose_location",
    "location_of_campaign",
    "name_location",
    "stored_locations",
]

ASSOCIATION: Final = "association"
"""Stands for the places of the association in place of a location's name."""


@dataclass(frozen=True, slots=True)
class StoredLocation:
    """A location of the events of an associator."""

    digest: str
    """Identifies it."""
    names: tuple[str, ...]
    """Names that it was given, in alphabetical order."""
    is_campaign: bool
    """Whether it is the location of the associator's campaign."""
    marked_ns: int
    """When one of its blocks was marked last; 0 if none is."""
    n_blocks: int
    """Blocks that are located."""
    n_origins: int
    """Events that are located."""
    record: dict[str, Any]
    """Its design, as the store keeps it."""

    @property
    def terms(self) -> str:
        """Digest of its station terms; empty for none."""
        return str(self.record.get("terms") or "")

    @property
    def label(self) -> str:
        """Its names, or else its digest."""
        return ", ".join(self.names) or self.digest


def stored_locations(store: ReadableStore, associator: str) -> list[StoredLocation]:
    """Return the locations of an associator's events that have results, the preferred one first."""
    records = store.records("location") if associator else {}
    own = {name: r for name, r in records.items() if r.get("associator") == associator}
    if not own:
        return []
    entries: dict[str, list[LocateEntry]] = {name: [] for name in own}
    for entry in locate_entries(store):
        if entry.design in entries:
            entries[entry.design].append(entry)
    campaign = location_of_campaign(store, associator)
    names = names_by_digest(store, "location")
    found = [
        StoredLocation(
            digest=digest,
            names=names.get(digest, ()),
            is_campaign=digest == campaign,
            marked_ns=max(entry.marked_ns for entry in marked),
            n_blocks=len(marked),
            n_origins=sum(entry.n_origins for entry in marked),
            record=own[digest],
        )
        for digest, marked in entries.items()
        if marked
    ]
    found.sort(key=lambda one: (one.is_campaign, one.marked_ns, one.digest), reverse=True)
    return found


def choose_location(store: ReadableStore, associator: str, wanted: str | None = None) -> str:
    """Return the digest of the location that ``wanted`` names, by default the preferred one.

    ``wanted`` is a name, the beginning of a digest, or `ASSOCIATION`.  The digest is empty for
    `ASSOCIATION`, and if the events were never located.  Raises `InputError` if no location, or
    more than one, fits.
    """
    if wanted == ASSOCIATION:
        return ""
    found = stored_locations(store, associator)
    if not wanted:
        return found[0].digest if found else ""
    return choose_digest("location", wanted, [(one.digest, one.names) for one in found])


def name_location(store: Store, name: str, digest: str) -> None:
    """Give a location a name; raise `InputError` if another one has it, or it has a wrong form."""
    give_name(store, "location", name, digest, reserved=(ASSOCIATION,))


def location_of_campaign(store: ReadableStore, associator: str) -> str:
    """Return the location of an associator's newest invocation that made one; empty if none did."""
    made = (i.location for i in reversed(invocations(store)) if i.associator == associator)
    return next(filter(None, made), "")
