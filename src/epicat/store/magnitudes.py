"""The magnitudes of an associator's events: their names, and which are preferred.

Magnitudes are named by their digest and, if `epicat magnitudes --name` gave them one, by a name.
The preferred ones, which all outputs show, are those that were marked last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from epicat.errors import InputError
from epicat.ledger import MagnitudeEntry
from epicat.store.base import ReadableStore, Store, magnitude_entries, measure_entries

__all__ = [
    "StoredMagnitudes",
    "choose_magnitudes",
    "name_magnitudes",
    "newest_amplitudes",
    "stored_magnitudes",
]

_NAMES: Final = "magnitude_name"
_FORM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoredMagnitudes:
    """Magnitudes of the events of an associator, of one design."""

    digest: str
    """Identifies them."""
    names: tuple[str, ...]
    """Names that they were given, in alphabetical order."""
    law: str
    """Name of their law."""
    location: str
    """Digest of the location that distances are from; empty for the association's places."""
    marked_ns: int
    """When one of their blocks was marked last."""
    n_magnitudes: int
    """Events that have one."""
    record: dict[str, Any]
    """Their design, as the store keeps it."""

    @property
    def label(self) -> str:
        """Their names, or else their law and digest."""
        return ", ".join(self.names) or f"{self.law} ({self.digest})"


def stored_magnitudes(store: ReadableStore, associator: str) -> list[StoredMagnitudes]:
    """Return the magnitudes of an associator's events, the preferred ones first."""
    records = store.records("magnitude") if associator else {}
    own = {name: r for name, r in records.items() if r.get("associator") == associator}
    if not own:
        return []
    entries: dict[str, list[MagnitudeEntry]] = {name: [] for name in own}
    for entry in magnitude_entries(store):
        if entry.design in entries:
            entries[entry.design].append(entry)
    names = _names(store)
    found = [
        StoredMagnitudes(
            digest=digest,
            names=tuple(sorted(name for name, named in names.items() if named == digest)),
            law=str(own[digest].get("law", {}).get("name", "")),
            location=str(own[digest].get("location", "")),
            marked_ns=max(entry.marked_ns for entry in marked),
            n_magnitudes=sum(entry.n_magnitudes for entry in marked),
            record=own[digest],
        )
        for digest, marked in entries.items()
        if marked
    ]
    return sorted(found, key=lambda one: (one.marked_ns, one.digest), reverse=True)


def choose_magnitudes(store: ReadableStore, associator: str, wanted: str | None = None) -> str:
    """Return the digest of the magnitudes that ``wanted`` names, by default the preferred ones.

    ``wanted`` is a name, or the beginning of a digest.  The digest is empty if there are none and
    none were wanted.  Raises `InputError` if no magnitudes, or several, fit.
    """
    found = stored_magnitudes(store, associator)
    if not wanted:
        return found[0].digest if found else ""
    fitting = [one for one in found if wanted in one.names] or [
        one for one in found if one.digest.startswith(wanted)
    ]
    if len(fitting) != 1:
        problem = "several magnitudes fit" if fitting else "there are no magnitudes"
        listed = ", ".join(one.label for one in found) or "none"
        raise InputError(f"{problem} {wanted!r}; the store has {listed}")
    return fitting[0].digest


def name_magnitudes(store: Store, name: str, digest: str) -> None:
    """Give magnitudes a name; raise `InputError` if others have it, or it has a wrong form."""
    if not _FORM.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of magnitudes: use up to 64 letters, digits, '.', '_' "
            "and '-'"
        )
    taken = _names(store).get(name, digest)
    if taken != digest:
        raise InputError(
            f"the magnitudes {name!r} are {taken}, of another law, location, amplitudes or "
            f"corrections than {digest}; choose another name"
        )
    store.put_record(_NAMES, name, {"magnitudes": digest})


def newest_amplitudes(store: ReadableStore, run: str) -> str:
    """Return the digest of the amplitudes of a run that were recorded; the one marked last.

    Empty if its picks were never measured.
    """
    records = store.records("amplitude") if run else {}
    own = {name for name, record in records.items() if record.get("run") == run}
    marks = [entry for entry in measure_entries(store) if entry.design in own] if own else []
    return max(marks, key=lambda e: (e.marked_ns, e.design)).design if marks else ""


def _names(store: ReadableStore) -> dict[str, str]:
    """Return the digest of each name."""
    records = store.records(_NAMES)
    return {name: str(record.get("magnitudes")) for name, record in records.items()}
