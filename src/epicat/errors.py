"""The errors that epicat raises.

::

    EpicatError                 base of all; the CLI prints the message and exits with status 1
    ├── InputError              invalid input from the user; exit status 2
    │   └── NameChoiceError     unknown name; the message lists near matches
    ├── ArchiveError            an archive cannot be listed or read
    │   ├── AccessError         it exists but denies access
    │   └── AwayError           it is unreachable as a whole: the run stops
    ├── ObjectError             one object cannot be used: recorded, the run continues
    ├── ModelError              a picker cannot be found, compiled or run
    ├── CloudError              a request to AWS failed
    ├── ClusterError            a command of SLURM or a Dask cluster failed
    └── StoreError              a store cannot be opened, read or written

Messages state what is wrong, the value, what is allowed and what to do.  Errors are raised where
they are detected, chained with ``from``, and caught by the command line only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

__all__ = [
    "AccessError",
    "ArchiveError",
    "AwayError",
    "CloudError",
    "ClusterError",
    "EpicatError",
    "InputError",
    "ModelError",
    "NameChoiceError",
    "NoDataError",
    "ObjectError",
    "StoreError",
    "lacks_memory",
    "one_line",
    "unforeseen",
]

_LONGEST_LINE = 200
_WITHOUT_MEMORY = re.compile(
    r"failed to map segment|[Cc]annot allocate memory|can't start new thread|std::bad_alloc"
)


class EpicatError(Exception):
    """Root of everything that epicat raises on purpose.

    Examples
    --------
    >>> import epicat as ec
    >>> issubclass(ec.InputError, ec.EpicatError)
    True

    """

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message and the attributes, not the arguments of the constructor.

        Errors come back from worker processes, whose pickles an ordinary exception with another
        signature than ``(message)`` breaks.
        """
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[EpicatError], args: tuple[Any, ...], state: dict[str, Any]) -> EpicatError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InputError(EpicatError, ValueError):
    """Invalid input from the user.

    Examples
    --------
    >>> import epicat as ec
    >>> try:
    ...     ec.Extent(41, 39, -125, -123)
    ... except ec.InputError as error:
    ...     print(str(error)[:27])
    extent '41,39,-125,-123': l

    """

    exit_code = 2


class NameChoiceError(InputError):
    """An unknown name; the message lists near matches and the choices.

    Examples
    --------
    >>> str(NameChoiceError("model", "PhaseNte", ["GPD", "PhaseNet"]))
    "unknown model 'PhaseNte': did you mean PhaseNet? Choose from GPD, PhaseNet"

    """

    def __init__(self, what: str, value: str, choices: Iterable[str], hint: str = "") -> None:
        names = sorted(choices)
        folded = {name.casefold(): name for name in reversed(names)}
        near = get_close_matches(value.casefold(), folded, n=2, cutoff=0.6)
        guess = f"did you mean {' or '.join(folded[n] for n in near)}? " if near else ""
        known = f"Choose from {', '.join(names)}" if names else "There are none"
        super().__init__(f"unknown {what} {value!r}: {guess}{known}{hint}")


class ArchiveError(EpicatError):
    """An archive cannot be listed or read.

    Examples
    --------
    >>> import epicat as ec
    >>> try:
    ...     ec.open_archive("no/such/folder", "sds")
    ... except ec.ArchiveError as error:
    ...     print("no/such/folder" in str(error))
    True

    """

    exit_code = 2


class AccessError(ArchiveError):
    """An archive, or a folder of it, exists but denies access."""


class AwayError(ArchiveError):
    """An archive is unreachable: no connection, no such bucket, or expired credentials.

    Every further request would fail, too.  Nothing is recorded: running again resumes.
    """


class ObjectError(EpicatError):
    """An object of an archive cannot be used; the ledger records its key and the reason.

    ``may_pass``: the failure looks transient.
    """

    def __init__(self, key: str, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
        self.may_pass = may_pass


class NoDataError(ObjectError):
    """A web service has no waveforms of a station-day."""


class ModelError(EpicatError):
    """A picker cannot be found, compiled or run.

    Examples
    --------
    >>> import epicat as ec
    >>> issubclass(ec.ModelError, ec.EpicatError)
    True

    """

    exit_code = 2


class StoreError(EpicatError):
    """A store cannot be opened, read or written.

    Examples
    --------
    >>> import epicat as ec
    >>> try:
    ...     ec.open_catalog("no/such/store")
    ... except ec.StoreError as error:
    ...     print(error)
    there is no store at 'no/such/store'; `epicat run` makes one

    """

    exit_code = 2


class CloudError(EpicatError):
    """A request to AWS was refused or failed."""


class ClusterError(EpicatError):
    """A command of SLURM was refused or failed, or a Dask cluster cannot be used."""


def lacks_memory(error: BaseException) -> bool:
    """Return whether an exception was caused by insufficient memory."""
    return isinstance(error, MemoryError) or _WITHOUT_MEMORY.search(str(error)) is not None


def one_line(error: BaseException) -> str:
    """Return an error of Python or a library as a reason in one line of a message.

    Examples
    --------
    >>> one_line(FileNotFoundError(2, "No such file or directory", "/some/file"))
    'No such file or directory'
    >>> one_line(UnicodeDecodeError("utf-8", bytes([255]), 0, 1, "invalid start byte"))
    "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"

    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    shown = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]} ..."
    return ": ".join(filter(None, (type(error).__name__, shown)))


def unforeseen(error: BaseException) -> str:
    """Format an unexpected exception as a reason for the ledger.

    Examples
    --------
    >>> unforeseen(KeyError("x"))
    "KeyError: 'x'"
    >>> unforeseen(RuntimeError("can't start new thread"))
    "RuntimeError: can't start new thread: not enough memory; use fewer --workers"

    """
    words = "not enough memory; use fewer --workers" if lacks_memory(error) else ""
    return ": ".join(filter(None, (type(error).__name__, str(error), words)))
