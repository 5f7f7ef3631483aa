"""The catalogs of a store: pairs of a run and an associator, and the names that people read.

A catalog is called by the name that ``--name`` gave it, or else by the default name of its run:
model, weights and thresholds, such as ``PhaseNet-original-0.3``.  Names are not part of the
identity of results.  Where several catalogs share a default name, the beginning of a digest
follows, as in ``PhaseNet-original-0.3~9f8e``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from epicat.errors import InputError
from epicat.store.base import ReadableStore, Store
from epicat.store.invocations import Invocation, invocations
from epicat.store.names import give_name, names_of

__all__ = [
    "StoredCatalog",
    "choose_catalog",
    "default_name",
    "differences",
    "fitting_runs",
    "name_catalog",
    "run_names",
    "stored_catalogs",
]

_KIND: Final = "catalog"
_LONGEST: Final = 64
_SHORTEST_DIGEST: Final = 4
_MARK: Final = "~"
"""Between a name that several catalogs share and the beginning of a digest."""
_OTHER: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SHOWN_DIFFERENCES: Final = 3
_NOT_SETTINGS: Final = ("reasons", "made_with", "run")
"""Parts of records that explain results rather than decide them, or name them."""


@dataclass(frozen=True, slots=True)
class StoredCatalog:
    """A run and an associator of a store."""

    run: str
    """Digest of the run."""
    associator: str
    """Digest of the associator; empty for imported picks that were not associated."""
    names: tuple[str, ...]
    """Names that it was given, in alphabetical order."""
    default: str
    """Name of its run: the one it was given, or model, weights and thresholds."""
    label: str
    """A name that no other catalog of the store has."""
    last: Invocation
    """Its newest invocation."""

    @property
    def digest(self) -> str:
        """Digest of the associator, or of the run if there is none."""
        return self.associator or self.run

    @property
    def described(self) -> str:
        """Its label and digests, for messages."""
        associator = f", associator {self.associator}" if self.associator else ""
        return f"{self.label} (run {self.run}{associator})"


def default_name(record: Mapping[str, Any]) -> str:
    """Return the name of a run by its record; empty if the record does not say what it is.

    >>> picker = {"model": "PhaseNet", "weight": "original"}
    >>> default_name({"picker": picker, "p_threshold": 0.3, "s_threshold": 0.3})
    'PhaseNet-original-0.3'
    >>> default_name({"picker": picker, "p_threshold": 0.3, "s_threshold": 0.1})
    'PhaseNet-original-0.3-0.1'
    >>> default_name({"imported": "my picks.csv"})
    'my-picks.csv'
    """
    if record.get("imported"):
        return _plain(str(record["imported"]).rpartition("/")[2])
    picker = record.get("picker") or {}
    both = [record.get("p_threshold"), record.get("s_threshold")]
    thresholds = [f"{value:g}" for value in both if isinstance(value, (int, float))]
    precision = record.get("precision", "f32")
    quality = record.get("quality") or {}
    parts = [
        str(picker.get("model") or ""),
        str(picker.get("weight") or "").rpartition("/")[2],
        *dict.fromkeys(thresholds),
        *([str(precision)] if precision != "f32" else []),
        *(["qc"] if any(limit is not None for limit in quality.values()) else []),
    ]
    return _plain("-".join(filter(None, parts)))


def run_names(store: ReadableStore) -> dict[str, str]:
    """Return the name of each run by its digest: the one it was given, or the default one."""
    given = _given_names(store)
    records = store.records("run").items()
    return {digest: min(given[digest], default=default_name(one)) for digest, one in records}


def stored_catalogs(store: ReadableStore) -> list[StoredCatalog]:
    """Return the catalogs of a store in the order of their newest invocations, the last one last.

    Picks without events are a catalog as long as they were not associated.
    """
    newest: dict[tuple[str, str], Invocation] = {}
    for one in invocations(store):
        newest.pop((one.run, one.associator), None)
        newest[one.run, one.associator] = one
    associated = {run for run, associator in newest if associator}
    runs, given = run_names(store), _given_names(store)
    found = []
    for (run, associator), last in newest.items():
        if associator or run not in associated:
            names = tuple(sorted(given[associator or run]))
            default = runs.get(run) or run
            found.append(StoredCatalog(run, associator, names, default, "", last))
    return _labelled(found)


def choose_catalog(store: ReadableStore, wanted: str | None = None) -> StoredCatalog | None:
    """Return the catalog that ``wanted`` names, by default the newest; None for an empty store.

    ``wanted`` is a name, or the beginning of a digest of a run or an associator.  The beginning of
    a run's digest stands for its newest catalog.  Raises `InputError` if nothing fits, or if
    several catalogs have this name.
    """
    found = stored_catalogs(store)
    if not wanted:
        return found[-1] if found else None
    named = _named(found, wanted)
    if len(named) > 1:
        raise InputError(_ambiguous(store, f"several catalogs are called {wanted!r}", named))
    if named:
        return named[0]
    fitting = [c for c in found if c.run.startswith(wanted) or c.associator.startswith(wanted)]
    runs = {c.run for c in fitting}
    if len(runs) > 1:
        what = f"several digests begin with {wanted!r}"
        raise InputError(_ambiguous(store, what, fitting))
    if not fitting:
        listed = "; ".join(c.described for c in found) or "none"
        raise InputError(f"no run or catalog {wanted!r} in the store; it has {listed}")
    return fitting[-1]


def fitting_runs(store: ReadableStore, wanted: str) -> list[str]:
    """Return the digests of the runs that ``wanted`` may stand for; all for an empty text.

    ``wanted`` is the name of a run or of a catalog, or the beginning of a run's digest.
    """
    runs = run_names(store)
    if not wanted:
        return list(runs)
    named = {c.run for c in _named(stored_catalogs(store), wanted)}
    named |= {digest for digest, name in runs.items() if name.casefold() == wanted.casefold()}
    return sorted(named or {digest for digest in runs if digest.startswith(wanted)})


def name_catalog(store: Store, name: str, digest: str) -> None:
    """Give a catalog a name: that of its associator, or of the run of imported picks.

    Raises `InputError` if another one has the name, or if it has a wrong form.
    """
    taken = [c for c in stored_catalogs(store) if name in (c.label, c.default)]
    others = [c for c in taken if digest not in (c.run, c.associator)]
    if others:
        raise InputError(
            f"the name {name!r} is that of {others[0].described}, made with other data or settings "
            f"than {digest}; choose another --name"
        )
    give_name(store, _KIND, name, digest)


def differences(store: ReadableStore, catalogs: Sequence[StoredCatalog]) -> dict[str, str]:
    """Return for each catalog, by its digest, the settings in which it differs from the others.

    Catalogs of several runs are compared by the settings of their runs, those of one run by the
    settings of their associators.
    """
    is_one_run = len({c.run for c in catalogs}) == 1
    records = store.records("associator" if is_one_run else "run")
    digests = {c.digest: c.associator if is_one_run else c.run for c in catalogs}
    settings = {own: dict(_flat(records.get(name, {}))) for own, name in digests.items()}
    keys = sorted({key for one in settings.values() for key in one})
    varied = [key for key in keys if len({repr(s.get(key)) for s in settings.values()}) > 1]
    shown = varied[:_SHOWN_DIFFERENCES]
    more = ", ..." if len(varied) > len(shown) else ""
    return {
        own: ", ".join(f"{key} {_short(one.get(key))}" for key in shown) + more
        for own, one in settings.items()
    }


def _named(catalogs: Iterable[StoredCatalog], wanted: str) -> list[StoredCatalog]:
    """Return the catalogs of a name: a given one, a label, or one that several may share."""
    found = list(catalogs)
    for fits in (
        [c for c in found if wanted in (*c.names, c.label)],
        [c for c in found if c.default.casefold() == wanted.casefold()],
        [c for c in found if _fits_shared(c, wanted)],
    ):
        if fits:
            return fits
    return []


def _fits_shared(catalog: StoredCatalog, wanted: str) -> bool:
    name, mark, digest = wanted.rpartition(_MARK)
    is_it = bool(mark) and len(digest) >= _SHORTEST_DIGEST
    return is_it and catalog.default == name and catalog.digest.startswith(digest)


def _labelled(catalogs: Sequence[StoredCatalog]) -> list[StoredCatalog]:
    """Give each catalog a label that no other has."""
    sharing: dict[str, list[str]] = defaultdict(list)
    for one in catalogs:
        sharing[one.default].append(one.digest)
    taken = {name for one in catalogs for name in one.names}
    found = []
    for one in catalogs:
        digests = sharing[one.default]
        label = min(one.names, default=one.default)
        if not one.names and (len(digests) > 1 or one.default in taken):
            label += _MARK + one.digest[: _distinct(digests)]
        found.append(replace(one, label=label))
    return found


def _distinct(digests: Sequence[str]) -> int:
    """Return how many digits tell digests apart."""
    longest = max(map(len, digests))
    lengths = range(_SHORTEST_DIGEST, longest)
    return next((n for n in lengths if len({d[:n] for d in digests}) == len(digests)), longest)


def _ambiguous(store: ReadableStore, what: str, catalogs: Sequence[StoredCatalog]) -> str:
    told = differences(store, catalogs)
    lines = (
        f"  {c.described}{': ' + told[c.digest] if told[c.digest] else ''}, made {c.last.time[:16]}"
        for c in catalogs
    )
    return "\n".join([f"{what}; name one of them:", *lines])


def _given_names(store: ReadableStore) -> defaultdict[str, list[str]]:
    """Return the names that catalogs, and runs of imported picks, were given by digest."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, digest in names_of(store, _KIND).items():
        found[digest].append(name)
    return found


def _plain(text: str) -> str:
    """Return a text as a name: other characters are replaced by '-'."""
    return _OTHER.sub("-", text).strip("-.")[:_LONGEST]


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a record, without long lists such as the sites."""
    for key, value in record.items():
        if key in _NOT_SETTINGS:
            continue
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            yield name, tuple(map(str, value))
        else:
            yield name, value


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(value) if len(value) < 4 else f"({len(value)} entries)"
    if isinstance(value, str) and len(value) > 16:
        return f"{value[:8]}..."
    return "-" if value in (None, "") else str(value)
