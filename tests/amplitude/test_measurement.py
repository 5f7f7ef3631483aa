"""What may be measured, and what is flagged: gaps, edges, clipping, dead channels, cuts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from epicat.amplitude.clipping import NO_TOP, first_flat_tops
from epicat.amplitude.envelope import UNBOUNDED, UNKNOWN, decode_envelope
from epicat.amplitude.instrument import Component, measure_instrument
from epicat.amplitude.polarity import first_motions
from epicat.amplitude.response import Response, ResponseError, Shape
from epicat.amplitude.rows import AmplitudeFlag
from epicat.amplitude.wood_anderson import SETTLE_S, wood_anderson_record
from epicat.model import EVER, Pick, Span
from epicat.time import DAY_NS as DAY_LENGTH_NS
from epicat.time import SECOND_NS
from support.seismometers import DAY_NS, ground_velocity, recorded, response_of, trace_of

DAY = Span(DAY_NS, DAY_NS + DAY_LENGTH_NS)
HH = response_of("HH")


def picks_at(seconds, phase="P"):
    return [Pick(DAY_NS + round(s * SECOND_NS), "XX.S01.", "HH", phase, 0.9, 0, 0) for s in seconds]


def measured(components, seconds, phase="P"):
    return measure_instrument(components, picks_at(seconds, phase), ("XX.S01.", "HH"), DAY)


def vertical(*traces, responses=((EVER, HH),), **more):
    return {"Z": Component("Z", traces, responses, **more)}


@pytest.fixture(scope="module")
def counts():
    return recorded(ground_velocity(300, 100, 1), "HH", offset=-70_000)


@settings(max_examples=15, deadline=None)
@given(st.integers(3000, 9000), st.integers(20_000, 27_000))
def test_a_cut_does_not_change_what_is_measured(low, high):
    """A record is the same, but for rounding, from where the filter has settled."""
    counts = recorded(ground_velocity(300, 100, 1), "HH", offset=-70_000)
    trace = trace_of(counts)
    whole = wood_anderson_record(trace, HH)
    part = wood_anderson_record(trace.part(trace.first + low, trace.first + high), HH)
    settle = round(SETTLE_S * 100)
    scale = np.abs(whole).max()
    assert np.abs(part[settle:-50] - whole[low + settle : high - 50]).max() < 2e-6 * scale


def test_windows_in_gaps_and_at_edges_are_flagged(counts):
    """Each window counts by itself; what is flagged has no amplitude."""
    traces = trace_of(counts[:10_000]), trace_of(counts[10_300:], start_s=103)
    found = measured(vertical(*traces), [2, 50, 75, 95, 99, 101, 105, 115, 200]).amplitudes
    ok, gap = AmplitudeFlag.OK, AmplitudeFlag.GAP
    wanted = [
        [gap] * 3, [ok] * 3, [ok, ok, gap], [ok, gap, gap], [gap] * 3, [gap] * 3, [gap] * 3,
        [ok] * 3, [ok] * 3,
    ]  # fmt: skip
    assert found.flag[:, :, 0].tolist() == wanted
    assert_array_equal(np.isnan(found.amplitude_mm), found.flag != ok)
    assert_array_equal(found.flag[:, :, 1:], AmplitudeFlag.NO_RESPONSE)
    assert np.isnan(found.noise_mm[[0, 6], 0]).all()
    assert np.isfinite(found.noise_mm[[1, 7, 8], 0]).all()


def test_noise_soon_after_a_gap_is_from_what_follows_the_transient(counts):
    trace = trace_of(counts[10_300:], start_s=103)
    found = measured(vertical(trace), [114.4, 114.5, 117, 119.5]).amplitudes.noise_mm[:, 0]
    record = np.abs(wood_anderson_record(trace, HH))
    expected = [record[800 : round(100 * (at - 103.5))].max() for at in (114.5, 117, 119.5)]
    assert np.isnan(found[0])
    assert_allclose(found[1:], expected, rtol=1e-6)


def test_an_interpolated_gap_is_a_gap(counts):
    trace = trace_of(counts)
    bridged = replace(trace, bridged=np.array([[trace.first + 6000, 20]]))
    flag = measured(vertical(bridged), [40, 55, 61]).amplitudes.flag[:, :, 0]
    assert flag.tolist() == [[0, 0, 1], [0, 1, 1], [0, 0, 0]]


def test_a_clipped_window_is_flagged_and_has_no_bound(counts):
    limit = np.abs(counts + 70_000).max() // 3
    clipped = np.clip(counts, -70_000 - limit, -70_000 + limit)
    found = measured(vertical(trace_of(clipped)), [20, 40])
    tops = np.flatnonzero(np.abs(clipped + 70_000) == limit) / 100
    at = measured(vertical(trace_of(clipped)), [tops[0] - 1]).amplitudes
    assert at.flag[0, :, 0].tolist() == [AmplitudeFlag.CLIPPED] * 3
    assert found.envelope.vertical[int(tops[0] // 10)] == UNBOUNDED


def test_ordinary_records_are_not_clipped(counts):
    rows = np.lib.stride_tricks.sliding_window_view(counts, 3000)[::100]
    assert np.all(first_flat_tops(rows) == NO_TOP)
    slow = np.round(1e5 * np.sin(2 * np.pi * np.arange(20_000) / 1e4)).astype(np.int32)
    assert first_flat_tops(slow[None])[0] == NO_TOP


def test_a_dead_channel_has_no_amplitude():
    found = measured(vertical(trace_of(np.full(20_000, 7, np.int32))), [60])
    assert np.all(found.amplitudes.flag[:, :, 0] == AmplitudeFlag.GAP)
    assert np.all(found.envelope.vertical == UNKNOWN)
    assert found.count == 0


@pytest.mark.parametrize("rate", [40, 50, 62.5, 100])
def test_the_envelope_bounds_every_amplitude(rate):
    """No amplitude of a window is larger than the steps that it touches allow."""
    from fractions import Fraction

    samples = recorded(ground_velocity(600, 100, 3), "HH")
    trace = replace(trace_of(samples), rate=Fraction(rate), first=round(DAY_NS * rate / 1e9) + 5)
    times = np.arange(30, 200, 7.3)
    both = measured({s: Component(s, [trace], [(EVER, HH)]) for s in "NE"}, times, "S")
    bounds = decode_envelope(both.envelope.horizontal)
    assert (np.isfinite(bounds)).sum() == len(samples) / rate // 10 - 1
    for time, size in zip(times, both.amplitudes.amplitude_mm[:, 0, 1], strict=True):
        steps = slice(int(time // 10), int((time + 3) // 10) + 1)
        assert size <= bounds[steps].max() * (1 + 1e-6)


def test_each_epoch_has_its_own_response(counts):
    """Twice the gain from a time on: half the amplitude; without a response there is none."""
    louder = replace(HH, gain=2 * HH.gain)
    at_ns = DAY_NS + 100 * SECOND_NS
    late_ns = DAY_NS + 200 * SECOND_NS
    epochs = [(Span(EVER.start_ns, at_ns), HH), (Span(at_ns, late_ns), louder)]
    times = [60, 150, 250]
    one = measured(vertical(trace_of(counts)), times).amplitudes.amplitude_mm[:, 0, 0]
    found = measured(vertical(trace_of(counts), responses=epochs), times).amplitudes
    assert_allclose(found.amplitude_mm[:2, 0, 0], one[:2] / [1, 2], rtol=1e-3)
    assert found.flag[2, 0, 0] == AmplitudeFlag.NO_RESPONSE


def test_first_motions_have_the_sign_of_the_ground():
    rng = np.random.default_rng(0)
    onset = np.exp(-np.arange(200) / 30) * np.sin(np.arange(200) / 3)
    samples = rng.normal(0, 5, 12_000)
    for at, size in ((3000, 300), (5000, -300), (7000, 3)):
        samples[at : at + 200] += size * onset
    trace = trace_of(samples.astype(np.int32))
    starts = np.array([100, 3000, 5000, 7000])
    polarity, ratio = first_motions(trace, starts)
    assert polarity.tolist() == [0, 1, -1, 0]
    assert ratio[1] > 10
    assert first_motions(trace, starts, turned=True)[0].tolist() == [0, -1, 1, 0]
    turned = vertical(trace, responses=[(EVER, replace(HH, gain=-HH.gain))])
    assert measured(turned, [30, 50]).amplitudes.polarity.tolist() == [-1, 1]
    assert measured(vertical(trace), [30, 50], "S").amplitudes.polarity.tolist() == [0, 0]


def test_a_response_whose_inverse_rings_is_refused(counts):
    """A notch of the sensor at 3 Hz cannot be undone."""
    notch = Shape(((0.0, 18.85), (0.0, -18.85)), ((-19.0, 0.0), (-18.0, 0.0)), reference_hz=10)
    with pytest.raises(ResponseError, match="rings"):
        wood_anderson_record(trace_of(counts), Response("M/S", 1e9, (notch,)))
    found = measured(
        vertical(trace_of(counts), responses=[(EVER, Response("M/S", 1e9, (notch,)))]), [60]
    )
    assert found.count == 0
    assert "rings" in found.problems[0]
