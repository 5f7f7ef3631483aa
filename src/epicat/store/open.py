"""Open a store by its location."""

from __future__ import annotations

from pathlib import Path

from epicat.errors import InputError
from epicat.store.interface import Store
from epicat.store.parquet import ParquetStore

__all__ = ["find_store", "open_store"]


def open_store(location: str, *, create: bool = False) -> Store:
    """Open a store, or make it; raise `StoreError` or `InputError` if that cannot be done."""
    scheme, separator, _ = location.partition("://")
    if separator:
        raise InputError(
            f"store {scheme}://... is not supported; --store takes a folder on this machine"
        )
    return ParquetStore(Path(location), create=create)


def find_store(location: str) -> Store | None:
    """Return the store at a location, or None if there is none yet."""
    if "://" not in location and not Path(location).exists():
        return None
    return open_store(location)
