"""The events that workers send to the client, which carry plain data only.

``{"key": ...}`` reports a finished key of a unit that is running.
``{"task": ..., "outcomes": ...}`` has the outcomes of the units of a task, which ends next: without
the units, which the client has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from epicat.ledger import Stage
from epicat.pipeline.outcome import FinishedKey, Outcome
from epicat.pipeline.plan import Unit

__all__ = ["counts_of", "key_of", "outcome_of", "plain_key"]

_COUNTS = tuple(field.name for field in fields(Outcome) if field.name != "unit")


def counts_of(outcome: Outcome) -> dict[str, Any]:
    """Return the fields of an outcome without its unit, as plain data."""
    counts = {name: getattr(outcome, name) for name in _COUNTS}
    return {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in counts.items()
    }


def outcome_of(unit: Unit, counts: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a unit from its counts."""
    return Outcome(unit, **counts)


def plain_key(finished: FinishedKey) -> dict[str, Any]:
    """Return a finished key as plain data."""
    return {**asdict(finished), "stage": finished.stage.value}


def key_of(plain: Mapping[str, Any]) -> FinishedKey:
    """Return a finished key from plain data."""
    return FinishedKey(**{**plain, "stage": Stage(plain["stage"])})
