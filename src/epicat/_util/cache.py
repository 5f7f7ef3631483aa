"""Where epicat keeps what it can make again: compiled models, travel time tables, indexes."""

from __future__ import annotations

import os
from pathlib import Path

from epicat.errors import InputError

__all__ = ["cache_folder"]


def cache_folder(kind: str) -> Path:
    """Folder for one kind of thing, made if needed.

    ``$EPICAT_CACHE`` if that is set, else ``epicat`` below ``$XDG_CACHE_HOME`` or ``~/.cache``.
    Raises `InputError` if it cannot be made.
    """
    chosen = os.environ.get("EPICAT_CACHE")
    general = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(chosen) if chosen else Path(general or Path.home() / ".cache") / "epicat"
        folder = base / kind
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody knows the user's home
        place = chosen or general or "at home"
        raise InputError(
            f"epicat's cache {place} cannot be made: {getattr(error, 'strerror', None) or error}; "
            "set EPICAT_CACHE to a folder that you may write to"
        ) from error
    return folder
