"""Directions of channels and rotation to Z, N, E, against ObsPy's ``rotate2zne``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.model import EVER, Orientation, Span, StationDay
from epicat.waveforms.channel_selection import Choice, choose, unused
from epicat.waveforms.orientation import orientation_digest
from epicat.waveforms.records import Channel
from epicat.waveforms.traces import Trace
from support.waves import DAY, MIDNIGHT, SECOND, index_of, trace_of

SPAN = StationDay("XX.AAA", DAY).span
RATE = Fraction(100)
N = 6000
GALPERIN = {"U": (90.0, -35.2644), "V": (210.0, -35.2644), "W": (330.0, -35.2644)}
Angles = Mapping[str, tuple[float, float]]
"""Azimuth and dip by component code."""


def rows(angles: Angles, band: str = "HH", epoch: Span = EVER) -> list[Orientation]:
    return [Orientation(band + code, epoch, *pair) for code, pair in angles.items()]


def motion(seed: int = 0) -> dict[str, NDArray[np.int32]]:
    noise = np.random.default_rng(seed).integers(-9999, 9999, (3, N))
    return dict(zip("ZNE", noise.astype(np.int32), strict=True))


def recorded(angles: Angles, ground: Mapping[str, NDArray[np.int32]]) -> dict[str, NDArray]:
    """What channels of these directions record of the ground's motion."""
    found = {}
    for code, (azimuth, dip) in angles.items():
        a, d = np.radians(azimuth), np.radians(dip)
        vector = (-np.sin(d), np.cos(d) * np.cos(a), np.cos(d) * np.sin(a))
        found[code] = sum(w * ground[slot] for w, slot in zip(vector, "ZNE", strict=True))
    return found


def channels(samples: Mapping[str, NDArray], band: str = "HH") -> dict[Channel, list[Trace]]:
    first = index_of(MIDNIGHT)
    return {Channel("", band, code, RATE): [trace_of(x, first)] for code, x in samples.items()}


def chosen(held: Mapping[Channel, Sequence[Trace]], metadata: Sequence[Orientation] = ()) -> Choice:
    choice = choose(held, SPAN, [""], {"": metadata} if metadata else None)
    assert choice is not None
    return choice


def only(choice: Choice, slot: str) -> Trace:
    (trace,) = choice.components[slot]
    return trace


def assert_same(choice: Choice, ground: Mapping[str, NDArray[np.int32]]) -> None:
    assert list(choice.components) == list("ZNE")
    for slot in "ZNE":
        np.testing.assert_allclose(only(choice, slot).samples, ground[slot], atol=0.01)


directions = st.tuples(st.floats(0, 359.9), st.floats(-90, 90))


@given(st.lists(directions, min_size=3, max_size=3), st.sampled_from(["123", "UVW", "Z12"]))
def test_any_independent_set_is_rotated_as_obspy_does(
    angles: list[tuple[float, float]], codes: str
) -> None:
    from obspy.signal.rotate import rotate2zne

    given_angles = dict(zip(codes, angles, strict=True))
    ground = motion()
    vectors = recorded(given_angles, {"Z": np.eye(3)[0], "N": np.eye(3)[1], "E": np.eye(3)[2]})
    matrix = np.array(list(vectors.values()))
    if np.linalg.svd(matrix)[1][-1] < 0.6:  # too near to a plane: by the codes
        return
    held = recorded(given_angles, ground)
    choice = chosen(channels(held), rows(given_angles))
    flat = [x for code in codes for x in (held[code], *given_angles[code])]
    expected = dict(zip("ZNE", rotate2zne(*flat), strict=True))
    snapped = codes == "Z12" and abs(abs(given_angles["Z"][1]) - 90) <= 5
    if not snapped:
        for slot in "ZNE":
            np.testing.assert_allclose(only(choice, slot).samples, expected[slot], atol=0.05)
        assert_same(choice, ground)


@given(st.floats(0, 359.9), st.booleans())
def test_a_galperin_set_of_any_azimuth_is_rotated(turn: float, downwards: bool) -> None:
    sign = -1 if downwards else 1
    angles = {c: ((azimuth + turn) % 360, sign * dip) for c, (azimuth, dip) in GALPERIN.items()}
    ground = motion()
    choice = chosen(channels(recorded(angles, ground)), rows(angles))
    assert_same(choice, ground)
    assert sorted(choice.codes) == ["U", "V", "W"]
    assert choice.rotation.startswith("metadata: Z=")


