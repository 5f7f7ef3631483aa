"""``python -m benchmarks.seams``: effect of block boundaries on a catalog.

Dense picks, real and synthetic, are associated in a single run and in blocks of several lengths and
halos.  The events of the blocks are compared with those of the single run and, near boundaries and
elsewhere, with known earthquakes.
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.dense_picks import Dense, made_up, real
from benchmarks.measure import machine
from epicat._util.files import cache_folder
from epicat.association.associator import Associator, SitePick
from epicat.association.candidates import Candidate, Needs, exclusive
from epicat.association.stitch import events_of
from epicat.model import Span
from epicat.synthetic.scoring import match
from epicat.time import SECOND_NS

__all__ = ["Counts", "compare", "in_blocks"]

_NEAR_NS = 300 * SECOND_NS
_SAME_NS = SECOND_NS // 1000
_LATE_NS, _FAR_KM = 2 * SECOND_NS, 10.0
_HALOS_S = (None, 600, 120)
_HOURS = (0.5, 1.3)


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of blocks compared with those of a single run and with known earthquakes."""

    seams: int
    """Seams between blocks."""
    events: int
    """Events of the long run."""
    lost: int
    """Of these: none in the blocks has most of its picks."""
    doubled: int
    """Events of the blocks beyond one for each of the long run's, or like none of these."""
    changed: int
    """There, but with other picks or another origin time."""
    true_near: tuple[int, int]
    """Known events near seams: how many there are, and how many are found."""
    true_far: tuple[int, int]
    """Known events elsewhere: the same."""


def main() -> None:
    asked = _arguments()
    if not (asked.data / "ridgecrest").is_dir():
        raise SystemExit(f"seams need the picks in {asked.data / 'ridgecrest'}: not there")
    folder = asked.data / "ridgecrest"
    print(_HEAD.format(machine=machine()))
    for dense in (made_up(folder, 2, asked.rate), real(folder, asked.hours)):
        needs = Needs.from_pyocto(dense.design.pyocto)
        associator = _Remembering(Associator(dense.design, cache_folder("traveltimes")))
        whole = exclusive(associator.associate(dense.picks), needs)
        for hours in _HOURS:
            for halo_s in _HALOS_S:
                halo_ns = dense.design.halo_ns if halo_s is None else halo_s * SECOND_NS
                length_ns = round(hours * 3600) * SECOND_NS
                found, seams = in_blocks(associator, dense.picks, length_ns, halo_ns, needs)
                counts = compare(whole, found, seams, dense)
                print(_row(dense, hours, halo_ns, counts), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seams", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--hours", type=int, default=3, help="hours of real picks")
    parser.add_argument("--rate", type=int, default=100, help="synthetic earthquakes per hour")
    return parser.parse_args()


class Associates(Protocol):
    """Protocol of an associator."""

    def associate(self, picks: Sequence[SitePick]) -> list[Candidate]:
        """Return candidates in the order of time."""
        ...


def in_blocks(
    associator: Associates,
    picks: Sequence[SitePick],
    length_ns: int,
    halo_ns: int,
    needs: Needs,
) -> tuple[list[Candidate], list[int]]:
    """Return the events of picks associated in blocks, and the block boundaries."""
    times = [pick.time_ns for pick in picks]
    numbers = range(times[0] // length_ns - 1, times[-1] // length_ns + 2)
    runs = []
    for number in numbers:
        low = bisect_left(times, number * length_ns - halo_ns)
        high = bisect_left(times, (number + 1) * length_ns + halo_ns)
        runs.append(associator.associate(picks[low:high]))
    found = []
    for number, *three in zip(numbers[1:], runs, runs[1:], runs[2:], strict=False):
        block = Span(number * length_ns, (number + 1) * length_ns)
        found += events_of(block, (three[0], three[1], three[2]), needs)
    return found, [number * length_ns for number in numbers[2:-1]]


def compare(
    whole: Sequence[Candidate], found: Sequence[Candidate], seams: Sequence[int], dense: Dense
) -> Counts:
    """Compare the events of blocks with those of a single run and with known earthquakes."""
    owner = {pick.pick_id: event for event, c in enumerate(whole) for pick in c.picks}
    like: dict[int, list[Candidate]] = defaultdict(list)
    strange = 0
    for candidate in found:
        shared = Counter(owner[p.pick_id] for p in candidate.picks if p.pick_id in owner)
        event, count = shared.most_common(1)[0] if shared else (-1, 0)
        if 2 * count > len(candidate.picks):
            like[event].append(candidate)
        else:
            strange += 1
    at_seam = np.array([_near(int(time), seams) for time in dense.times_ns])
    is_found = _found(found, dense)
    return Counts(
        seams=len(seams),
        events=len(whole),
        lost=sum(not like[n] for n in range(len(whole))),
        doubled=strange + sum(max(len(some) - 1, 0) for some in like.values()),
        changed=sum(bool(like[n]) and not _same(c, like[n][0]) for n, c in enumerate(whole)),
        true_near=(int(at_seam.sum()), int((at_seam & is_found).sum())),
        true_far=(int((~at_seam).sum()), int((~at_seam & is_found).sum())),
    )


def _near(time_ns: int, seams: Sequence[int]) -> bool:
    return any(abs(time_ns - seam) <= _NEAR_NS for seam in seams)


def _same(one: Candidate, other: Candidate) -> bool:
    ids = [{pick.pick_id for pick in c.picks} for c in (one, other)]
    return ids[0] == ids[1] and abs(one.time_ns - other.time_ns) < _SAME_NS


def _found(found: Sequence[Candidate], dense: Dense) -> NDArray[np.bool_]:
    """Return which known earthquakes match an event within 2 s and 10 km, one to one."""
    times = np.array([c.time_ns for c in found], np.int64)
    places = np.array([(c.x_km, c.y_km) for c in found]).reshape(-1, 2)

    def cost(mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.float64]:
        away = np.linalg.norm(dense.places_km[mine] - places[theirs], axis=-1) / _FAR_KM
        return np.where(away > 1, 2.0, away)

    pairs = match(dense.times_ns, times, _LATE_NS, cost)
    is_found = np.zeros(len(dense.times_ns), bool)
    is_found[[mine for mine, _ in pairs]] = True
    return is_found


class _Remembering:
    """An associator that caches slices, so that a table of many halos takes minutes."""

    def __init__(self, associator: Associator) -> None:
        self._associator = associator
        self._kept: dict[tuple[str, ...], list[Candidate]] = {}

    def associate(self, picks: Sequence[SitePick]) -> list[Candidate]:
        found = []
        for part in self._associator.slicing.cut(picks):
            key = tuple(pick.pick_id for pick in part.picks)
            if key not in self._kept:
                self._kept[key] = self._associator.associate_slice(part)
            found += self._kept[key]
        return sorted(found, key=lambda c: (c.time_ns, c.picks))


_HEAD = """Near a seam is within five minutes. {machine}.

| picks | blocks, h | halo, s | seams | events of one run | lost | doubled | changed \
| known near seams: found | elsewhere |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def _row(dense: Dense, hours: float, halo_ns: int, counts: Counts) -> str:
    (near, near_found), (far, far_found) = counts.true_near, counts.true_far
    return (
        f"| {dense.name} | {hours:g} | {halo_ns / SECOND_NS:.0f} | {counts.seams} "
        f"| {counts.events} | {counts.lost} | {counts.doubled} | {counts.changed} "
        f"| {near_found} of {near}, {near_found / max(near, 1):.0%} "
        f"| {far_found} of {far}, {far_found / max(far, 1):.0%} |"
    )


if __name__ == "__main__":
    main()
