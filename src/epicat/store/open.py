"""Open a store by its location."""

from __future__ import annotations

from pathlib import Path

from epicat.errors import InputError
from epicat.store.files import BucketFiles, Files, LocalFiles
from epicat.store.interface import Store
from epicat.store.parquet import ParquetStore

__all__ = ["find_store", "open_store"]


def open_store(location: str, *, create: bool = False) -> Store:
    """Open a store, or make it; raise `StoreError` or `InputError` if that cannot be done."""
    return ParquetStore(_files_at(location), create=create)


def find_store(location: str) -> Store | None:
    """Return the store at a location, or None if there is nothing yet."""
    files = _files_at(location)
    if isinstance(files, LocalFiles) and not Path(location).exists():
        return None
    if isinstance(files, BucketFiles) and not files.top():
        return None
    return ParquetStore(files)


def _files_at(location: str) -> Files:
    scheme, separator, _ = location.partition("://")
    if not separator:
        return LocalFiles(Path(location))
    if scheme == "s3":
        return BucketFiles(location)
    raise InputError(
        f"store {scheme}://... is not supported; --store takes a folder on this machine or "
        "s3://BUCKET/FOLDER"
    )
