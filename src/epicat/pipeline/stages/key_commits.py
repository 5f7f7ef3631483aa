"""When the keys of a unit are committed: together, or each one when it is finished.

A store of files commits a unit at once, so that it has few files; its journal keeps the keys that
are finished until then.  Another store commits each key.  Either way a kill loses only the key
that is being computed, and each key is committed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from epicat.pipeline.plan import Unit
from epicat.pipeline.stages.key_result import KeyResult, save, save_generation
from epicat.store.base import Store
from epicat.store.journal import Journal, Journaled

__all__ = ["KeyCommits", "commits_of"]


class KeyCommits(Protocol):
    """Keeps the finished keys of one unit safe, and commits them."""

    def restored(self) -> dict[str, list[KeyResult]]:
        """Return the results that an interrupted run of the keys has left."""
        ...

    def finished(self, key: str, results: Sequence[KeyResult]) -> None:
        """Keep the results of a key, or commit them."""
        ...

    def complete(self, results: Iterable[KeyResult], generation: str) -> None:
        """Commit the results of all keys that are not committed."""
        ...


def commits_of(store: Store, unit: Unit, design: str) -> KeyCommits:
    """Return how the keys of a unit are committed in a store; ``design`` names the journal."""
    if not isinstance(store, Journaled):
        return _EachKey(store)
    return _Together(store, unit, store.journal(design) if len(unit.keys) > 1 else None)


class _EachKey:
    """Commits each key when it is finished."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def restored(self) -> dict[str, list[KeyResult]]:
        return {}

    def finished(self, key: str, results: Sequence[KeyResult]) -> None:
        del key
        if kept := [result for result in results if result.is_kept]:
            save_generation(self._store, kept)

    def complete(self, results: Iterable[KeyResult], generation: str) -> None:
        del results, generation


class _Together:
    """Commits all keys at once; a journal keeps the finished ones until then."""

    def __init__(self, store: Store, unit: Unit, journal: Journal | None) -> None:
        self._store = store
        self._unit = unit
        self._journal = journal
        self._kept: set[str] = set()

    def restored(self) -> dict[str, list[KeyResult]]:
        found = self._journal.find(self._unit.keys) if self._journal else {}
        self._kept.update(found)  # also those that cannot be used
        return {
            key: [KeyResult(entry, rows) for entry, rows in results]
            for key, results in found.items()
        }

    def finished(self, key: str, results: Sequence[KeyResult]) -> None:
        is_last = key == self._unit.keys[-1]
        kept = [(result.entry, result.rows) for result in results if result.is_kept]
        if self._journal is None or is_last or not kept:  # the commit of the last key comes next
            return
        self._journal.keep(key, kept)
        self._kept.add(key)

    def complete(self, results: Iterable[KeyResult], generation: str) -> None:
        named = [
            replace(result, entry=replace(result.entry, generation=generation))
            for result in results
            if result.is_kept
        ]
        save(self._store, named, generation)
        if self._journal is not None and self._kept:
            self._journal.forget(self._kept)
