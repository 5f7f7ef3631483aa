"""Runs that are killed at random moments and run again; and two runs at once on one store.

A round is a fresh store: a run is struck at a random moment of its life, then the same command is
run again and struck, until one comes to its end by itself.  Then the store must say what an
undisturbed run says, row for row.  All the while a reader looks into the store.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from epicat.store.open import open_store
from torture.campaigns import Ground, prepare
from torture.places import KINDS, Place
from torture.processes import Command, Commands, commands
from torture.rivals import rivals
from torture.rows import Reader, rows_of
from torture.trial import Form, Trial, difference

__all__ = ["LIMIT_S", "Strike", "trials"]

LIMIT_S = 5.0
"""How long a run that was told to stop, or a worker without its parent, may take to end."""
_PATIENCE_S = 120.0
"""How long a run that is left alone may take, on a machine that has other things to do."""
_DEATHS = 2
"""Workers killed in one run: a unit whose worker dies a third time fails, and that is right."""
_SEED = 7
_CUT = ("--stations-per-unit", "1", "--days-per-unit", "1", "--window-days", "1", "--workers", "2")


class Strike(StrEnum):
    """What happens to a run."""

    WORKER = "a worker killed"
    PARENT = "the parent killed"
    BOTH = "the parent and a worker killed"
    GROUP = "all processes killed"
    TERM = "SIGTERM to the parent"
    TERM_ALL = "SIGTERM to all processes"
    CTRL_C = "Ctrl-C"


KILLS = (Strike.WORKER, Strike.PARENT, Strike.BOTH, Strike.GROUP)
STOPS = (Strike.TERM, Strike.TERM_ALL, Strike.CTRL_C)
_COUNTS = {Form.SHORT: ((10, 3), (5, 2), (5, 2)), Form.LONG: ((200, 30), (150, 30), (150, 30))}
"""Kills and stops, for each kind of place."""


def trials(form: Form, folder: Path) -> Iterator[Trial]:
    """Yield a trial of kills, one of stops and one of two runs at once, for each kind of store."""
    ground = prepare(folder / "network", days=2 if form == Form.SHORT else 4)
    with commands(folder / "logs") as started:
        for kind, counts in zip(KINDS, _COUNTS[form], strict=True):
            with kind(folder) as place:
                field_ = Field(place, started, ground, random.Random(_SEED))
                field_.look()
                for name, strikes, count in zip(
                    ("killed", "stopped"), (KILLS, STOPS), counts, strict=True
                ):
                    yield struck(field_, name, strikes, count)
                yield rivals(field_, form)


@dataclass(slots=True)
class Field:
    """A place, a campaign and what it gives undisturbed."""

    place: Place
    commands: Commands
    ground: Ground
    chance: random.Random
    right: Counter[str] = field(default_factory=Counter)
    """What a store has to say at the end."""
    life_s: float = 0.0
    """How long an undisturbed run takes."""

    def start(self, location: str, cut: Sequence[str] = _CUT) -> Command:
        """Start a run on a store."""
        environment = {**self.place.environment, "EPICAT_STORE": location}
        return self.commands.start(self.ground.arguments(*cut), environment)

    def look(self) -> None:
        """Let a run come to its end, and keep what it gives."""
        location = self.place.fresh()
        begin = time.monotonic()
        run = self.start(location)
        if not run.ends_within(_PATIENCE_S) or self.commands.exit_code(run):
            raise RuntimeError(f"an undisturbed run failed: {run.log.read_text()}")
        self.life_s = time.monotonic() - begin
        self.right = Counter(rows_of(open_store(location)))


@dataclass(slots=True)
class Tally:
    """What came of the strikes so far."""

    struck: Counter[Strike] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    readings: int = 0
    rounds: int = 0
    slowest_s: float = 0.0
    """The longest time that a run took to stop, with all its processes."""
    wrong: list[str] = field(default_factory=list)
    """What was not as it must be."""


def struck(field_: Field, name: str, strikes: Sequence[Strike], count: int) -> Trial:
    """Strike so many times; return what it cost."""
    begin = time.monotonic()
    tally = Tally()
    while tally.struck.total() < count:
        _round(field_, strikes, count, tally)
    survived = max(tally.struck.total() - len(tally.wrong), 0)
    remark = (
        f"{tally.rounds} times to the end, {tally.readings} readings meanwhile; "
        f"all processes gone within {tally.slowest_s:.1f} s"
    )
    return Trial(
        what=f"runs {name}, {field_.place.name}",
        tried=tally.struck.total(),
        survived=survived,
        lost=tally.lost,
        doubled=tally.doubled,
        seconds=time.monotonic() - begin,
        remark="; ".join([remark, *tally.wrong[:3]]),
    )


def _round(field_: Field, strikes: Sequence[Strike], count: int, tally: Tally) -> None:
    """Run on a fresh store and strike, again and again, until a run ends by itself."""
    location = field_.place.fresh()
    with Reader(location, field_.right) as reader:
        while not _Life(field_, field_.start(location), tally).ends_by_itself(strikes, count):
            pass
    tally.rounds += 1
    tally.readings += reader.readings
    tally.wrong += reader.wrong
    lost, doubled = difference(field_.right, Counter(rows_of(open_store(location))).elements())
    if lost or doubled:
        tally.wrong.append(f"{location}: {lost} rows lost, {doubled} too many")
    tally.lost += lost
    tally.doubled += doubled


class _Life:
    """One run, and what strikes it."""

    def __init__(self, field_: Field, run: Command, tally: Tally) -> None:
        self._field = field_
        self._run = run
        self._tally = tally
        self._deaths = 0

    def ends_by_itself(self, strikes: Sequence[Strike], count: int) -> bool:
        """Strike until it ends; tell whether nothing but its work has ended it."""
        chance = self._field.chance
        while self._tally.struck.total() < count:
            if self._run.ends_within(chance.uniform(0, self._field.life_s)):
                break
            possible = [s for s in strikes if s != Strike.WORKER or self._deaths < _DEATHS]
            strike = chance.choice(possible)
            workers = self._run.workers()
            if strike == Strike.WORKER and not workers:
                strike = Strike.PARENT
            self._tally.struck[strike] += 1
            self._hit(strike, workers)
            if strike != Strike.WORKER:
                return self._stopped(strike)
            self._deaths += 1
        return self._ended()

    def _hit(self, strike: Strike, workers: Sequence[int]) -> None:
        run = self._run
        some = [self._field.chance.choice(workers)] if workers else []
        if strike == Strike.GROUP:
            run.kill_group()
        elif strike == Strike.CTRL_C:
            run.kill_group(signal.SIGINT)
        elif strike == Strike.TERM_ALL:
            run.kill_group(signal.SIGTERM)
        elif strike == Strike.TERM:
            run.kill([run.pid], signal.SIGTERM)
        else:
            own = [] if strike == Strike.WORKER else [run.pid]
            run.kill([*own, *([] if strike == Strike.PARENT else some)])

    def _stopped(self, strike: Strike) -> bool:
        begin = time.monotonic()
        is_gone = self._run.ends_within(LIMIT_S) and self._run.is_alone_within(LIMIT_S)
        self._tally.slowest_s = max(self._tally.slowest_s, time.monotonic() - begin)
        if not is_gone:
            self._complain(f"{strike}: not gone after {LIMIT_S} s")
            self._run.kill_group()
        code = self._field.commands.exit_code(self._run)
        said = self._run.log.read_text()
        if strike in KILLS:
            return False
        if code not in (0, 130) or "Traceback" in said:
            self._complain(f"{strike}: exit code {code}, it said {said[-2000:]}")
        return code == 0

    def _ended(self) -> bool:
        """Let it come to its end."""
        if not self._run.ends_within(_PATIENCE_S):
            self._complain(f"hangs after {self._deaths} deaths of workers")
            self._run.kill_group()
        code = self._field.commands.exit_code(self._run)
        if not self._run.is_alone_within(LIMIT_S):
            self._complain("a process is left when a run has ended")
            self._run.kill_group()
        if code:
            self._complain(f"exit code {code} after {self._deaths} deaths of workers: "
                           f"{self._run.log.read_text()[-2000:]}")  # fmt: skip
        return code == 0

    def _complain(self, words: str) -> None:
        self._tally.wrong.append(words)
