"""Candidates: events as an associator gives them, before each pick has one event at most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from epicat.time import SECOND_NS

__all__ = ["FAR_SHARE", "Candidate", "Matched", "Needs", "exclusive", "without_impossible"]

FAR_SHARE = 0.03
"""Residual over travel time that a pick far away may have: 1.5 errors of a layered model."""
_LEAST_LEFT = 0.6
"""A candidate that has lost more than the rest of its picks was another view of other events."""


@dataclass(frozen=True, slots=True, order=True)
class Matched:
    """A pick in a candidate."""

    time_ns: int
    """Time of the pick."""
    pick_id: str
    """The pick."""
    trace_id: str
    """``NET.STA.LOC``."""
    site: str
    """The physical site."""
    phase: str
    """``P`` or ``S``."""
    residual_s: float
    """Observed minus predicted travel time."""
    position: str = ""
    """Name of the sensor's position, if it is not the site's."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that the associator proposes."""

    time_ns: int
    """Origin time."""
    x_km: float
    """Kilometres east of the plane's origin."""
    y_km: float
    """Kilometres north of the plane's origin."""
    z_km: float
    """Kilometres below sea level."""
    picks: tuple[Matched, ...]
    """In the order of time."""
    dropped: int = 0
    """Arrivals that were impossible and are not among the picks."""

    @property
    def rms_s(self) -> float:
        """Root mean square of the residuals."""
        return math.sqrt(sum(p.residual_s**2 for p in self.picks) / max(len(self.picks), 1))


@dataclass(frozen=True, slots=True)
class Needs:
    """What makes an event."""

    n_picks: int
    """Picks in all."""
    n_p_picks: int
    """P picks."""
    n_s_picks: int
    """S picks."""
    n_p_and_s_picks: int
    """Sites with both."""
    match_s: float
    """Largest residual of a pick."""

    @classmethod
    def from_pyocto(cls, pyocto: Mapping[str, Any]) -> Needs:
        """Read them from PyOcto's parameters; a second pass may ask for less."""
        second = pyocto.get("second_pass_overwrites") or {}
        least = {name: min(number, second.get(name, number)) for name, number in pyocto.items()
                 if name in ("n_picks", "n_p_picks", "n_s_picks", "n_p_and_s_picks")}  # fmt: skip
        return cls(**least, match_s=pyocto["pick_match_tolerance"])

    def met_by(self, candidate: Candidate) -> bool:
        """Return whether a candidate has the picks of an event."""
        return self.are_met_by((pick.site, pick.phase) for pick in candidate.picks)

    def are_met_by(self, picks: Iterable[tuple[str, str]]) -> bool:
        """Return whether sites and phases of picks are enough; each counts once."""
        return not any(self.unmet_by(picks))

    def unmet_by(self, picks: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Say what sites and phases of picks lack to be an event; each counts once."""
        distinct = set(picks)
        p, s = ({site for site, phase in distinct if phase == wanted} for wanted in ("P", "S"))
        counts = (
            ("picks", len(distinct), self.n_picks),
            ("P picks", len(p), self.n_p_picks),
            ("S picks", len(s), self.n_s_picks),
            ("sites with P and S", len(p & s), self.n_p_and_s_picks),
        )
        return (f"{name} {has} < {least}" for name, has, least in counts if has < least)

    def rank(self, candidate: Candidate) -> tuple[float, int, tuple[Matched, ...]]:
        """Sort key by which the better of two candidates comes first.

        The better one has more support: its picks, each weighted by one minus the square of its
        residual over the largest one, which grows with travel time.  Many picks that hardly fit
        are worth less than somewhat fewer that fit well.
        """
        travel = ((p.time_ns - candidate.time_ns) / SECOND_NS for p in candidate.picks)
        limits = (max(self.match_s, FAR_SHARE * seconds) for seconds in travel)
        pairs = zip(candidate.picks, limits, strict=True)
        weights = (1 - (p.residual_s / limit) ** 2 for p, limit in pairs)
        return (-sum(max(w, 0.0) for w in weights), candidate.time_ns, candidate.picks)


def exclusive(candidates: Iterable[Candidate], needs: Needs) -> list[Candidate]:
    """Give every pick to the best candidate that has it; return what still is an event.

    In the order of time.  Candidates that share no pick do not influence each other.
    """
    taken: set[str] = set()
    kept = []
    for candidate in sorted(candidates, key=needs.rank):
        left = tuple(p for p in candidate.picks if p.pick_id not in taken)
        reduced = replace(candidate, picks=left)
        if len(left) >= _LEAST_LEFT * len(candidate.picks) and needs.met_by(reduced):
            kept.append(reduced)
            taken.update(p.pick_id for p in left)
    return sorted(kept, key=lambda c: (c.time_ns, c.picks))


def without_impossible(candidate: Candidate) -> Candidate:
    """Drop arrivals that no earthquake makes, and count them.

    None may be at or before the origin time.  A site has one P and one S at most: of several the
    one with the smallest residual stays.  Where the S of a site is not after its P, the one that
    fits better stays.
    """
    best: dict[tuple[str, str], Matched] = {}
    for pick in candidate.picks:
        if pick.time_ns <= candidate.time_ns:
            continue
        other = best.get((pick.site, pick.phase))
        if other is None or _misfit(pick) < _misfit(other):
            best[pick.site, pick.phase] = pick
    for site in {site for site, _ in best}:
        p, s = best.get((site, "P")), best.get((site, "S"))
        if p is not None and s is not None and s.time_ns <= p.time_ns:
            del best[site, max(p, s, key=_misfit).phase]
    kept = tuple(sorted(best.values()))
    dropped = candidate.dropped + len(candidate.picks) - len(kept)
    return replace(candidate, picks=kept, dropped=dropped)


def _misfit(pick: Matched) -> tuple[float, int, str]:
    """Sort key by which the better fitting of two picks comes first."""
    return abs(pick.residual_s), pick.time_ns, pick.pick_id