def test_what_the_codes_say_already_is_left_as_it_is() -> None:
    ground = motion()
    for codes in ("ZNE", "Z12", "312"):
        held = channels(dict(zip(codes, ground.values(), strict=True)))
        angles = dict(zip(codes, ((0, -90), (0, 0), (90, 0)), strict=True))
        plain, turned = chosen(held), chosen(held, rows(angles))
        for slot, code in zip("ZNE", codes, strict=True):
            assert only(plain, slot) is only(turned, slot)
            assert only(turned, slot) is held[Channel("", "HH", code, RATE)][0]
        assert (plain.rotation, turned.rotation) == ("", "")
        assert turned.notes == ()


def test_named_axes_may_deviate_by_five_degrees() -> None:
    held = channels(motion())
    near = {"Z": (0.0, -86.0), "N": (356.0, 1.0), "E": (86.0, -2.0)}
    assert chosen(held, rows(near)).rotation == ""
    assert chosen(held, rows(near | {"N": (350.0, 0.0), "E": (80.0, 0.0)})).rotation != ""


def test_a_reversed_vertical_is_turned() -> None:
    ground = motion()
    held = channels(ground | {"Z": -ground["Z"]})
    choice = chosen(held, rows({"Z": (0, 90), "N": (0, 0), "E": (90, 0)}))
    assert_same(choice, ground)
    assert only(choice, "Z").samples.dtype == np.int32
    assert "Z=-1.0000HHZ" in choice.rotation
    alone = chosen(channels({"Z": -ground["Z"]}), rows({"Z": (0, 90)}))
    np.testing.assert_array_equal(only(alone, "Z").samples, ground["Z"])


def test_the_vertical_of_a_borehole_is_on_channel_1() -> None:
    ground = motion()
    held = channels({"1": ground["Z"], "2": ground["N"], "3": ground["E"]}, "DP")
    choice = chosen(held, rows({"1": (0, -90), "2": (0, 0), "3": (90, 0)}, "DP"))
    assert_same(choice, ground)
    assert choice.codes == "123"
    without = chosen(held)
    assert without.codes == "312"
    assert without.notes == ("DP3 taken as vertical without orientation metadata",)


def test_2_and_3_are_horizontals_next_to_z() -> None:
    ground = motion()
    choice = chosen(channels({"Z": ground["Z"], "2": ground["N"], "3": ground["E"]}))
    assert_same(choice, ground)
    both = chosen(channels(dict.fromkeys("Z123", ground["Z"])))
    assert both.codes == "Z12"
    assert both.notes == ("HH3 not used next to HHZ and HH1 without orientation metadata",)


def with_gap(trace: Trace, begin: int, end: int) -> list[Trace]:
    first = trace.first
    return [trace.part(first, first + begin), trace.part(first + end, trace.stop)]


@pytest.mark.parametrize("codes", ["Z23", "Z12", "ZNE"])
def test_a_gap_in_z_lets_no_horizontal_into_its_place(codes: str) -> None:
    ground = motion()
    held = channels(dict(zip(codes, ground.values(), strict=True)))
    (z,) = held[Channel("", "HH", "Z", RATE)]
    held[Channel("", "HH", "Z", RATE)] = with_gap(z, 1000, 4000)
    choice = chosen(held)
    assert [(t.first - z.first, t.stop - z.first) for t in choice.components["Z"]] == [
        (0, 1000), (4000, N)
    ]  # fmt: skip
    np.testing.assert_array_equal(only(choice, "N").samples, ground["N"])
    np.testing.assert_array_equal(only(choice, "E").samples, ground["E"])


def test_a_gap_of_a_rotated_set_stays_a_gap_of_what_needs_the_channel() -> None:
    ground, turned = motion(), {"Z": (0.0, -90.0), "1": (30.0, 0.0), "2": (120.0, 0.0)}
    held = channels(recorded(turned, ground))
    two = Channel("", "HH", "2", RATE)
    held[two] = with_gap(held[two][0], 2000, 3000)
    choice = chosen(held, rows(turned))
    np.testing.assert_allclose(only(choice, "Z").samples, ground["Z"], atol=0.01)
    lost = [(t.first - only(choice, "Z").first, len(t.samples)) for t in choice.components["E"]]
    assert lost == [(0, 2000), (3000, N - 3000)]
    north = np.concatenate([t.samples for t in choice.components["N"]])
    np.testing.assert_allclose(north[:2000], ground["N"][:2000], atol=0.01)
    np.testing.assert_allclose(
        north[2000:3000], recorded(turned, ground)["1"][2000:3000], rtol=1e-6
    )
    galperin = channels(recorded(GALPERIN, ground))
    u = Channel("", "HH", "U", RATE)
    galperin[u] = with_gap(galperin[u][0], 2000, 3000)
    choice = chosen(galperin, rows(GALPERIN))
    # North is the difference of V and W, without U.
    np.testing.assert_allclose(only(choice, "N").samples, ground["N"], atol=0.01)
    for slot in "ZE":
        first, second = choice.components[slot]
        np.testing.assert_allclose(first.samples, ground[slot][:2000], atol=0.01)
        np.testing.assert_allclose(second.samples, ground[slot][3000:], atol=0.01)


