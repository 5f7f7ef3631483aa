"""Arguments of commands from flags, the environment and a campaign file.

Flags take precedence over the environment, the environment over the file.  So a password can stay
out of the file, and a single command can override it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from epicat._util.option_models import KeyPath, options_of
from epicat.campaign.file import SUFFIX, read_campaign
from epicat.campaign.parse import Given, Values, without_password
from epicat.cli.messages import report
from epicat.cli.options_to_flags import flags_of, parameter, read_flags
from epicat.cli.short_help import HelpAll, with_short_help
from epicat.cli.store_address import DatabaseName, secured_values
from epicat.errors import InputError

__all__ = ["EXAMPLE", "spanned_by", "takes"]

Command = Callable[..., None]

EXAMPLE = "2019.172 2019.182 39,41,-125,-123"
"""An example of START END EXTENT."""

_SPAN = (("start",), ("end",), ("extent",))
_STORE = ("store",)
_FILE = "CAMPAIGN.toml"
_ALL = f"{_FILE} | START END EXTENT"
_ALL_HELP = (
    "A campaign file, as written by `epicat init`.  Or the first day (2019.172, 2019-06-21 or a "
    "UTC time), the day after the last, and minlat,maxlat,minlon,maxlon in degrees."
)


def takes(
    model: type[BaseModel],
    *,
    without: Collection[str] = (),
    file: bool = True,
    opens: bool = True,
    spanned: bool = True,
    common: Collection[str] = (),
    brief: bool = False,
) -> Callable[[Command], Command]:
    """Give a command flags for the options of a model, and a campaign file or START END EXTENT.

    The first parameter of the command receives the given values; the others are kept.
    ``without``: keys without a flag.  ``file``: whether a campaign file is accepted.  ``opens``:
    whether the store is opened; then secrets are removed from its location, and --collection
    names its database.  ``spanned``: whether the time range is required.  ``common``: the options
    that ``--help`` shows, all if there are none; those of the command itself are shown anyway.
    ``brief``: whether ``--help`` has a line for each option, and ``--help-all`` the rest.
    """
    has_span = ("start",) in options_of(model) and "start" not in without
    metavar, words = (
        (_ALL, _ALL_HELP) if has_span else (_FILE, "A campaign file, which names the store.")
    )
    kind = list[str] if has_span else str
    argument = typer.Argument(metavar=metavar, help=words)
    position = parameter("campaign", Annotated[kind | None, argument], None)

    def decorated(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        def call(context: typer.Context, **values: Any) -> None:
            if context.invoked_subcommand is not None:  # the callback of a group
                return
            given: Values = read_flags(model, context, values)
            if file:
                words = values["campaign"] or []
                words = words if has_span or not words else [words]
                given = _gathered(words, given, has_span=has_span, spanned=spanned)
            if opens:
                given = secured_values(given, values["collection"])
            command(given, **{p.name: values[p.name] for p in own})

        flags, others = flags_of(model, without), {p.name: p for p in own}
        if opens:
            at = [flag.name for flag in flags].index("store") + 1
            usual = parameter("collection", DatabaseName, None)
            flags.insert(at, others.pop("collection", usual))
        if common or brief:
            others["help_all"] = parameter("help_all", HelpAll, False)
        made = [*([position] if file else []), *flags, *others.values()]
        signed = _signed(call, command, [parameter("context", typer.Context), *made])
        if common or brief:
            shown = [flag.name for flag in flags] if brief else common
            with_short_help(signed, shown, [*others, "help"])
        return signed

    return decorated


def spanned_by(words: Sequence[str]) -> dict[KeyPath, Given]:
    """Return the values of START END EXTENT; raise `InputError` if they are not three."""
    if len(words) == len(_SPAN) + 3:  # the extent as four arguments
        words = [*words[:2], ",".join(words[2:])]
    if len(words) != len(_SPAN):
        given = " ".join(word.strip() for word in words)
        raise InputError(
            f"expected START END EXTENT, for example {EXAMPLE}; got {len(words)} arguments "
            f"({given})"
        )
    names = ("START", "END", "EXTENT")
    return {path: Given(w.strip(), name) for path, w, name in zip(_SPAN, words, names, strict=True)}


def _signed(call: Command, like: Command, parameters: list[inspect.Parameter]) -> Command:
    """Give a function the signature that Typer reads, and the help of another."""
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    call.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in keywords}
    call.__doc__, call.__name__ = like.__doc__, like.__name__
    return call


def _gathered(words: Sequence[str], flags: Values, *, has_span: bool, spanned: bool) -> Values:
    """Merge the values; raise `InputError` if one is given twice or a word is not a file."""
    if not words and not spanned:
        return flags
    if not any(word.endswith(SUFFIX) for word in words):
        _check_words(words, has_span=has_span, spanned=spanned)
        return {**_without_file(words, flags, has_span=has_span), **flags}
    if len(words) > 1:
        file = next(word for word in words if word.endswith(SUFFIX))
        raise InputError(
            f"{file} must be the only argument; use --start, --end and --extent to override its "
            "time range and region"
        )
    values = read_campaign(Path(words[0]))
    _report_store(values.get(_STORE), flags.get(_STORE))
    return {**values, **flags}


def _check_words(words: Sequence[str], *, has_span: bool, spanned: bool) -> None:
    """Raise `InputError` for a word that may have been meant as a store."""
    if words and not (has_span and (spanned or len(words) > 1)):
        raise InputError(
            f"{words[0]!r} is not a campaign file (*{SUFFIX}); to name a store use "
            f"--store {words[0]}"
        )


def _without_file(words: Sequence[str], flags: Values, *, has_span: bool) -> Values:
    if not words and has_span and not any(path in flags for path in _SPAN):
        raise InputError(
            f"missing START END EXTENT, for example {EXAMPLE}, or a campaign file, as written by "
            "`epicat init`"
        )
    if len(words) == 1:
        raise InputError(
            f"{words[0].strip()!r} is not a campaign file (*{SUFFIX}), and START END EXTENT are "
            f"three arguments, for example {EXAMPLE}"
        )
    span = spanned_by(words) if words else {}
    for path in (path for path in span if path in flags):
        both = (
            f"{span[path].source} {span[path].value} and {flags[path].source} {flags[path].value}"
        )
        raise InputError(f"{path[0]} is given twice, by {both}: remove one of them")
    return span


def _report_store(written: Given | None, used: Given | None) -> None:
    """Report that the environment overrides the file: the user may have forgotten it."""
    if written and used and used.is_from_environment and written.value != used.value:
        store = without_password(str(used.value))
        report(f"using store {store} from {used.source}; {written.source} is ignored")
