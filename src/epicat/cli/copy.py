"""``epicat copy``: a store into another."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.cli.store_address import secure

if TYPE_CHECKING:
    from epicat.store.copy import Copied

__all__ = ["copy"]

_SHOWN = 5


def copy(
    source: Annotated[
        str, typer.Option("--from", help="A store: what --store of other commands takes.")
    ],
    target: Annotated[str, typer.Option("--to", help="Another store, made if it is not there.")],
    source_collection: Annotated[
        str | None,
        typer.Option("--from-collection", metavar="NAME", help="Database of --from."),
    ] = None,
    target_collection: Annotated[
        str | None,
        typer.Option("--to-collection", metavar="NAME", help="Database of --to."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was done, as JSON.")] = False,
) -> None:
    """Copy all of a store into another of any kind, then read both and compare them.

    It may be stopped: the same command goes on.  Again later, it copies what has changed since.
    A key that the other store has from a later time is left as it is there.
    """
    from epicat.store.copy import copy_store
    from epicat.store.open import open_store

    opened = open_store(secure(source, source_collection))
    other = open_store(secure(target, target_collection), create=True)
    done = copy_store(opened, other, _Told())
    if as_json:
        _write_json(done, opened.location, other.location)
    else:
        _tell(done)
    if done.different or done.changed:
        raise typer.Exit(1)


class _Told:
    """Says every few seconds how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, count: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last > 5:
            self._last = now
            typer.echo(f"{count:,} of {of:,} keys {what}", err=True)


def _tell(done: Copied) -> None:
    copied = ", ".join(f"{count:,} {table}" for table, count in done.rows.items()) or "nothing"
    typer.echo(f"{done.keys:,} keys copied: {copied}", err=True)
    compared = ", ".join(f"{count:,} {table}" for table, count in done.compared.items())
    typer.echo(f"equal in both: {compared or 'nothing'}; SHA-256 {done.digest}", err=True)
    for names, words in (
        (done.newer, "have a later result there, which is left"),
        (done.changed, "were written meanwhile: copy again"),
        (done.different, "are not the same in both"),
    ):
        if names:
            more = ", ..." if len(names) > _SHOWN else ""
            typer.echo(f"{len(names):,} {words}: {', '.join(names[:_SHOWN])}{more}", err=True)


def _write_json(done: Copied, source: str, target: str) -> None:
    report = {
        "from": source,
        "to": target,
        "keys": done.keys,
        "rows": dict(done.rows),
        "compared": dict(done.compared),
        "sha256": done.digest,
        "newer": done.newer,
        "changed": done.changed,
        "different": done.different,
    }
    typer.echo(json.dumps(report))
