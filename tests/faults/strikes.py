"""What strikes a run, and what has to follow."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from faults.campaigns import PATIENCE_S, Scene
from faults.processes import Command

__all__ = ["KILLS", "STOPS", "Life", "Strike", "Tally"]

_DEATHS = 2
"""Workers killed in one run: a unit whose worker dies a third time fails, and that is right."""
_LATE = (-signal.SIGTERM, -signal.SIGINT)
"""Exit codes of a process that leaves already, and does not listen any more."""
_DONE = ("events in", "nothing to do")
"""What a run says when it has done its work."""


class Strike(StrEnum):
    """What happens to a run."""

    WORKER = "a worker killed"
    PARENT = "the parent killed"
    BOTH = "the parent and a worker killed"
    GROUP = "all processes killed"
    TERM = "SIGTERM to the parent"
    TERM_ALL = "SIGTERM to all processes"
    CTRL_C = "Ctrl-C"
    IMPATIENT = "Ctrl-C several times"


KILLS = (Strike.WORKER, Strike.PARENT, Strike.BOTH, Strike.GROUP)
STOPS = (Strike.TERM, Strike.TERM_ALL, Strike.CTRL_C, Strike.IMPATIENT)


@dataclass(slots=True)
class Tally:
    """What came of the strikes so far."""

    struck: Counter[Strike] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    left: int = 0
    """Files of killed writers that nobody reads."""
    readings: int = 0
    rounds: int = 0
    slowest_s: float = 0.0
    """The longest time that a run took to stop, with all its processes."""
    wrong: list[str] = field(default_factory=list)
    """What was not as it must be."""


class Life:
    """One run, and what strikes it."""

    def __init__(self, scene: Scene, run: Command, tally: Tally) -> None:
        self._scene = scene
        self._run = run
        self._tally = tally
        self._deaths = 0

    def ends_by_itself(self, strikes: Sequence[Strike], count: int) -> bool:
        """Strike until it ends; tell whether nothing but its work has ended it."""
        chance = self._scene.chance
        while self._tally.struck.total() < count:
            if self._run.ends_within(chance.uniform(0, self._scene.life_s)):
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
        some = [self._scene.chance.choice(workers)] if workers else []
        if strike == Strike.GROUP:
            run.kill_group()
        elif strike == Strike.CTRL_C:
            run.kill_group(signal.SIGINT)
        elif strike == Strike.IMPATIENT:
            for _ in range(4):
                run.kill_group(signal.SIGINT)
                run.ends_within(self._scene.chance.uniform(0, 0.3))
        elif strike == Strike.TERM_ALL:
            run.kill_group(signal.SIGTERM)
        elif strike == Strike.TERM:
            run.kill([run.pid], signal.SIGTERM)
        else:
            own = [] if strike == Strike.WORKER else [run.pid]
            run.kill([*own, *([] if strike == Strike.PARENT else some)])

    def _stopped(self, strike: Strike) -> bool:
        begin, limit_s = time.monotonic(), self._scene.limit_s
        is_gone = self._run.ends_within(limit_s) and self._run.is_alone_within(limit_s)
        self._tally.slowest_s = max(self._tally.slowest_s, time.monotonic() - begin)
        if not is_gone:
            self._complain(f"{strike}: not gone after {limit_s:.1f} s")
            self._run.kill_group()
        code = self._scene.commands.exit_code(self._run)
        said = self._run.log.read_text()
        if strike in KILLS:
            return False
        is_late = code in _LATE and any(words in said for words in _DONE)
        if not (code in (0, 130) or is_late) or "Traceback" in said:
            self._complain(f"{strike}: exit code {code}, it said {said[-2000:]}")
        return code == 0

    def _ended(self) -> bool:
        """Let it come to its end."""
        if not self._run.ends_within(PATIENCE_S):
            self._complain(f"hangs after {self._deaths} deaths of workers")
            self._run.kill_group()
        code = self._scene.commands.exit_code(self._run)
        if not self._run.is_alone_within(self._scene.limit_s):
            self._complain("a process is left when a run has ended")
            self._run.kill_group()
        if code:
            self._complain(f"exit code {code} after {self._deaths} deaths of workers: "
                           f"{self._run.log.read_text()[-2000:]}")  # fmt: skip
        return code == 0

    def _complain(self, words: str) -> None:
        self._tally.wrong.append(words)
