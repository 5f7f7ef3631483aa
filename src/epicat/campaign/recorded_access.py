"""How the archives of a run were accessed, as its store has it on record.

Commands that read waveforms again, without the campaign, access a bucket or data center in the
same way: region, endpoint, and whether requests are signed.  Credentials are never on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from epicat.archive.access import Access, resolve_access
from epicat.archive.s3 import is_bucket
from epicat.store.base import ReadableStore
from epicat.store.invocations import invocations

__all__ = ["access_of", "recorded_access"]


def recorded_access(store: ReadableStore, run: str) -> dict[str, Access]:
    """Return how the archives of a run were accessed, by location, as last recorded.

    ``run`` is a digest.  Local folders, and archives in records of earlier versions, are missing.
    """
    found = {}
    names = {field.name for field in fields(Access)}
    for one in invocations(store):
        if one.run == run and one.access:
            kept = {name: one.access[name] for name in names & one.access.keys()}
            found[one.archive] = Access(**kept)
    return found


def access_of(recorded: Mapping[str, Access], location: str) -> Access:
    """Return the recorded access to an archive; a bucket without one is accessed by environment.

    Raises `InputError` if the environment contradicts itself.
    """
    if location in recorded:
        return recorded[location]
    if is_bucket(location):
        return resolve_access(location, region=None, endpoint=None, signed=None)
    return Access()
