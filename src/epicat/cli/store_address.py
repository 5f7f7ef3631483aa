"""What every command with ``--store`` has in common: ``--collection``, and secrets put away."""

from __future__ import annotations

import shlex
import stat
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from epicat.campaign.parse import Values
from epicat.cli.progress import say

__all__ = ["DatabaseName", "secure", "secured_values", "tell_if_open"]

_STORE = ("store",)

DatabaseName = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="Database of a store in MongoDB; default: the address's, else 'tutorial'.",
    ),
]


def secured_values(given: Values, collection: str | None) -> Values:
    """Return what was given with the store's address without a secret, and of a collection."""
    store: Any = given.get(_STORE)
    if store is None or not isinstance(store.value, str):
        return given
    return {**given, _STORE: replace(store, value=secure(store.value, collection))}


def secure(store: str, collection: str | None) -> str:
    """Return a store's location without a secret; tell if others can see the one that was given."""
    from epicat.store.mongo.address import STORE_VARIABLE, secured

    location = secured(store, collection)
    if f"#env:{STORE_VARIABLE}_" in location:
        say(
            "warning: others on this machine can see a password on the command line; "
            f"{STORE_VARIABLE} or --store @FILE keeps it from them"
        )
    _, is_kept, file = location.partition("#file:")
    if is_kept:
        tell_if_open(file)
    return location


def tell_if_open(file: str) -> None:
    """Warn if others than its owner may read a file with a password; a missing one is no matter."""
    try:
        mode = Path(file).expanduser().stat().st_mode
    except (OSError, ValueError):
        return
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        say(
            f"warning: others on this machine can read {file!r}, which holds a password: "
            f"chmod 600 {shlex.quote(file)}"
        )
