"""What every command with ``--store`` has in common: ``--collection``, and secrets put away."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

__all__ = ["Collection", "secure", "with_store"]

Collection = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="Database of a store in MongoDB; default: the address's, else 'tutorial'.",
        rich_help_panel="Where",
    ),
]


def with_store(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes ``store`` the option --collection; it gets a store without secrets.

    The command itself knows neither the option nor a password.
    """
    signature = inspect.signature(command, eval_str=True)
    names = list(signature.parameters)
    option = inspect.Parameter(
        "collection", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Collection
    )
    given = list(signature.parameters.values())
    plain = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in given]
    at = names.index("store") + 1

    @functools.wraps(command)
    def secured_command(*, collection: str | None = None, **values: Any) -> None:
        command(**{**values, "store": secure(values["store"], collection)})

    parameters = [*plain[:at], option, *plain[at:]]
    secured_command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    secured_command.__annotations__ = {p.name: p.annotation for p in parameters}
    return secured_command


def secure(store: str, collection: str | None) -> str:
    """Return a store's location without a secret; tell if others can see the one that was given."""
    from epicat.store.mongo.address import STORE_VARIABLE, secured  # noqa: PLC0415 - heavy

    location = secured(store, collection)
    if f"#env:{STORE_VARIABLE}_" in location:
        typer.echo(
            f"warning: others on this machine can see a password on the command line; "
            f"{STORE_VARIABLE} or --store @FILE keeps it from them",
            err=True,
        )
    return location
