"""Whether a job is tried again: AWS Batch's retry strategy.

By "Automated job retries" of the AWS Batch User Guide and `EvaluateOnExit` of its API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended."""

    exit_code: int | None
    """Of the container; None if it never ran."""
    status_reason: str
    """Why the task stopped, as Batch tells it."""
    reason: str = ""
    """Why the container failed, if it gave a reason."""
    final: bool = False
    """Terminated or out of time: never tried again."""

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.final


def is_retried(strategy: Mapping[str, Any], attempt: int, ended: Ended) -> bool:
    """Return whether another attempt follows; ``attempt`` counts from 1."""
    if ended.succeeded or ended.final or attempt >= int(strategy.get("attempts", 1)):
        return False
    for rule in strategy.get("evaluateOnExit", []):
        if _matches(rule, ended):
            return str(rule["action"]).upper() == "RETRY"
    return True


def _matches(rule: Mapping[str, Any], ended: Ended) -> bool:
    actual = {
        "onStatusReason": ended.status_reason,
        "onReason": ended.reason,
        "onExitCode": "" if ended.exit_code is None else str(ended.exit_code),
    }
    return all(_fits(rule[name], text) for name, text in actual.items() if name in rule)


def _fits(pattern: str, text: str) -> bool:
    """Match a whole text, or its beginning where the pattern ends in an asterisk."""
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
