"""``--help`` with the options that matter, ``--help-all`` with every one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

__all__ = ["COMMON", "HelpAll", "command_class", "with_short_help"]

COMMON: Final[Mapping[str, tuple[str, str]]] = {
    "archive": ("PLACE", "folder, s3://BUCKET/PREFIX, ncedc, scedc, earthscope, geonet, "
                         "or fdsn:CENTER"),
    "layout": ("NAME", "sds, files (any names), ncedc ...; a public archive has its own"),
    "stations": ("PLACE", "CSV, StationXML, or an FDSN web service such as ncedc"),
    "select": ("PATTERN", "only stations whose NET.STA.LOC matches; may be repeated"),
    "store": ("PLACE", "results: folder, s3://BUCKET/FOLDER or mongodb://HOST"),
    "name": ("NAME", "name of the catalog; default: model, weights, thresholds"),
    "model": ("NAME", "SeisBench model, or epicat-mini"),
    "weight": ("NAME", "its weights: SeisBench's name, or a .pt file"),
    "p_threshold": ("P", "least probability of a P pick; default: the weights' own"),
    "s_threshold": ("P", "least probability of an S pick"),
    "velocity": ("MODEL", "name of `epicat velocity list`, a table, or auto"),
    "max_depth": ("KM", "bottom of the search box"),
    "workers": ("N", "processes; default: one for each core"),
}  # fmt: skip
"""Options of a campaign that most users need: what each takes, and what it is, in a line."""

_FILE: Final = "CAMPAIGN.toml"
_ARGUMENTS: Final = (
    (_FILE, "a file with all options, as written by `epicat init`; or"),
    ("START END", "first day and the day after the last: 2019.172, 2019-06-21"),
    ("EXTENT", "minlat,maxlat,minlon,maxlon in degrees"),
)
_RARE: Final = frozenset(("collection", "executor", "scheduler"))
"""Options of commands themselves that the short help leaves out."""
_WIDTH: Final = 80
_ALL = "epicat.help_all"


def with_short_help(
    command: Callable[..., Any], common: Collection[str], own: Collection[str]
) -> None:
    """Let ``--help`` of a command show these of its model's options, and its ``own`` ones."""
    vars(command)["short_help"] = frozenset(common) - frozenset(own), frozenset(own) - _RARE


def command_class(command: Callable[..., Any]) -> Any:
    """Return the class of Typer's command for a function."""
    short = vars(command).get("short_help")
    return partial(_Command, common=short[0], own=short[1]) if short else TyperCommand


class _Command(TyperCommand):
    def __init__(
        self, name: str | None, *, common: frozenset[str], own: frozenset[str], **given: Any
    ) -> None:
        super().__init__(name, **given)
        self._common = common
        self._own = own

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help: a line for each of the options that most users need."""
        if ctx.meta.get(_ALL):
            super().format_help(ctx, formatter)
            return
        formatter.width = min(formatter.width, _WIDTH)
        argument: Any = next(p for p in self.params if p.param_type_name == "argument")
        words = argument.metavar if argument.metavar != _FILE else f"[{_FILE}]"
        formatter.write_usage(ctx.command_path, f"[OPTIONS] {words}")
        for paragraph in (self.help or "").split("\n\n"):
            formatter.write_paragraph()
            formatter.write_text(paragraph)
        rows = [*_arguments(argument), ("", ""), *self._rows()]
        formatter.write_paragraph()
        formatter.indent()
        formatter.write_dl(rows, col_max=24)
        formatter.dedent()
        formatter.write_paragraph()
        formatter.write_text(self.epilog or "")

    def _rows(self) -> Iterator[tuple[str, str]]:
        """Yield options and what they are: a line of `COMMON`, or a sentence of their help."""
        option: Any
        for option in (p for p in self.params if p.param_type_name == "option"):
            if option.name in self._common and option.name in COMMON:
                takes, text = COMMON[option.name]
            elif option.name in self._common | self._own:
                takes = "" if option.is_flag else option.metavar or "VALUE"
                text = str(option.help).partition(".  ")[0].rstrip(".")
                text = (
                    text
                    if text[:2].isupper() and text[:2].isalpha()
                    else f"{text[0].lower()}{text[1:]}"
                )
            else:
                continue
            default = f" [{option.default}]" if option.default and takes else ""
            needed = " (required)" if option.required else ""
            yield f"{option.opts[0]} {takes}".rstrip(), f"{text}{default}{needed}"


def _arguments(argument: Any) -> tuple[tuple[str, str], ...]:
    """Return what the argument takes: a campaign file instead of START END EXTENT, or before."""
    if argument.metavar == _FILE:
        return ((_FILE, argument.help),)
    if _FILE in argument.metavar:
        return _ARGUMENTS
    return ((argument.metavar.partition(" ")[0], argument.help), *_ARGUMENTS[1:])


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
