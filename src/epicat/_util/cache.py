"""The cache folder: compiled models, travel-time tables, indexes."""

from __future__ import annotations

import os
from pathlib import Path

from epicat.errors import InputError

__all__ = ["cache_folder"]


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of cached files, created if needed.

    ``$EPICAT_CACHE`` if that is set, else ``epicat`` below ``$XDG_CACHE_HOME`` or ``~/.cache``.
    Raises `InputError` if it cannot be created.
    """
    chosen = os.environ.get("EPICAT_CACHE")
    general = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(chosen) if chosen else Path(general or Path.home() / ".cache") / "epicat"
        folder = base / kind
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: no home directory
        place = repr(chosen or general) if chosen or general else "in the home directory"
        raise InputError(
            f"the cache {place} cannot be created: {getattr(error, 'strerror', None) or error}; "
            "set EPICAT_CACHE to a writable folder"
        ) from error
    return folder
