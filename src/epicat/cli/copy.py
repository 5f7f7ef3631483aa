"""``epicat copy``: copy a store into another, and compare them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from epicat._util.lists import list_some
from epicat.cli.store_address import secure

if TYPE_CHECKING:
    from epicat.store.copy import Copied

__all__ = ["copy"]

_SHOWN = 5


def copy(
    source: Annotated[
        str, typer.Option("--from", help="Store to copy, as for --store of other commands.")
    ],
    target: Annotated[str, typer.Option("--to", help="Store to copy into, created if needed.")],
    source_collection: Annotated[
        str | None,
        typer.Option("--from-collection", metavar="NAME", help="As --collection, for --from."),
    ] = None,
    target_collection: Annotated[
        str | None,
        typer.Option("--to-collection", metavar="NAME", help="As --collection, for --to."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Copy a store into another of any kind, then read both and compare them.

    If it is interrupted, the same command resumes it.  Repeated later, it copies what has changed
    since.  A key with a later result in the other store is left unchanged.
    """
    from epicat.store.copy import copy_store
    from epicat.store.open import open_readable, open_store

    opened = open_readable(secure(source, source_collection))
    other = open_store(secure(target, target_collection), create=True)
    done = copy_store(opened, other, _Progress())
    if as_json:
        _write_json(done, opened.location, other.location)
    else:
        _show(done)
    if done.different or done.changed:
        raise typer.Exit(1)


class _Progress:
    """Report progress every few seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, count: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last > 5:
            self._last = now
            typer.echo(f"{count:,} of {of:,} keys {what}", err=True)


def _show(done: Copied) -> None:
    copied = ", ".join(f"{count:,} {table}" for table, count in done.rows.items()) or "nothing"
    typer.echo(f"{done.keys:,} keys copied: {copied}", err=True)
    compared = ", ".join(f"{count:,} {table}" for table, count in done.compared.items())
    typer.echo(f"equal in both: {compared or 'nothing'}; SHA-256 {done.digest}", err=True)
    for names, words in (
        (done.newer, "have a later result there, left unchanged"),
        (done.changed, "were written during the copy: copy again"),
        (done.different, "differ between the stores"),
    ):
        if names:
            typer.echo(f"{len(names):,} {words}: {list_some(names, most=_SHOWN)}", err=True)


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
