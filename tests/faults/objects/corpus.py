"""Bad objects by the thousand: each a station of its own in the archive of the tiny network."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from epicat.time import day_name
from faults.objects.beside import PLACES
from faults.objects.headers import records_of, renamed
from faults.objects.mutations import MUTATIONS, Want
from faults.objects.sounds import COMPANIONS, SOURCE, Sound, path_of

__all__ = ["Bad", "mutated", "placed", "put"]


@dataclass(frozen=True, slots=True)
class Bad:
    """A bad object, and the station-day that it is all of, or the vertical component of."""

    kind: str
    """Name of the mutation or of the place."""
    station: str
    """Station code."""
    sound: Sound
    """What was damaged."""
    accompanied: bool
    """Whether sound horizontal components lie beside it."""
    body: bytes | None
    """The bytes; None for what is no plain file."""

    @property
    def key(self) -> str:
        """The station-day."""
        return f"XX.{self.station}/{day_name(self.sound.day)}"

    @property
    def want(self) -> Want:
        """What must become of it."""
        return MUTATIONS[self.kind].want if self.kind in MUTATIONS else PLACES[self.kind].want


def mutated(sounds: Sequence[Sound], count: int, seed: int) -> Iterator[Bad]:
    """Return damaged objects, every mutation as often as every other."""
    rng = random.Random(seed)
    kinds = list(MUTATIONS)
    for number in range(count):
        kind, sound = kinds[number % len(kinds)], rng.choice(sounds)
        station = f"B{number:04d}"
        body = MUTATIONS[kind].make(rng, sound.of(station))
        yield Bad(kind, station, sound, rng.random() < 0.5, body)


def placed(sounds: Sequence[Sound], rounds: int) -> Iterator[Bad]:
    """Return everything that is no plain file, alone and accompanied."""
    every = [(kind, alone) for kind in PLACES for alone in (False, True)] * rounds
    for number, (kind, alone) in enumerate(every):
        yield Bad(kind, f"P{number:04d}", sounds[number % len(sounds)], not alone, None)


def put(bad: Bad, folder: Path) -> None:
    """Put an object and its companions into the archive of the tiny network."""
    if bad.accompanied:
        for channel in COMPANIONS:
            _copy(folder, channel, bad)
    path = path_of(folder, bad.station, "HHZ", bad.sound.day)
    path.parent.mkdir(parents=True, exist_ok=True)
    if bad.body is not None:
        path.write_bytes(bad.body)
    else:
        PLACES[bad.kind].make(path, b"".join(bad.sound.of(bad.station)))


def _copy(folder: Path, channel: str, bad: Bad) -> None:
    source = path_of(folder, SOURCE, channel, bad.sound.day)
    target = path_of(folder, bad.station, channel, bad.sound.day)
    target.parent.mkdir(parents=True)
    sound = records_of(source.read_bytes())
    target.write_bytes(b"".join(renamed(record, station=bad.station) for record in sound))
