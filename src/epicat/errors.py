"""The errors that epicat raises, and who is meant to read them.

::

    EpicatError                 whatever epicat itself has to say; printed by the CLI, exit code 1
    ├── InputError              what the user gave cannot be used; exit code 2
    │   └── NameChoiceError     a name that is not among the choices; shows the near matches
    ├── ArchiveError            the archive as a whole cannot be listed or read
    │   ├── AccessError         it is there and refuses: not public, or other credentials
    │   └── AwayError           it is gone, for all of it and for long: the run stops
    ├── ObjectError             one object of an archive is bad: to the ledger, the rest goes on
    ├── ModelError              a picker cannot be found, compiled or run
    ├── CloudError              AWS refuses or fails
    └── StoreError              a store cannot be opened, read or written

Messages say what is wrong, the value, what is allowed and what to do.  Errors are raised
where they are noticed, chained with ``from`` at the seams, and caught by the CLI alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AccessError",
    "ArchiveError",
    "AwayError",
    "CloudError",
    "EpicatError",
    "InputError",
    "ModelError",
    "NameChoiceError",
    "ObjectError",
    "StoreError",
    "lacks_memory",
    "unforeseen",
]

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


class InputError(EpicatError, ValueError):
    """A value given by the user cannot be used.

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
    """A name is not among the known ones.

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
        known = f"Choose from {', '.join(names)}" if names else "None are known here"
        super().__init__(f"unknown {what} {value!r}: {guess}{known}{hint}")


class ArchiveError(EpicatError):
    """An archive as a whole cannot be listed or read.

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
    """An archive, or a folder of it, is there and refuses to be listed."""


class AwayError(ArchiveError):
    """No connection to an archive comes about, its bucket is gone, or credentials have expired.

    Whatever else is asked would fail as well.  Nothing is noted: running again goes on.
    """


class ObjectError(EpicatError):
    """One object of an archive cannot be used; the ledger keeps its key and this reason.

    ``may_pass`` tells that the same object may be had another time, as far as can be told.
    """

    def __init__(self, key: str, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
        self.may_pass = may_pass


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
    """AWS refuses what it was asked, or has failed to do it."""


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error of Python or the system comes from too little memory."""
    return isinstance(error, MemoryError) or _WITHOUT_MEMORY.search(str(error)) is not None


def unforeseen(error: BaseException) -> str:
    """Return an error that nobody has foreseen as a reason for the ledger.

    Examples
    --------
    >>> unforeseen(KeyError("x"))
    "KeyError: 'x'"
    >>> unforeseen(RuntimeError("can't start new thread"))
    "RuntimeError: can't start new thread: too little memory; fewer --workers need less"

    """
    words = "too little memory; fewer --workers need less" if lacks_memory(error) else ""
    return ": ".join(filter(None, (type(error).__name__, str(error), words)))
