"""Open a store by its location."""

from __future__ import annotations

from pathlib import Path

from epicat.files import BucketFiles, LocalFiles, open_files
from epicat.store.interface import Store
from epicat.store.parquet import ParquetStore

__all__ = ["find_store", "open_store"]


def open_store(location: str, *, create: bool = False) -> Store:
    """Open a store, or make it; raise `StoreError` or `InputError` if that cannot be done."""
    return ParquetStore(open_files(location), create=create)


def find_store(location: str) -> Store | None:
    """Return the store at a location, or None if there is nothing yet."""
    files = open_files(location)
    if isinstance(files, LocalFiles) and not Path(location).exists():
        return None
    if isinstance(files, BucketFiles) and not files.top():
        return None
    return ParquetStore(files)
