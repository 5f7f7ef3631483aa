"""How a person is told what quality control left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

__all__ = ["WithRejected", "told_flags"]

WithRejected = Annotated[
    bool,
    typer.Option("--with-rejected", help="Include the events that quality control rejects."),
]


def told_flags(flags: Mapping[str, int], rejected: int) -> str:
    """Return how often each criterion was not met, and how many events are rejected."""
    counts = ", ".join(f"{name} {n:,}" for name, n in sorted(flags.items()))
    return f"{counts} ({rejected:,} events rejected)" if rejected else counts
