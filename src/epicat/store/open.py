"""Open a store by its location."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from epicat.errors import InputError
from epicat.fs.base import BucketFiles, LocalFiles, open_files
from epicat.store.base import Store
from epicat.store.mongo.address import Address, is_mongo, secured
from epicat.store.parquet import ParquetStore

if TYPE_CHECKING:
    from epicat.store.mongo.opened import Database

__all__ = ["find_store", "open_store"]


def open_store(location: str, *, create: bool = False, patient: bool = False) -> Store:
    """Open a store, or make it; raise `StoreError` or `InputError` if that cannot be done.

    ``patient`` is who knows that there is one, and waits for its server.
    """
    if is_mongo(location):
        return _connected(location, patient=patient).open(create=create)
    return ParquetStore(open_files(location, patient=patient), create=create)


def find_store(location: str) -> Store | None:
    """Return the store at a location, or None if there is nothing yet."""
    if is_mongo(location):
        return _connected(location).find()
    files = open_files(location)
    if isinstance(files, LocalFiles) and not Path(location).exists():
        return None
    if isinstance(files, BucketFiles) and not files.top():
        return None
    return ParquetStore(files)


def _connected(location: str, *, patient: bool = False) -> Database:
    """Connect to the server of a location, which may hold a secret: then that is put away."""
    address = Address.parse(secured(location))
    try:
        from epicat.store.mongo.opened import Database
    except ImportError as error:
        raise InputError(
            "stores in MongoDB need the driver, which is not installed: pip install 'epicat[mongo]'"
        ) from error
    return Database(address, patient=patient)
