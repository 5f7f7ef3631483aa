from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.model import StationDay
from epicat.waveforms.channel_selection import BAND_ORDER, Choice, choose, covered_s
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Trace
from support.waves import DAY, MIDNIGHT, SECOND, index_of, trace_of

SPAN = StationDay("XX.AAA", DAY).span
Held = dict[str, float]
"""Hours of the day that a channel ``LOC.CHA`` covers."""


def channels(held: Held, rate: Fraction = Fraction(10)) -> dict[Channel, list[Trace]]:
    found: dict[Channel, list[Trace]] = {}
    for name, hours in held.items():
        loc, cha = name.split(".")
        trace = trace_of(
            np.zeros(int(hours * 3600 * rate), np.int8), index_of(MIDNIGHT, rate), rate
        )
        found[Channel(loc, cha[:2], cha[2], rate)] = [trace]
    return found


def chosen(held: Held, listed: Collection[str] = ("",)) -> Choice | None:
    return choose(channels(held), SPAN, listed)


def name_of(choice: Choice | None) -> str:
    assert choice is not None
    return f"{choice.location}.{choice.band}[{choice.codes}]"


def three(band: str, hours: float = 24, codes: str = "ZNE", location: str = "") -> Held:
    return {f"{location}.{band}{code}": hours for code in codes}


def test_a_band_with_one_component_does_not_hide_one_with_three() -> None:
    assert name_of(chosen({".HHZ": 24, **three("EH")})) == ".EH[ZNE]"
    assert name_of(chosen({".HHZ": 24, **three("EL", 9)})) == ".EL[ZNE]"
    assert name_of(chosen({".HHZ": 24, **three("EL", 7)})) == ".HH[Z]"


def test_among_complete_bands_the_order_decides() -> None:
    everything = {k: v for band in BAND_ORDER for k, v in three(band).items()}
    for band in BAND_ORDER:
        assert name_of(chosen(everything)) == f".{band}[ZNE]"
        for code in "ZNE":
            del everything[f".{band}{code}"]
    assert chosen(everything) is None


def test_the_order_holds_the_bands_in_use_each_once() -> None:
    assert len(set(BAND_ORDER)) == len(BAND_ORDER)
    assert {"HH", "EH", "EP", "EL", "HN", "SH", "SL", "BH", "DP", "CN"} <= set(BAND_ORDER)
    # Velocity before acceleration.
    assert max(map(BAND_ORDER.index, ("HH", "BH", "EH", "SH"))) < BAND_ORDER.index("HN")


def test_a_band_of_no_known_order_comes_last() -> None:
    assert name_of(chosen({**three("FH"), **three("SL")})) == ".SL[ZNE]"
    assert name_of(chosen({**three("GH"), **three("FH")})) == ".FH[ZNE]"


@pytest.mark.parametrize(("hours", "band"), [(24, "HH"), (21.7, "HH"), (21.5, "EH"), (12, "EH")])
def test_a_gap_below_a_tenth_does_not_change_the_instrument(hours: float, band: str) -> None:
    assert name_of(chosen({**three("HH", hours), **three("EH")})) == f".{band}[ZNE]"


def test_the_order_of_bands_comes_before_the_location() -> None:
    held = {**three("HN", location="00"), **three("HH", location="10")}
    assert name_of(chosen(held, listed=["00"])) == "10.HH[ZNE]"


def test_listed_locations_come_first_and_then_the_alphabet() -> None:
    held = {**three("HH", location="10"), **three("HH", location=""), **three("HH", location="00")}
    assert name_of(chosen(held, ["10"])) == "10.HH[ZNE]"
    assert name_of(chosen(held, ["10", "00"])) == "00.HH[ZNE]"
    assert name_of(chosen(held, ["*"])) == ".HH[ZNE]"
    assert name_of(chosen(held, ["99"])) == ".HH[ZNE]"


