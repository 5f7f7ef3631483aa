"""The option ``--run``, which names a catalog of a store."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["RunName"]

RunName = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="NAME",
        help="Catalog: its name, as `epicat runs` lists them, or the beginning of the digest of a "
        "run or associator.  Default: the newest.",
    ),
]
