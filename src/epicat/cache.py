"""Where epicat keeps what it can make again: compiled models, travel time tables, indexes."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(kind: str) -> Path:
    """Folder for one kind of thing, made if needed.

    ``$EPICAT_CACHE`` if that is set, else ``epicat`` below ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    chosen = os.environ.get("EPICAT_CACHE")
    general = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = (Path(chosen) if chosen else general / "epicat") / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder
