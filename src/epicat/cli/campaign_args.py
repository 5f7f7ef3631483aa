"""What commands are told: flags, a campaign file, and the environment, in this order.

A flag counts more than the environment, and the environment more than the file: so a store's
password can stay out of the file, and one command can differ from it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from epicat._util.option_fields import KeyPath, options_of
from epicat.campaign.file import ENDING, read_campaign
from epicat.campaign.parse import Given, Values, without_password
from epicat.cli.options_to_flags import flags_of, parameter, read_flags
from epicat.cli.progress import say
from epicat.cli.store_address import DatabaseName, secured_values
from epicat.errors import InputError

__all__ = ["EXAMPLE", "spanned_by", "takes"]

Command = Callable[..., None]

EXAMPLE = "2019.172 2019.182 39,41,-125,-123"
"""START END EXTENT as one may write them."""

_SPAN = (("start",), ("end",), ("extent",))
_STORE = ("store",)
_FILE = "CAMPAIGN.toml"
_ALL = f"{_FILE} | START END EXTENT"
_ALL_HELP = (
    "A campaign file, such as `epicat init` writes.  Or the first day (2019.172, 2019-06-21 or a "
    "UTC time), the day after the last, and minlat,maxlat,minlon,maxlon in degrees."
)


def takes(
    model: type[BaseModel],
    *,
    without: Collection[str] = (),
    file: bool = True,
    opens: bool = True,
    spanned: bool = True,
) -> Callable[[Command], Command]:
    """Give a command a flag for each option of a model, and a campaign file or START END EXTENT.

    The command's first parameter gets what was given, as `Values`; the others stay as they are.
    ``without`` are keys that get no flag; ``file`` says whether there is a file; ``opens`` whether
    the store is used: then it comes without a secret, and --collection names its database (a
    command that has a ``collection`` of its own gets it, too); ``spanned`` whether days must be
    given.
    """
    has_span = ("start",) in options_of(model) and "start" not in without
    metavar, words = (_ALL, _ALL_HELP) if has_span else (_FILE, "A campaign file, for its store.")
    kind = list[str] if has_span else str
    argument = typer.Argument(metavar=metavar, help=words)
    position = parameter("campaign", Annotated[kind | None, argument], None)

    def decorated(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        def call(context: typer.Context, **values: Any) -> None:
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
        made = [*([position] if file else []), *flags, *others.values()]
        return _signed(call, command, [parameter("context", typer.Context), *made])

    return decorated


def spanned_by(words: Sequence[str]) -> dict[KeyPath, Given]:
    """Return what START END EXTENT give; raise `InputError` if they are not three."""
    if len(words) != len(_SPAN):
        told = " ".join(word.strip() for word in words)
        raise InputError(
            f"START END EXTENT are three, not {len(words)} ({told}); write them as {EXAMPLE}"
        )
    names = ("START", "END", "EXTENT")
    return {path: Given(w.strip(), name) for path, w, name in zip(_SPAN, words, names, strict=True)}


def _signed(call: Command, like: Command, parameters: list[inspect.Parameter]) -> Command:
    """Give a function the signature that Typer reads, and the words of another."""
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    call.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in keywords}
    call.__doc__, call.__name__ = like.__doc__, like.__name__
    return call


def _gathered(words: Sequence[str], flags: Values, *, has_span: bool, spanned: bool) -> Values:
    """Put together what was given; raise `InputError` if it was given twice or is no file."""
    if not words and not spanned:
        return flags
    if not any(word.endswith(ENDING) for word in words):
        _check_words(words, has_span=has_span, spanned=spanned)
        return {**_without_file(words, flags, has_span=has_span), **flags}
    if len(words) > 1:
        file = next(word for word in words if word.endswith(ENDING))
        raise InputError(
            f"a campaign file stands alone, {file} with nothing beside it; --start, --end and "
            "--extent are for other days and another region than it says"
        )
    values = read_campaign(Path(words[0]))
    _tell_store(values.get(_STORE), flags.get(_STORE))
    return {**values, **flags}


def _check_words(words: Sequence[str], *, has_span: bool, spanned: bool) -> None:
    """Raise `InputError` for a word that cannot be days, and may have been meant as a store."""
    if words and not (has_span and (spanned or len(words) > 1)):
        raise InputError(
            f"{words[0]!r} is no campaign file, whose name ends in {ENDING}; a store is given by "
            f"--store {words[0]}"
        )


def _without_file(words: Sequence[str], flags: Values, *, has_span: bool) -> Values:
    if not words and has_span and not any(path in flags for path in _SPAN):
        raise InputError(
            f"give START END EXTENT, such as {EXAMPLE}, or a campaign file, which `epicat init` "
            "writes"
        )
    if len(words) == 1:
        raise InputError(
            f"{words[0].strip()!r} alone is no campaign file, whose name ends in {ENDING}, and "
            f"START END EXTENT are three, such as {EXAMPLE}"
        )
    span = spanned_by(words) if words else {}
    for path in (path for path in span if path in flags):
        told = f"{span[path].by} {span[path].value} and {flags[path].by} {flags[path].value}"
        raise InputError(f"{path[0]} is given twice, by {told}: leave one of them out")
    return span


def _tell_store(written: Given | None, counting: Given | None) -> None:
    """Say that the environment overrides a file, since nobody sees the environment."""
    if written and counting and counting.is_unseen and written.value != counting.value:
        told = without_password(str(counting.value))
        say(f"the store is {told}, by {counting.by}; {written.by} does not count")
