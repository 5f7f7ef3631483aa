"""The command ``epicat``: entry point, exit status, and error messages.

Exit status: 0 done, 1 something failed, 2 invalid input, 75 a job that should be retried,
130 interrupted.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from epicat._version import __version__
from epicat.cli.early_pool import pool_of_command
from epicat.cli.lazy_group import Commands
from epicat.errors import EpicatError, lacks_memory

__all__ = ["app", "main"]

app = typer.Typer(
    name="epicat",
    cls=Commands,
    help="From continuous seismic waveforms to an earthquake catalog.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_INTERRUPTED = 130
_FAILED = 1
_SYSTEM_ERRORS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE,
     errno.ENOMEM, errno.EAGAIN)
)  # fmt: skip
"""Errors that no program can avoid: full or broken disks, limits."""
_NEGATIVE = re.compile(r"-[\d.]+\s*(,.*)?")


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"epicat {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.  Errors become one message on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_guarded(lambda: _run(given)))


def _run(arguments: Sequence[str]) -> None:
    with pool_of_command(arguments):
        app([_shielded(argument) for argument in arguments])


def _shielded(argument: str) -> str:
    """Keep an extent of southern latitudes, ``-41,-39,174,176``, from being read as an option."""
    return f" {argument}" if _NEGATIVE.fullmatch(argument) else argument


def _guarded(call: Callable[[], object]) -> int:
    try:
        call()
    except SystemExit as left:  # Typer exits with 130 on KeyboardInterrupt, and also with 0
        if left.code == _INTERRUPTED:
            typer.secho("epicat: interrupted; run the same command again to resume", err=True)
        return left.code if isinstance(left.code, int) else 1
    except EpicatError as error:
        return _fail(str(error), error.exit_code)
    except MemoryError:
        return _fail("not enough memory; use fewer --workers", _FAILED)
    except ImportError as error:
        if not lacks_memory(error):
            raise
        return _fail("not enough memory to load the libraries", _FAILED)
    except OSError as error:
        if error.errno not in _SYSTEM_ERRORS:
            raise
        place = f"{str(error.filename)!r}: " if error.filename else ""
        return _fail(f"{place}{error.strerror}", _FAILED)
    return 0


def _fail(text: str, code: int) -> int:
    typer.secho(f"epicat: {text}", fg=typer.colors.RED, err=True)
    return code
