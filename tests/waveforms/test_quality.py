from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pydantic import ValidationError

from epicat.ledger import Flag
from epicat.model import Span
from epicat.waveforms.channel_selection import choose, with_pressure
from epicat.waveforms.quality import QualityOptions, flags_of, usable_choice, usable_segments
from epicat.waveforms.records import Channel
from epicat.waveforms.segments import Segment
from support.waves import MIDNIGHT, SECOND, counts, index_of, trace_of

DAY = Span(MIDNIGHT, MIDNIGHT + 86_400 * SECOND)
RATE = Fraction(100)
FIRST = index_of(MIDNIGHT)
STRICT = QualityOptions(max_dead_share=0.5, max_clipped_share=0.05)
LIVE, DEAD = counts(12_000), np.zeros(12_000)
CLIPPED = np.clip(np.rint(9000 * np.sin(np.arange(12_000) / 30)), -6000, 6000)


def channels(**samples: np.ndarray):  # type: ignore[no-untyped-def]
    return {
        Channel("", code[:2], code[2], RATE): [trace_of(values, FIRST)]
        for code, values in samples.items()
    }


def chosen(options: QualityOptions = STRICT, **samples: np.ndarray):  # type: ignore[no-untyped-def]
    choice, exclusions = usable_choice(
        lambda given: choose(given, DAY, {""}), channels(**samples), DAY, options
    )
    return (
        choice and f"{choice.band}[{choice.codes}]",
        [exclusion.text for exclusion in exclusions],
        exclusions,
    )


def test_a_dead_component_is_missing() -> None:
    choice, told, exclusions = chosen(HHZ=LIVE, HHN=DEAD, HHE=LIVE)
    assert choice == "HH[ZE]"
    assert told == ["--.HHN is dead for 100 % of its time, more than 50 %"]
    assert flags_of(exclusions) == (Flag("dead channel", 1),)


def test_a_clipped_component_is_missing() -> None:
    choice, (told,), exclusions = chosen(HHZ=LIVE, HHN=LIVE, HHE=CLIPPED)
    assert choice == "HH[ZN]"
    assert told.startswith("--.HHE is clipped for ")
    assert told.endswith("of its time, more than 5 %")
    assert flags_of(exclusions) == (Flag("clipped channel", 1),)


def test_another_band_stands_in_and_only_channels_that_were_wanted_are_told() -> None:
    choice, told, _ = chosen(HHZ=DEAD, HHN=DEAD, HHE=DEAD, HNZ=LIVE, HNN=LIVE, HNE=LIVE, SHZ=DEAD)
    assert choice == "HN[ZNE]"
    assert [text.split()[0] for text in told] == ["--.HHZ", "--.HHN", "--.HHE"]


def test_one_horizontal_stands_in_for_another() -> None:
    assert chosen(HHZ=LIVE, HHN=DEAD, HH1=LIVE, HHE=LIVE)[0] == "HH[Z1E]"


def test_nothing_may_be_left() -> None:
    choice, told, exclusions = chosen(HHZ=DEAD, HHN=CLIPPED)
    assert choice is None
    assert [text.split()[0] for text in told] == ["--.HHZ", "--.HHN"]
    assert flags_of(exclusions) == (Flag("clipped channel", 1), Flag("dead channel", 1))
    assert chosen()[:2] == (None, [])


def test_without_limits_nothing_is_measured() -> None:
    assert chosen(QualityOptions(), HHZ=DEAD, HHN=CLIPPED)[:2] == ("HH[ZN]", [])


def test_a_dead_hydrophone_is_missing() -> None:
    given = channels(HHZ=LIVE, HDH=DEAD, BDH=LIVE)

    def both(left):  # type: ignore[no-untyped-def]
        choice = choose(left, DAY, {""})
        return choice and with_pressure(choice, left, DAY)

    choice, (exclusion,) = usable_choice(both, given, DAY, STRICT)
    assert choice is not None
    assert (choice.codes, choice.pressure) == ("Z", "BDH")
    assert exclusion.text.startswith("--.HDH is dead")


def segment(begin_s: float, end_s: float, *, cut: bool = False) -> Segment:
    first, stop = (FIRST + round(s * 100) for s in (begin_s, end_s))
    return Segment(first, stop, ((), (), ()), True, not cut, ((), (), ()))


def test_short_segments_are_left_out() -> None:
    found = [segment(0, 100), segment(200, 210), segment(300, 319.99), segment(400, 420)]
    kept, (exclusion,) = usable_segments(found, DAY, RATE, QualityOptions(min_segment_s=20))
    assert kept == [found[0], found[3]]
    assert exclusion.text == "2 of 4 segments are shorter than 20 s (30.0 s in all)"
    assert flags_of([exclusion]) == (Flag("short segment", 2),)


def test_a_segment_that_goes_on_beyond_what_was_read_is_not_short() -> None:
    found = [segment(86_390, 86_430, cut=True), segment(86_500, 86_510)]
    kept, exclusions = usable_segments(found, DAY, RATE, QualityOptions(min_segment_s=600))
    assert kept == found[:1]
    assert exclusions == []  # the other one is none of the day's


@pytest.mark.parametrize(("limit", "picked"), [(0.75, 2), (0.7499, 0), (0.0, 0)])
def test_gaps_are_what_no_segment_covers(limit: float, picked: int) -> None:
    found = [segment(-60, 0.2 * 86_400), segment(0.95 * 86_400, 86_460)]
    kept, exclusions = usable_segments(found, DAY, RATE, QualityOptions(max_gap_share=limit))
    assert len(kept) == picked
    assert [exclusion.criterion for exclusion in exclusions] == ["gap share"] * (not picked)


def test_short_segments_are_gaps() -> None:
    found = [segment(0, 86_000), segment(86_100, 86_400)]
    limits = QualityOptions(min_segment_s=301, max_gap_share=0.004)
    kept, exclusions = usable_segments(found, DAY, RATE, limits)
    assert kept == []
    assert [exclusion.criterion for exclusion in exclusions] == ["short segment", "gap share"]
    assert exclusions[1].text == "gaps are 0.463 % of the day, more than 0.4 %"


def test_a_range_without_a_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="has no effect without max_dead_share"):
        QualityOptions(dead_range=2)
