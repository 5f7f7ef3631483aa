"""What became of a bad object: whether that is right, and what it is called."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from epicat.ledger import LedgerEntry, Status
from faults.objects.campaign import Done, Row
from faults.objects.corpus import Bad
from faults.trial import difference

__all__ = ["LONGEST_S", "Fate", "fate_of", "rows_of", "trouble_of"]

LONGEST_S = 60.0
"""A station-day with a bad object may take so long: a second, and many where others work too."""

_LONGEST_REASON = 5000
"""Letters of what the ledger says about a station-day: some lines."""

Baseline = dict[tuple[str, bool], Sequence[Row]]
"""Picks of each sound object by its name, alone and accompanied."""


class Fate(StrEnum):
    """What became of an object."""

    REFUSED = "refused"
    """Nothing of it is used, and the ledger says why."""
    PART = "read in part"
    """Some of it is used, and the ledger says what is wrong."""
    TAKEN = "taken as it is"
    """It is miniSEED, and is taken at its word."""


def fate_of(bad: Bad, done: Done) -> Fate:
    """Say what became of an object that is in the ledger."""
    entry = done.entries[bad.key]
    if not _is_used(bad, entry):
        return Fate.REFUSED
    return Fate.PART if entry.reason else Fate.TAKEN


def trouble_of(bad: Bad, done: Done) -> str:
    """Return what is wrong with what became of an object; nothing if all is well."""
    entry = done.entries.get(bad.key)
    if entry is None:
        return "not in the ledger"
    silent = not entry.reason
    wrong = {
        f"not foreseen: {entry.reason}": entry.status == Status.FAILED,
        f"took {entry.seconds:.1f} s": entry.seconds > LONGEST_S,
        f"{entry.status}, and no reason is given": silent and bad.want.told,
        f"{entry.status}, nothing used, no reason": silent and _is_unused_alone(bad, entry),
        f"a reason of {len(entry.reason)} letters": len(entry.reason) > _LONGEST_REASON,
        f"a reason that is no text: {entry.reason!r}": not entry.reason.isprintable(),
        "the ledger does not name the object": bad.body is not None
        and not any(bad.station in item.key for item in entry.objects),
    }
    return ", ".join(text for text, is_so in wrong.items() if is_so)


def _is_unused_alone(bad: Bad, entry: LedgerEntry) -> bool:
    return not bad.accompanied and not _is_used(bad, entry)


def rows_of(bad: Bad, done: Done, sound: Baseline) -> tuple[int, int]:
    """Return how many picks are lost and how many too many, of those that must be there.

    All of them if the object is only rearranged; those of the horizontal components if nothing
    else is used.
    """
    found, wanted = done.picks.get(bad.key, ()), sound[bad.sound.name, bad.accompanied]
    if bad.want.same:
        return difference(wanted, found)
    entry = done.entries.get(bad.key)
    if bad.accompanied and entry and not _is_used(bad, entry):
        return difference(_horizontal(wanted), found)
    return 0, 0


def _horizontal(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row[2] == "S"]


def _is_used(bad: Bad, entry: LedgerEntry) -> bool:
    """Tell whether a channel was picked that is none of the companions."""
    if entry.status not in (Status.DONE, Status.NO_PICKS, Status.TOO_GAPPY):
        return False
    return not bad.accompanied or entry.channels != "00.HH[NE]"
