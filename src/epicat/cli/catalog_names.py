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
        help="Catalog: a name in `epicat runs`, or the beginning of a digest there.  Default: the "
        "newest.",
    ),
]
