"""The campaign that is disturbed: many small units, done in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tiny_network import arguments, truths, write_network

__all__ = ["Ground", "prepare"]

_EVENTS = (-300, -1.0, 420)
_MIDNIGHT = date(2020, 1, 2)


@dataclass(frozen=True, slots=True)
class Ground:
    """Waveforms and the command that makes a catalog of them."""

    folder: Path
    days: int

    def arguments(self, *cut: str) -> list[str]:
        """Return the command; its store is named by the environment."""
        first = _MIDNIGHT - timedelta(days=self.days // 2)
        given = arguments(self.folder, Path("nowhere"), *cut)
        given[:2] = [first.isoformat(), (first + timedelta(days=self.days)).isoformat()]
        at = given.index("--store")
        return ["run", *given[:at], *given[at + 2 :]]


def prepare(folder: Path, days: int, events: Sequence[float] = _EVENTS) -> Ground:
    """Write the waveforms of half an hour around a midnight."""
    write_network(folder, truths(events), around_s=1800)
    return Ground(folder, days)
