"""Where a catalog is from: run, associator, location, their settings, versions and invocations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from epicat.store.invocations import invocations

if TYPE_CHECKING:
    from epicat.catalog.catalog import Catalog

__all__ = ["provenance"]

_MOST_LISTED = 40
"""Longer lists, such as all sites of a network, are given by their length."""


def provenance(catalog: Catalog) -> dict[str, Any]:
    """Return the records of the catalog in its store, and what became of its units of work."""
    digests = {
        "run": catalog.run, "associator": catalog.associator, "location": catalog.location_id
    }  # fmt: skip
    records = {
        kind: _shortened(catalog.store.records(kind).get(digest) or {})
        for kind, digest in digests.items()
        if digest
    }
    own = [i for i in invocations(catalog.store) if i.run == catalog.run]
    statuses = Counter((str(e.stage), e.status.value) for e in catalog.entries())
    return {
        "name": catalog.name,
        "digests": {kind: digest for kind, digest in digests.items() if digest},
        "records": records,
        "invocations": [_invocation(i.to_record()) for i in own],
        "units": [
            {"stage": stage, "status": status, "count": count}
            for (stage, status), count in sorted(statuses.items())
        ],
    }


def _invocation(record: dict[str, Any]) -> dict[str, Any]:
    kept = ("time", "archive", "layout", "extent", "associator", "python", "machine", "versions")
    return {name: record[name] for name in kept if record.get(name)}


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _shortened(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) > _MOST_LISTED:
            return f"{len(value)} entries"
        return [_shortened(inner) for inner in value]
    return value
