"""``--help`` with the options that matter, ``--help-all`` with every one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

__all__ = ["COMMON", "HelpAll", "command_class", "with_short_help"]

COMMON: Final = (
    "archive", "layout", "stations", "select", "store", "name", "model", "weight", "p_threshold",
    "s_threshold", "velocity", "max_depth", "workers",
)  # fmt: skip
"""Options of a campaign that most users need."""

_ALL = "epicat.help_all"


def with_short_help(command: Callable[..., Any], common: Collection[str]) -> None:
    """Let ``--help`` of a command show these options and what it has beside the model's."""
    vars(command)["common_options"] = frozenset(common)


def command_class(command: Callable[..., Any]) -> Any:
    """Return the class of Typer's command for a function."""
    common = vars(command).get("common_options")
    return partial(_Command, common=common) if common else TyperCommand


class _Command(TyperCommand):
    def __init__(self, name: str | None, *, common: frozenset[str], **given: Any) -> None:
        super().__init__(name, **given)
        self._common = common

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help without the options that most users never need."""
        parameters: list[Any] = [] if ctx.meta.get(_ALL) else self.params
        options = [p for p in parameters if p.param_type_name == "option" and not p.hidden]
        left_out = [option for option in options if option.name not in self._common]
        try:
            for option in left_out:
                option.hidden = True
            super().format_help(ctx, formatter)
        finally:
            for option in left_out:
                option.hidden = False


def _show_all(context: typer.Context, value: bool) -> None:
    if value:
        context.meta[_ALL] = True
        typer.echo(context.get_help())
        raise typer.Exit


HelpAll = Annotated[
    bool,
    typer.Option(
        "--help-all", is_eager=True, callback=_show_all, help="Show all options and exit."
    ),
]
"""The flag of a command with a short help."""
