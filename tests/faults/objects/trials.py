"""Campaigns in which many objects are bad: none may cost the others a pick, or go unreported."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from faults.objects.campaign import Done, run
from faults.objects.corpus import Bad, mutated, placed, put
from faults.objects.judge import Baseline, Fate, fate_of, rows_of, trouble_of
from faults.objects.sounds import sounds
from faults.trial import Form, Trial, difference

__all__ = ["MOST_BYTES", "trials"]

MOST_BYTES = 500 * 10**6
"""Memory that bad objects may take beyond what sound ones do."""

_SEED = 7
_COUNTS = {Form.SHORT: 105, Form.LONG: 2100}
_AT_ONCE = 350
_MISFILED = ("wrong network", "wrong station", "two years old")
"""Where names tell nothing these are sound objects, of another station or another year."""


@dataclass(slots=True)
class _Score:
    """What the campaigns so far have shown."""

    tried: int = 0
    survived: int = 0
    lost: int = 0
    doubled: int = 0
    longest_s: float = 0.0
    peak_bytes: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)


def trials(form: Form, folder: Path) -> Iterator[Trial]:
    """Give the trials of mutated objects, and of what is no plain file."""
    # The tiny bundle is installed where epicat keeps what it compiles: not the user's own place.
    os.environ.setdefault("EPICAT_CACHE", str(folder / "cache"))
    os.environ.update(OMP_NUM_THREADS="1")
    sound = sounds(folder)
    every = [(one, accompanied) for one in sound for accompanied in (False, True)]
    with_sound = [
        Bad("sound", f"B{at:04d}", one, accompanied, b"".join(one.of(f"B{at:04d}")))
        for at, (one, accompanied) in enumerate(every)
    ]
    control = _campaign(folder, with_sound)
    if control is None:
        raise RuntimeError("the campaign without a bad object did not end as it should")
    tested = _Tester(folder, control, with_sound)
    yield tested.trial("objects mutated", mutated(sound, _COUNTS[form], _SEED))
    yield tested.trial("no plain files", placed(sound[:2], 1))
    if form == Form.LONG:
        bad = (b for b in mutated(sound, _AT_ONCE, _SEED + 1) if b.kind not in _MISFILED)
        yield tested.trial("objects mutated, names tell nothing", bad, layout="files")


def _campaign(folder: Path, bad: Sequence[Bad], layout: str = "sds") -> Done | None:
    """Run a campaign over bad objects and the network's good ones; leave these alone after it."""
    for one in bad:
        put(one, folder)
    try:
        return run(folder, folder / "store", bad, layout)
    finally:
        shutil.rmtree(folder / "store", ignore_errors=True)
        for path in folder.glob("sds/*/XX/[BP]*"):
            shutil.rmtree(path)


class _Tester:
    """Compares campaigns with the one over sound objects."""

    def __init__(self, folder: Path, control: Done, with_sound: Sequence[Bad]) -> None:
        self._folder = folder
        self._control = control
        self._good = _good_ids(control)
        self._sound: Baseline = {
            (b.sound.name, b.accompanied): control.picks[b.key] for b in with_sound
        }
        if not all([self._good, *self._sound.values()]):
            raise RuntimeError("a sound object gives no pick: nothing can be seen to be lost")

    def trial(self, what: str, bad: Iterator[Bad], layout: str = "sds") -> Trial:
        """Try bad objects, some hundred in one campaign."""
        begin, score = time.monotonic(), _Score()
        while some := list(islice(bad, _AT_ONCE)):
            self._try(some, layout, score)
        beyond = max(score.peak_bytes - self._control.peak_bytes, 0)
        if beyond > MOST_BYTES:
            print(f"{what}: {beyond / 1e6:.0f} MB more than sound objects", file=sys.stderr)
            score.survived = 0
        return Trial(
            what, score.tried, score.survived, score.lost, score.doubled,
            time.monotonic() - begin,
            ", ".join(f"{score.fates[fate]:,} {fate}" for fate in Fate)
            + f"; at most {score.longest_s:.1f} s and {beyond / 1e6:.0f} MB for one",
        )  # fmt: skip

    def _try(self, bad: list[Bad], layout: str, score: _Score) -> None:
        """Run a campaign; one that breaks is tried in halves, until the culprit is alone."""
        done = _campaign(self._folder, bad, layout)
        if done is not None:
            self._judge(bad, done, score)
        elif len(bad) > 1:
            middle = len(bad) // 2
            self._try(bad[:middle], layout, score)
            self._try(bad[middle:], layout, score)
        else:
            print(f"{bad[0].kind} of {bad[0].sound.name}: broke the campaign", file=sys.stderr)
            score.tried += 1

    def _judge(self, bad: Sequence[Bad], done: Done, score: _Score) -> None:
        score.peak_bytes = max(score.peak_bytes, done.peak_bytes)
        score.longest_s = max(score.longest_s, *(e.seconds for e in done.entries.values()))
        self._count(score, difference(self._good, _good_ids(done)), "the good stations")
        for one in bad:
            score.tried += 1
            named = f"{one.kind} of {one.sound.name} ({'Z' if one.accompanied else 'alone'})"
            rows = rows_of(one, done, self._sound)
            self._count(score, rows, f"{named}: {done.entries.get(one.key)}")
            trouble = trouble_of(one, done)
            if trouble:
                print(f"{named}: {trouble}", file=sys.stderr)
                continue
            score.survived += not any(rows)
            score.fates[fate_of(one, done)] += 1

    def _count(self, score: _Score, rows: tuple[int, int], what: str) -> None:
        score.lost += rows[0]
        score.doubled += rows[1]
        if any(rows):
            print(f"{rows[0]} picks lost, {rows[1]} doubled: {what}", file=sys.stderr)


def _good_ids(done: Done) -> list[str]:
    return [i for key, ids in done.ids.items() if key.startswith("XX.ST") for i in ids]
