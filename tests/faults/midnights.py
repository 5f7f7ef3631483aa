"""Archives whose days meet in every way that day files meet: cut, straddled, overlapping, apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from epicat.association.associate_options import PyOctoOptions
from epicat.campaign.campaign import Campaign
from epicat.campaign.location import location_design
from epicat.campaign.resolve import resolve_design
from epicat.locate.options import LocateOptions
from epicat.model import Span, Station
from epicat.time import DAY_NS, SECOND_NS, day_of
from faults.uneasy import write_uneasy
from support.tiny_bundle import FULL_SCALE, RATE
from support.tiny_network import (
    MIDNIGHT,
    Truth,
    arrivals,
    associate_options,
    settled,
    stations,
    truths,
    write_mseed,
)

__all__ = [
    "BLOCK_HOURS",
    "DAYS",
    "MIDNIGHTS",
    "Habit",
    "World",
    "campaign_of",
    "habit",
    "world",
    "write",
]

DAYS = 3
"""Days of an archive; events and waveforms are around the two midnights between them."""
MIDNIGHTS = (MIDNIGHT, MIDNIGHT + DAY_NS)
BLOCK_HOURS = 4.3
"""A block's edge is 6 minutes before the first midnight."""
_AROUND_NS = 660 * SECOND_NS
_NEAR_S = (-360, 0, 240), (-150, -5, 330)
"""Seconds from each midnight at which events are: on an edge of blocks, on the first midnight, and
where their arrivals are on both sides of the second."""
_PULSE_S = 0.08
_JITTER_NS = 20_000_000
"""Two fifths of a sample."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How the day files of a station meet at a midnight."""

    late_s: float
    """The earlier file ends so long after midnight; before it, if negative."""
    early_s: float
    """The later file begins so long before midnight; after it, if negative.  In all, they overlap
    or leave a gap."""
    piece_s: float
    """The files are written in pieces of this length, each with a clock of its own."""
    jitters: bool
    """Whether the pieces' clocks are off the grid of samples."""


@dataclass(frozen=True, slots=True)
class World:
    """Earthquakes, and how their waveforms are kept."""

    events: tuple[Truth, ...]
    """Within a second of a midnight and of an edge of blocks, across a midnight, and elsewhere."""
    habits: tuple[tuple[Habit, ...], ...]
    """Of each station at each midnight."""
    rates: tuple[int, ...]
    """Samples a second of each station."""
    seed: int
    """Decides the jitter."""


def habit(random: np.random.Generator) -> Habit:
    """Draw a habit."""
    late, early = random.choice(
        [(0, 0), (3, -3), (-4, 4), (20, 20), (75, 0), (0, 75), (-0.5, -0.5), (-30, -20)]
    ) * random.uniform(0.5, 1.5)
    late, early = (round(value * RATE) / RATE for value in (late, early))
    return Habit(late, early, random.uniform(8, 40), bool(random.integers(2)))


def world(seed: int) -> World:
    """Draw a world.  At most two stations have a gap at a midnight, so that no event is lost."""
    random = np.random.default_rng(seed)
    offsets = [
        (midnight - MIDNIGHT) / SECOND_NS + near + random.uniform(-1, 1)
        for midnight, nears in zip(MIDNIGHTS, _NEAR_S, strict=True)
        for near in nears
    ]
    habits = [[habit(random) for _ in MIDNIGHTS] for _ in stations()]
    for at in range(len(MIDNIGHTS)):
        gaps = [n for n, row in enumerate(habits) if row[at].late_s + row[at].early_s < 0]
        for n in gaps[2:]:
            habits[n][at] = Habit(0, 0, 30.0, jitters=False)
    rates = [int(rate) for rate in random.choice([RATE, RATE, 2 * RATE], len(habits))]
    return World(tuple(truths(offsets)), tuple(map(tuple, habits)), tuple(rates), seed)


def write(folder: Path, of: World) -> None:
    """Write a world as ``stations.csv`` and an SDS archive."""
    rows = stations()
    lines = [f"{s.id},{s.latitude!r},{s.longitude!r},{s.elevation_m}" for s in rows]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stations.csv").write_text("\n".join(["id,latitude,longitude,elevation", *lines, ""]))
    random = np.random.default_rng(of.seed)
    for row, habits, rate in zip(rows, of.habits, of.rates, strict=True):
        for midnight, how in zip(MIDNIGHTS, habits, strict=True):
            for component in "ZNE":
                span = Span(midnight - _AROUND_NS, midnight + _AROUND_NS)
                samples = _waveform(row, component, of.events, span, rate)
                for part, first in _files(samples, rate, how):
                    start = span.start_ns + first * SECOND_NS // rate
                    path = _path(folder, row, component, midnight - (first == 0))
                    codes = (row.network, row.code, row.location, f"HH{component}")
                    write_mseed(path, codes, _pieces(part, start, rate, how, random), rate)


def _path(folder: Path, row: Station, component: str, time_ns: int) -> Path:
    day = day_of(time_ns)
    name = f"{row.network}.{row.code}.{row.location}.HH{component}.D.{day:%Y.%j}"
    path = folder / "sds" / f"{day:%Y}" / row.network / row.code / f"HH{component}.D" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _files(samples: np.ndarray, rate: int, how: Habit) -> Iterator[tuple[np.ndarray, int]]:
    """Give the samples of the earlier and of the later file, and the first's number in all."""
    middle = len(samples) // 2
    stop, start = middle + round(how.late_s * rate), middle - round(how.early_s * rate)
    yield samples[:stop], 0
    yield samples[start:], start


def _pieces(
    samples: np.ndarray, start_ns: int, rate: int, how: Habit, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, int]]:
    length = round(how.piece_s * rate)
    for first in range(0, len(samples), length):
        late = int(random.integers(-_JITTER_NS, _JITTER_NS)) * RATE // rate if how.jitters else 0
        yield samples[first : first + length], start_ns + first * SECOND_NS // rate + late


def _waveform(
    row: Station, component: str, events: Sequence[Truth], span: Span, rate: int
) -> np.ndarray:
    """Return pulses: P on the vertical, S on the horizontals."""
    at = np.arange(round(span.seconds * rate)) / rate
    total = np.zeros(len(at))
    for truth in events:
        for pick in arrivals(truth, [row]):
            if (pick.phase == "P") == (component == "Z"):
                after = at - (pick.time_ns - span.start_ns) / SECOND_NS
                total += pick.confidence * FULL_SCALE * np.exp(-0.5 * (after / _PULSE_S) ** 2)
    return np.rint(total)


def campaign_of(folder: Path) -> Campaign:
    """Return the campaign of what `write` wrote, without a store of its own.

    One view of PyOcto with its quick location, and a picker that wants whole windows.
    """
    quick = PyOctoOptions(n_picks=8, location_split_depth=6, location_split_return=4)
    options = associate_options(block_hours=BLOCK_HOURS, pyocto=quick)
    campaign = settled(folder, folder / "nowhere", end="2020-01-04")
    design = resolve_design(options, campaign.run.digest, campaign.extent, list(campaign.stations))
    bundle = write_uneasy(folder / "bundle")
    location = location_design(design, LocateOptions())
    return campaign.model_copy(update={"design": design, "location": location, "bundle": bundle})
