"""Two runs of one campaign at once on one store, cut in different ways; one of them killed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from faults.campaigns import CUTS, PATIENCE_S, Scene
from faults.processes import Command
from faults.rows import Reader
from faults.trial import Trial

__all__ = ["rivals"]


def rivals(scene: Scene, pairs: int) -> Trial:
    """Let pairs of runs begin together; kill one of every second pair, and run it again."""
    begin = time.monotonic()
    lost = doubled = 0
    wrong: list[str] = []
    for number in range(pairs):
        location = scene.place.fresh()
        with Reader(location, scene.right) as reader:
            runs = [scene.start(location, cut) for cut in range(len(CUTS))]
            if number % 2 == 0:
                _disturb(scene, location, runs)
            trouble = [words for run in runs for words in _ended(scene, run)]
        missing, surplus = scene.cost(location)
        lost, doubled = lost + missing, doubled + surplus
        trouble += reader.wrong
        if missing or surplus:
            trouble.append(f"{location}: {missing} rows lost, {surplus} too many")
        wrong += trouble[:1]
    return Trial(
        what=f"two runs at once, {scene.place.name}",
        tried=pairs,
        survived=pairs - len(wrong),
        lost=lost,
        doubled=doubled,
        seconds=time.monotonic() - begin,
        remark="; ".join(
            [
                "cut in different ways, one of every second pair killed",
                *(" ".join(words.split())[:500] for words in wrong[:3]),
            ]
        ),
    )


def _disturb(scene: Scene, location: str, runs: list[Command]) -> None:
    """Kill one of the runs, and begin it again."""
    struck = scene.chance.randrange(len(runs))
    if not runs[struck].ends_within(scene.chance.uniform(0, scene.life_s)):
        runs[struck].kill_group()
        runs[struck].ends_within(PATIENCE_S)
        scene.commands.exit_code(runs[struck])
        runs[struck] = scene.start(location, struck)


def _ended(scene: Scene, run: Command) -> Sequence[str]:
    """Wait for a run; return what is wrong with its end."""
    hangs = not run.ends_within(PATIENCE_S)
    if hangs:
        run.kill_group()
    code = scene.commands.exit_code(run)
    if hangs or code:
        return [f"exit code {code}: {run.log.read_text()[-2000:]}"]
    return [] if run.is_alone_within(scene.limit_s) else ["a process is left"]
