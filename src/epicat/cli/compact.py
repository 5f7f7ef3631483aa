"""``epicat compact``: merge the many small files of a store."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from epicat.campaign.options import StoreOptions
from epicat.campaign.parse import Values, make_options
from epicat.cli.campaign_args import takes
from epicat.errors import InputError

__all__ = ["compact"]


@takes(StoreOptions)
def compact(
    given: Values,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Merge the many small files of a store, and delete superseded data.

    MongoDB has no such files, and superseded rows are deleted at once: there, only the leftovers
    of killed writers are deleted.

    Runs, exports and other compactions may be active at the same time.  If it is interrupted,
    nothing is lost: the same command resumes it.
    """
    from epicat.store.base import Compactable
    from epicat.store.open import open_readable

    opened = open_readable(make_options(StoreOptions, given).store)
    if not isinstance(opened, Compactable):
        raise InputError(f"store {opened.location!r} is only read: there is nothing to compact")
    done = opened.compact()
    if as_json:
        typer.echo(json.dumps({"store": opened.location, **asdict(done)}))
    elif done.files:
        files = ", ".join(f"{count:,} of {name}" for name, count in done.files.items())
        typer.echo(
            f"{done.rows:,} rows of {done.keys:,} keys rewritten, {done.deleted:,} files deleted; "
            f"files now: {files}",
            err=True,
        )
    else:
        typer.echo(f"{done.deleted:,} documents of {done.keys:,} keys deleted", err=True)
