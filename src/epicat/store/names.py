"""Names that users give to results of a store, in place of digests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from epicat.errors import InputError
from epicat.store.base import ReadableStore, Store

__all__ = ["check_name", "choose_digest", "give_name", "names_by_digest", "names_of"]

_NOUNS: Final = {"terms": "station terms"}
"""What messages call a kind, where that is not its own name."""
_FORM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def names_of(store: ReadableStore, kind: str) -> dict[str, str]:
    """Return the digest of each name of a kind, such as ``location``."""
    records = store.records(f"{kind}_name")
    return {name: str(record.get(kind)) for name, record in records.items()}


def names_by_digest(store: ReadableStore, kind: str) -> dict[str, tuple[str, ...]]:
    """Return the names of each digest that has some, sorted."""
    found: dict[str, tuple[str, ...]] = {}
    for name, digest in sorted(names_of(store, kind).items()):
        found[digest] = (*found.get(digest, ()), name)
    return found


def check_name(
    store: ReadableStore, kind: str, name: str, source: str, reserved: Iterable[str] = ()
) -> None:
    """Raise `InputError` if a name has a wrong form, or a result of another source has it.

    ``source`` is a digest of the data and settings that the result is to be made from.
    """
    if not _FORM.fullmatch(name) or name in reserved:
        others = "".join(f", and not {word!r}" for word in reserved)
        raise InputError(
            f"{name!r} cannot be the name of {_one(kind)}: use up to 64 letters, digits, '.', '_' "
            f"and '-'{others}"
        )
    record = store.records(f"{kind}_name").get(name, {})
    if record.get("source", source) != source:
        raise _taken(kind, name, str(record[kind]))


def give_name(
    store: Store,
    kind: str,
    name: str,
    digest: str,
    reserved: Iterable[str] = (),
    source: str = "",
) -> None:
    """Give a result a name; raise `InputError` if another has it, or it has a wrong form.

    ``source`` is what `check_name` compares, for results whose digest is not known before.
    """
    check_name(store, kind, name, source, reserved)
    taken = names_of(store, kind).get(name, digest)
    if taken != digest:
        raise _taken(kind, name, taken)
    record = {kind: digest, "source": source} if source else {kind: digest}
    store.put_record(f"{kind}_name", name, record)


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
    listed = ", ".join(f"{', '.join(names) or 'unnamed'} ({digest})" for digest, names in given)
    if fitting:
        raise InputError(f"{wanted!r} fits several {_several(kind)}; the store has {listed}")
    raise InputError(f"the store has no {_noun(kind)} {wanted!r}; it has {listed or 'none'}")


def _taken(kind: str, name: str, digest: str) -> InputError:
    return InputError(
        f"the name {name!r} is taken: other data or settings made {_noun(kind)} {digest}; "
        "choose another name"
    )


def _noun(kind: str) -> str:
    return _NOUNS.get(kind, kind)


def _one(kind: str) -> str:
    """Return a kind with its article; words of `_NOUNS` are plural."""
    return _NOUNS.get(kind, f"a {kind}")


def _several(kind: str) -> str:
    return _NOUNS.get(kind, f"{kind}s")
