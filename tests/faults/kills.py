"""Runs that are killed at random moments and run again; and two runs at once on one store.

A round is a fresh store: a run is struck at a random moment of its life, then the same command is
run again and struck, until one comes to its end by itself.  Then the store must say what an
undisturbed run says, row for row.  All the while a reader looks into the store.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from epicat.store.open import open_store
from faults.campaigns import Scene, prepare
from faults.places import KINDS
from faults.processes import commands
from faults.rivals import rivals
from faults.rows import Reader, left_behind
from faults.strikes import KILLS, STOPS, Life, Strike, Tally
from faults.trial import Form, Trial

__all__ = ["PARTS", "struck", "trials"]

PARTS = tuple(KINDS)
"""What may be tried apart: kinds of places."""
_COUNTS = {
    Form.SHORT: {"folder": (10, 2, 1), "bucket": (5, 1, 0), "database": (5, 1, 0)},
    Form.LONG: {"folder": (200, 30, 10), "bucket": (150, 30, 10), "database": (150, 30, 10)},
}
"""Kills, stops and pairs of runs, for each kind of place."""
_ENOUGH = 9
"""Troubles after which a trial is given up."""


def trials(form: Form, folder: Path, parts: Iterable[str] = PARTS) -> Iterator[Trial]:
    """Yield a trial of kills, one of stops and one of two runs at once, for each kind of place."""
    ground = prepare(folder / "network")
    with commands(folder / "logs") as started:
        for part in parts:
            kills, stops, pairs = _COUNTS[form][part]
            with KINDS[part](folder) as place:
                scene = Scene.from_parts(place, started, ground)
                yield struck(scene, "killed", KILLS, kills)
                yield struck(scene, "stopped", STOPS, stops)
                if pairs:
                    yield rivals(scene, pairs)


def struck(scene: Scene, name: str, strikes: Sequence[Strike], count: int) -> Trial:
    """Strike so many times; return what it cost."""
    begin = time.monotonic()
    tally = Tally()
    while tally.struck.total() < count and len(tally.wrong) < _ENOUGH:
        _round(scene, strikes, count, tally)
    survived = max(tally.struck.total() - len(tally.wrong), 0)
    remark = (
        f"{tally.rounds} ran to the end, {tally.readings:,} readings; "
        f"gone within {tally.slowest_s:.1f} s; {tally.left} files left"
    )
    return Trial(
        what=f"runs {name}, {scene.place.name}",
        tried=tally.struck.total(),
        survived=survived,
        lost=tally.lost,
        doubled=tally.doubled,
        seconds=time.monotonic() - begin,
        remark="; ".join([remark, *(" ".join(words.split())[:500] for words in tally.wrong[:3])]),
    )


def _round(scene: Scene, strikes: Sequence[Strike], count: int, tally: Tally) -> None:
    """Run on a fresh store and strike, again and again, until a run ends by itself."""
    location = scene.place.fresh()
    with Reader(location, scene.right) as reader:
        is_done = False
        while not is_done and len(tally.wrong) < _ENOUGH:
            is_done = Life(scene, scene.start(location), tally).ends_by_itself(strikes, count)
    tally.rounds += 1
    tally.readings += reader.readings
    tally.wrong += reader.wrong
    lost, doubled = scene.cost(location)
    if lost or doubled:
        tally.wrong.append(f"{location}: {lost} rows lost, {doubled} too many")
    tally.left += left_behind(open_store(location))
    tally.lost += lost
    tally.doubled += doubled
