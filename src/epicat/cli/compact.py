"""``epicat compact``: a store's many small files into few."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.errors import InputError

if TYPE_CHECKING:
    from epicat.store.base import Store

__all__ = ["compact"]


@takes(StoreOptions)
def compact(
    given: Values,
    as_json: Annotated[bool, typer.Option("--json", help="What was done, as JSON.")] = False,
) -> None:
    """Put the many small files of a store together, and delete what has been superseded.

    In MongoDB there are no files, and superseded rows are deleted at once: only what killed
    writers have left behind is deleted.

    Runs, exports and other compactions may go on meanwhile, and nothing is lost if it is
    stopped: the same command goes on.
    """
    from epicat.store.compact import compact as put_together
    from epicat.store.open import open_store
    from epicat.store.parquet import ParquetStore

    opened = open_store(make_options(StoreOptions, given).store)
    if not isinstance(opened, ParquetStore):
        _clear(opened, as_json=as_json)
        return
    done = put_together(opened)
    if as_json:
        typer.echo(json.dumps({"store": opened.location, **asdict(done)}))
        return
    files = ", ".join(f"{count:,} of {name}" for name, count in done.files.items())
    typer.echo(
        f"{done.rows:,} rows of {done.keys:,} keys written again, {done.deleted:,} files deleted; "
        f"files now: {files}",
        err=True,
    )


def _clear(store: Store, *, as_json: bool) -> None:
    """Delete what killed writers have left in a store that has no files."""
    from epicat.store.base import Clearable

    if not isinstance(store, Clearable):
        raise InputError(f"store {store.location!r} has nothing to compact")
    keys, rows = store.clear()
    if as_json:
        typer.echo(json.dumps({"store": store.location, "keys": keys, "deleted": rows}))
        return
    typer.echo(f"{rows:,} documents of {keys:,} keys deleted", err=True)