def test_components_of_one_sensor_join_across_a_renaming() -> None:
    ground = motion()
    held = channels(ground)
    for code, old in (("N", "1"), ("E", "2")):
        channel = Channel("", "HH", code, RATE)
        (trace,) = held[channel]
        held[Channel("", "HH", old, RATE)] = [trace.part(trace.first, trace.first + 2500)]
        held[channel] = [trace.part(trace.first + 2500, trace.stop)]
    choice = chosen(held)
    assert_same(choice, ground)
    assert sorted(choice.codes) == sorted("Z12NE")
    assert choice.covered_s == 3 * N / 100


def test_directions_may_change_within_the_day() -> None:
    ground = motion()
    before = {"Z": (0.0, -90.0), "1": (0.0, 0.0), "2": (90.0, 0.0)}
    after = {"Z": (0.0, -90.0), "1": (40.0, 0.0), "2": (130.0, 0.0)}
    change = MIDNIGHT + 20 * SECOND
    earlier, later = recorded(before, ground), recorded(after, ground)
    held = {c: np.concatenate([earlier[c][:2000], later[c][2000:]]) for c in before}
    metadata = [
        *rows(before, epoch=Span(EVER.start_ns, change)),
        *rows(after, epoch=Span(change, EVER.end_ns)),
    ]
    assert_same(chosen(channels(held), metadata), ground)


@pytest.mark.parametrize(
    "angles",
    [
        {"Z": (0, 0), "N": (0, 0), "E": (90, 0)},
        {"Z": (0, -90), "N": (0, -90), "E": (0, -90)},
        {"Z": (0, 0), "N": (0, 0), "E": (0, 0)},
    ],
)
def test_directions_that_are_not_independent_are_reported_and_not_used(angles: Angles) -> None:
    ground = motion()
    choice = chosen(channels(ground), rows(angles))
    assert_same(choice, ground)
    assert "not independent: codes used" in choice.notes[0]


def test_channels_of_unknown_direction_are_not_used_and_reported() -> None:
    held = channels(recorded(GALPERIN, motion()))
    assert choose(held, SPAN, [""]) is None
    assert unused(held, SPAN, {}) == ["HHU, HHV, HHW not used: no orientation metadata"]


def test_a_rotated_set_of_two_rates_is_brought_to_the_higher_one() -> None:
    angles = {"Z": (0.0, -90.0), "1": (30.0, 0.0), "2": (120.0, 0.0)}
    time_s = np.arange(N) / 100
    slow = np.sin(2 * np.pi * time_s)
    ground = {"Z": slow, "N": slow, "E": -slow}
    held = channels(recorded(angles, ground))
    (one,) = held.pop(Channel("", "HH", "1", RATE))
    first = index_of(MIDNIGHT, Fraction(50))
    held[Channel("", "HH", "1", Fraction(50))] = [trace_of(one.samples[::2], first, Fraction(50))]
    choice = chosen(held, rows(angles))
    inside = slice(200, -200)
    for slot in "NE":
        (trace,) = [t for t in choice.components[slot] if len(t.samples) > 100]
        assert trace.rate == RATE
        np.testing.assert_allclose(
            trace.samples[inside], ground[slot][: len(trace.samples)][inside], atol=2e-3
        )


def test_the_digest_is_empty_where_the_codes_say_all() -> None:
    plain = rows({"Z": (0, -90), "1": (0, 0), "2": (90, 0), "N": (3, 0)})
    assert orientation_digest({"": plain}, SPAN) == ""
    turned = rows({"Z": (0, -90), "1": (7, 0), "2": (97, 0)}, "BH")
    digests = {
        orientation_digest(given_rows, SPAN)
        for given_rows in (
            {"": turned},
            {"10": turned},
            {"": rows({"Z": (0, -90), "1": (8, 0), "2": (98, 0)}, "BH")},
            {"": rows({"Z": (0, 90)})},
        )
    }
    assert len(digests) == 4
    assert orientation_digest({"": plain + turned}, SPAN) == orientation_digest({"": turned}, SPAN)
    past = [Orientation("BH1", Span(0, 1), 7.0, 0.0)]
    assert orientation_digest({"": past}, SPAN) == ""
    assert orientation_digest({"": past}, EVER) != ""
