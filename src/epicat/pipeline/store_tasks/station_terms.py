"""Station terms of a store: kept when they are computed or used, found by name or digest."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from epicat.locate.grids import PHASES
from epicat.locate.terms_file import TermsFile
from epicat.store.base import Store
from epicat.store.names import give_name
from epicat.store.terms import (
    StaticTerm,
    StoredTerms,
    choose_terms,
    put_terms,
    stored_terms,
    terms_data,
)

__all__ = ["find_terms", "has_other_velocity", "keep_terms"]


def keep_terms(
    store: Store,
    terms: TermsFile,
    associator: str,
    name: str | None = None,
    velocity: str = "",
    source: str = "",
) -> None:
    """Keep terms in a store, under a name if one is given.

    ``velocity`` is the digest of the velocity model that they were computed with, ``source`` that
    of all data and settings.  Raises `InputError` if other terms have the name, or its form is
    wrong.
    """
    if name is not None:
        give_name(store, "terms", name, terms.digest, source=source)
    if terms.digest not in store.records("terms"):
        buffer = BytesIO()
        np.savez_compressed(buffer, **terms.values)
        put_terms(store, _stored(terms, associator, velocity), buffer.getvalue())


def has_other_velocity(store: Store, terms: TermsFile, velocity: str) -> bool:
    """Return whether the store knows that terms belong to another velocity model."""
    known = {one.digest: one.velocity for one in stored_terms(store)}.get(terms.digest)
    return bool(known) and known != velocity


def _stored(terms: TermsFile, associator: str, velocity: str) -> StoredTerms:
    values = terms.values
    columns = (values[name].tolist() for name in ("value_s", "error_s", "support"))
    keys = [(site, phase) for site in values["sites"].tolist() for phase in PHASES]
    rows = zip(keys, *columns, strict=True)
    static = tuple(StaticTerm(*key, *numbers) for key, *numbers in rows)
    return StoredTerms(terms.digest, (), associator, len(values["event_ids"]), static, velocity)


def find_terms(store: Store, wanted: str) -> TermsFile:
    """Return the terms of a file, or those of a store by name or the beginning of their digest.

    Raises `InputError` if there are none.
    """
    path = Path(wanted)
    if path.suffix == ".npz" or path.is_file():
        return TermsFile.read(path)
    return TermsFile.read(BytesIO(terms_data(store, choose_terms(store, wanted))))
