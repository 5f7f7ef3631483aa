"""The location of a store: the option ``--collection``, and removal of secrets."""

from __future__ import annotations

import shlex
import stat
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from epicat.campaign.parse import Values
from epicat.cli.messages import report

__all__ = ["DatabaseName", "secure", "secured_values", "warn_if_readable"]

_STORE = ("store",)

DatabaseName = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="One of several stores in --store: a folder, or a database of a MongoDB server, there "
        "by default 'tutorial'.",
    ),
]


def secured_values(given: Values, collection: str | None) -> Values:
    """Return the values, the store without secrets and with its collection."""
    store: Any = given.get(_STORE)
    if store is None or not isinstance(store.value, str):
        return given
    return {**given, _STORE: replace(store, value=secure(store.value, collection))}


def secure(store: str, collection: str | None) -> str:
    """Return a store's location without secrets; warn if other users can see them."""
    from epicat.store.mongo.address import STORE_VARIABLE, secured

    location = secured(store, collection)
    if f"#env:{STORE_VARIABLE}_" in location:
        report(
            "warning: other users of this machine can see a password on the command line; use "
            f"{STORE_VARIABLE} or --store @FILE"
        )
    _, is_kept, file = location.partition("#file:")
    if is_kept:
        warn_if_readable(file)
    return location


def warn_if_readable(file: str) -> None:
    """Warn if users other than the owner may read a file with a password; ignore a missing one."""
    try:
        mode = Path(file).expanduser().stat().st_mode
    except (OSError, ValueError):
        return
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        report(
            f"warning: other users of this machine can read {file!r}, which contains a password: "
            f"chmod 600 {shlex.quote(file)}"
        )
