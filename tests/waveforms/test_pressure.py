from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from epicat.model import Span
from epicat.waveforms.channel_selection import Choice, choose, with_pressure
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Clock, Trace

DAY = Span(0, 86_400 * 10**9)


def traces(seconds: int, rate: int = 100) -> list[Trace]:
    clock = Clock(np.array([0]), np.array([0]))
    return [Trace(Fraction(rate), 0, np.ones(seconds * rate, np.int32), clock)]


def channel(name: str, rate: int = 100) -> Channel:
    location, code = name.split(".")
    return Channel(location, code[:2], code[2], Fraction(rate))


def chosen(**seconds: int) -> tuple[Choice | None, dict[Channel, Sequence[Trace]]]:
    channels = {channel(name.replace("_", ".")): traces(s) for name, s in seconds.items()}
    return choose(channels, DAY, {"00"}), channels


MOTION = {"_HHZ": 900, "_HH1": 900, "_HH2": 900}


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({}, ""),
        ({"_HDH": 900}, "HDH"),
        ({"_EDH": 900}, "EDH"),
        ({"_HDH": 900, "_BDH": 900}, "HDH"),
        ({"_BDH": 900, "_EDH": 900}, "BDH"),
        ({"_HDH": 300, "_BDH": 900}, "BDH"),
        ({"_HDH": 850, "_BDH": 900}, "HDH"),
        ({"01_HDH": 900}, "01.HDH"),
        ({"01_HDH": 900, "_BDH": 900}, "BDH"),
        ({"_HDO": 900, "_HHH": 900}, ""),
    ],
)
def test_the_hydrophone_that_goes_best_with_the_choice(others: dict[str, int], code: str) -> None:
    choice, channels = chosen(**MOTION, **others)
    assert choice is not None
    found = with_pressure(choice, channels, DAY)
    assert found.pressure == code
    assert set(found.components) == set("ZNE") | ({"H"} if code else set())
    assert (found.band, found.codes, found.covered_s) == ("HH", "Z12", 2700)
    if code:
        assert found.components["H"] is not None
        assert all(len(trace.samples) for trace in found.components["H"])


def test_a_hydrophone_alone_is_no_station() -> None:
    assert chosen(_HDH=900)[0] is None


def test_a_hydrophone_of_two_rates_is_one() -> None:
    choice, channels = chosen(**MOTION)
    assert choice is not None
    channels |= {channel(".HDH", rate): traces(100, rate) for rate in (100, 200)}
    found = with_pressure(choice, channels, DAY)
    assert sorted(trace.rate for trace in found.components["H"]) == [100, 200]


def test_without_data_on_the_day_there_is_none() -> None:
    choice, channels = chosen(**MOTION, _HDH=900)
    assert choice is not None
    assert with_pressure(choice, channels, Span(DAY.end_ns, DAY.end_ns + 1)) == choice
