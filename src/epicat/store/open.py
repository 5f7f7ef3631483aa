"""Open a store by its location."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from epicat.errors import InputError, StoreError
from epicat.fs.local import LocalFiles
from epicat.fs.open import open_files
from epicat.fs.s3 import S3Files
from epicat.store.base import ReadableStore, Store
from epicat.store.mongo.address import Address, is_mongo, secured
from epicat.store.parquet import ParquetStore

if TYPE_CHECKING:
    from epicat.store.mongo.opened import Database

__all__ = ["find_store", "open_readable", "open_store"]


def open_store(location: str, *, create: bool = False, patient: bool = False) -> Store:
    """Open a store to read and write it, or create it.

    ``patient``: the store is known to exist, so that its server is waited for.  Raises `StoreError`
    or `InputError` if it cannot be opened, and `StoreError` if it can only be read.
    """
    if is_mongo(location):
        return _connected(location, patient=patient).open(create=create)
    return ParquetStore(open_files(location, patient=patient), create=create)


def open_readable(location: str) -> ReadableStore:
    """Open a store to read it; raise `StoreError` if there is none."""
    store = find_store(location)
    if store is None:
        shown = Address.parse(secured(location)).shown if is_mongo(location) else location
        raise StoreError(f"there is no store at {shown!r}; `epicat run` makes one")
    return store


def find_store(location: str) -> ReadableStore | None:
    """Return the store at a location to read it, or None if there is nothing yet."""
    if is_mongo(location):
        return _connected(location).find()
    files = open_files(location)
    if isinstance(files, LocalFiles) and not Path(location).exists():
        return None
    if isinstance(files, S3Files) and not files.top():
        return None
    return ParquetStore(files)


def _connected(location: str, *, patient: bool = False) -> Database:
    """Connect to the server of a location; a secret in it moves to the environment."""
    address = Address.parse(secured(location))
    try:
        from epicat.store.mongo.opened import Database
    except ImportError as error:
        raise InputError(
            "stores in MongoDB need the driver, which is not installed: pip install 'epicat[mongo]'"
        ) from error
    return Database(address, patient=patient)
