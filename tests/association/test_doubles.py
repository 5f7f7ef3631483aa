"""Doubles: events that are made of what another event leaves."""

from __future__ import annotations

import numpy as np
import pytest

from epicat.association.candidates import Candidate, Matched, Needs
from epicat.association.doubles import Doubles
from epicat.association.network import Network
from epicat.time import SECOND_NS

NEEDS = Needs(n_picks=4, n_p_picks=0, n_s_picks=0, n_p_and_s_picks=0, match_s=1.0)
EAST_KM = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 300.0, 310.0, 320.0])
NETWORK = Network(EAST_KM, np.zeros(8), np.zeros(8))
DOUBLES = Doubles(NETWORK, {f"S{n}": n for n in range(8)}, within_s=3.0)


def event(at_s: float, x_km: float, picks: str) -> Candidate:
    """Return an event with picks such as ``0P 1P 1S``."""
    time_ns = round(at_s * SECOND_NS)
    matched = (
        Matched(time_ns + 5 * SECOND_NS, f"{at_s} {name}", "", f"S{name[0]}", name[1], 0.1)
        for name in picks.split()
    )
    return Candidate(time_ns, x_km, 0.0, 5.0, tuple(sorted(matched)))


MAIN = event(100.0, 10.0, "0P 0S 1P 1S 2P 2S 3P 4P")


def test_what_an_event_leaves_at_the_sites_that_it_reaches_is_no_event():
    double = event(101.0, 25.0, "3S 4S 0P 2P")
    assert DOUBLES.left_out([double, MAIN], NEEDS) == [MAIN, double]
    double = event(101.0, 25.0, "3S 4S 0P")
    assert DOUBLES.left_out([double, MAIN], NEEDS) == [MAIN]


@pytest.mark.parametrize(
    "other",
    [
        event(104.0, 25.0, "3S 4S 0P"),
        event(101.0, 310.0, "5P 5S 6P 6S"),
        event(101.0, 10.0, "0P 0S 1P 1S"),
        event(101.0, 30.0, "3S 4S 5P 5S 6P 6S"),
    ],
    ids=["later", "elsewhere", "with picks at the same sites", "of like size"],
)
def test_other_earthquakes_stay(other):
    assert DOUBLES.left_out([other, MAIN], NEEDS) == [MAIN, other]