def test_an_unlisted_location_is_used_where_it_is_the_complete_one() -> None:
    held = {**three("HH", 3, location="00"), **three("HH", location="20")}
    assert name_of(chosen(held, ["00"])) == "20.HH[ZNE]"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("ZNE", "ZNE"), ("Z12", "Z12"), ("123", "312"), ("ZN", "ZN"), ("Z", "Z"), ("E", "E"),
        ("NE", "NE"), ("Z123", "Z12"), ("ZNE12", "ZNE"), ("ZN2", "ZN2"),
    ],
)  # fmt: skip
def test_components_take_their_places(codes: str, expected: str) -> None:
    choice = chosen(three("HH", codes=codes))
    assert name_of(choice) == f".HH[{expected}]"
    assert choice is not None
    meanings = {"Z": "Z3", "N": "N1", "E": "E2"}
    for slot, code in zip(choice.components, expected, strict=True):
        assert code in meanings[slot]


def test_the_more_complete_of_two_codes_takes_the_place() -> None:
    held = {".HHZ": 24, ".HHN": 1, ".HH1": 24, ".HHE": 24, ".HH2": 24}
    assert name_of(chosen(held)) == ".HH[Z1E]"


def test_what_does_not_record_ground_motion_is_ignored() -> None:
    assert chosen({".HDH": 24, ".BDF": 24, ".LOG": 24, ".HJZ": 24, ".VMZ": 24}) is None
    assert name_of(chosen({".HDH": 24, ".HHZ": 1})) == ".HH[Z]"
    assert chosen({".HHH": 24, ".HHF": 24}) is None


def test_nothing_in_the_day_is_no_choice() -> None:
    assert choose({}, SPAN, [""]) is None
    before = channels(three("HH", 1))
    earlier = StationDay("XX.AAA", DAY).span.widened(0)
    assert choose(before, type(earlier)(SPAN.end_ns, SPAN.end_ns + SECOND), [""]) is None
    assert chosen(three("HH", 0)) is None


def test_only_the_day_counts() -> None:
    rate = Fraction(10)
    held = channels({".EHZ": 1})
    # HH is complete on the next day and has a minute of this one.
    trace = trace_of([0] * 10 * 86_400, index_of(SPAN.end_ns, rate) - 600, rate)
    held[Channel("", "HH", "Z", rate)] = [trace]
    assert name_of(choose(held, SPAN, [""])) == ".EH[Z]"
    assert covered_s([trace], SPAN) == 60


def test_a_channel_that_changed_its_rate_is_one_channel() -> None:
    slow, fast = Fraction(40), Fraction(100)
    traces = {
        Channel("", "HH", "Z", rate): [
            trace_of([0] * int(3600 * rate), index_of(start, rate), rate)
        ]
        for rate, start in ((slow, MIDNIGHT), (fast, MIDNIGHT + 3600 * SECOND))
    }
    choice = choose(traces, SPAN, [""])
    assert name_of(choice) == ".HH[Z]"
    assert choice is not None
    assert choice.covered_s == 7200
    assert [trace.rate for trace in choice.components["Z"]] == [slow, fast]


NAMES = [f"{loc}.{band}{c}" for loc in ("", "00") for band in ("HH", "EH", "FH") for c in "ZNE12"]


@given(st.dictionaries(st.sampled_from(NAMES), st.floats(0, 24), max_size=10), st.randoms())
def test_the_choice_is_nearly_the_most_complete_in_whatever_order_it_is_offered(
    held: Held, rng: object
) -> None:
    rate = Fraction(10)
    offered = list(channels(held, rate).items())
    choice = choose(dict(offered), SPAN, ["00"])
    rng.shuffle(offered)  # type: ignore[attr-defined]
    again = choose(dict(offered), SPAN, ["00"])
    if choice is None:
        assert again is None
        assert all(len(traces[0].samples) == 0 for _, traces in offered)
        return
    assert again is not None
    assert name_of(again) == name_of(choice)
    groups = {key.split(".")[0] + "." + key.split(".")[1][:2] for key in held}
    best = max(
        sum(max(held.get(group + code, 0) for code in codes) for codes in ("Z3", "N1", "E2"))
        for group in groups
    )
    assert choice.covered_s >= 0.9 * best * 3600 - 1
