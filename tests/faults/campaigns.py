"""The campaign that is disturbed: many small units, done in seconds."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from epicat.store.open import open_store
from faults.places import Place
from faults.processes import Command, Commands
from faults.rows import rows_of
from faults.trial import difference
from support.tiny_network import arguments, truths, write_network

__all__ = ["CUTS", "PATIENCE_S", "Scene", "asked", "prepare"]

PATIENCE_S = 300.0
"""How long a run that is left alone may take, on a machine that has other things to do."""
CUTS = (
    ("--stations-per-unit", "1", "--days-per-unit", "1", "--window-days", "1"),
    ("--stations-per-unit", "3", "--days-per-unit", "2", "--window-days", "2"),
)
"""Two ways to cut the campaign into units; the first has a unit for each station-day."""
_WORKERS = (1, 2, 2)
_EVENTS = (-300, -1.0, 60.5)
_AROUND_S = 400
_LIMIT_S = 5.0
_MORE = 1.2
_SEED = 7
_PLACES = {"start": 1, "end": 2}


def prepare(folder: Path) -> Path:
    """Write the waveforms of some minutes around a midnight, with a few events; return where."""
    write_network(folder, truths(_EVENTS), _AROUND_S)
    return folder


FLAT = "*.*.*.*=1e6"
"""A response for all channels, so that amplitudes are measured as well."""


def asked(network: Path, *more: str, **changed: str) -> list[str]:
    """Return the arguments with which `epicat` does the campaign.

    ``changed`` are other values than the usual ones: of ``start``, ``end`` and options that have
    one word.  Without a ``store``, `epicat` is left to find it in its environment.
    """
    given = ["run", *arguments(network, Path("unknown"), "--flat-response", FLAT, *more)]
    for name, value in changed.items():
        at = _PLACES.get(name) or given.index(f"--{name}") + 1
        given[at] = value
    if "store" not in changed:
        at = given.index("--store")
        del given[at : at + 2]
    return given


@dataclass(frozen=True, slots=True)
class Scene:
    """A place, a campaign and what it gives undisturbed."""

    place: Place
    commands: Commands
    network: Path
    chance: random.Random
    right: Counter[str]
    """What a store has to say at the end, by row."""
    life_s: float
    """How long an undisturbed run takes, and a bit more: strikes come at any moment of it."""

    @classmethod
    def from_parts(cls, place: Place, commands: Commands, network: Path) -> Scene:
        """Let runs come to their end, and keep what they give."""
        unknown = cls(place, commands, network, random.Random(_SEED), Counter(), 0.0)
        unknown.undisturbed()  # a first one takes longer than all others: nothing is at hand yet
        life_s, location = unknown.undisturbed()
        right = Counter(rows_of(open_store(location)))
        return cls(place, commands, network, unknown.chance, right, _MORE * life_s)

    def undisturbed(self) -> tuple[float, str]:
        """Let a run on a new store come to its end; return how long it took, and the store."""
        location, begin = self.place.fresh(), time.monotonic()
        run = self.start(location)
        if not run.ends_within(PATIENCE_S) or self.commands.exit_code(run):
            raise RuntimeError(f"an undisturbed run failed: {run.log.read_text()}")
        return time.monotonic() - begin, location

    @property
    def limit_s(self) -> float:
        """How long a run that is told to stop, or a worker without its parent, may take to end."""
        return max(_LIMIT_S, self.life_s)  # longer only where everything takes longer

    def start(self, location: str, cut: int = 0) -> Command:
        """Start the run on a store."""
        workers = str(self.chance.choice(_WORKERS))
        environment = {**self.place.environment, "EPICAT_STORE": location}
        given = asked(self.network, *CUTS[cut], "--workers", workers)
        return self.commands.start(given, environment)

    def cost(self, location: str) -> tuple[int, int]:
        """Return how many rows a store lacks, and how many it has too many."""
        found = Counter(rows_of(open_store(location)))
        return difference(self.right.elements(), found.elements())
