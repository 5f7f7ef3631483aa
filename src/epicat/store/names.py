"""Names that users give to results of a store, in place of digests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from epicat.errors import InputError
from epicat.store.base import ReadableStore, Store

__all__ = ["choose_digest", "give_name", "names_of"]

_FORM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def names_of(store: ReadableStore, kind: str) -> dict[str, str]:
    """Return the digest of each name of a kind, such as ``location``."""
    records = store.records(f"{kind}_name")
    return {name: str(record.get(kind)) for name, record in records.items()}


def give_name(
    store: Store, kind: str, name: str, digest: str, reserved: Iterable[str] = ()
) -> None:
    """Give a result a name; raise `InputError` if another has it, or it has a wrong form."""
    if not _FORM.fullmatch(name) or name in reserved:
        others = "".join(f", and not {word!r}" for word in reserved)
        raise InputError(
            f"{name!r} cannot be the name of a {kind}: use up to 64 letters, digits, '.', '_' and "
            f"'-'{others}"
        )
    taken = names_of(store, kind).get(name, digest)
    if taken != digest:
        raise InputError(
            f"{kind} {name!r} is {taken}, made with other data or settings than {digest}; "
            "choose another name"
        )
    store.put_record(f"{kind}_name", name, {kind: digest})


def choose_digest(kind: str, wanted: str, known: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return the digest that a name, or the beginning of a digest, stands for.

    ``known`` are digests with their names.  Raises `InputError` if none or several fit.
    """
    given = list(known)
    fitting = [digest for digest, names in given if wanted in names] or [
        digest for digest, _ in given if digest.startswith(wanted)
    ]
    if len(fitting) == 1:
        return fitting[0]
    problem = f"several results fit {kind}" if fitting else f"there is no {kind}"
    listed = ", ".join(f"{', '.join(names) or 'unnamed'} ({digest})" for digest, names in given)
    raise InputError(f"{problem} {wanted!r}; the store has {listed or 'none'}")
