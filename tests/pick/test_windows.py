from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epicat.pick import windows
from epicat.pick.picker import F32, Picker, PickerInfo, Stretch, Waveforms
from epicat.pick.windows import (
    Trigger,
    curves,
    found_triggers,
    triggers,
    window_starts,
)


def info_of(
    samples: int = 40,
    overlap: int = 20,
    blinding: tuple[int, int] = (0, 0),
    stacking: str = "avg",
) -> PickerInfo:
    return PickerInfo(
        model="Fake",
        weight="none",
        sampling_rate=100,
        samples=samples,
        phases="NPS",
        component_order="ZNE",
        overlap=overlap,
        blinding=blinding,
        stacking=stacking,  # type: ignore[arg-type]
        thresholds={"P": 0.3, "S": 0.3},
        weights_sha256="",
        metadata_sha256="",
        made_with={},
    )


class Fake(Picker):
    """Probabilities that depend on the window's samples and on the place in the window."""

    def __init__(self, info: PickerInfo) -> None:
        self.info = info
        self.calls: list[int] = []

    def probabilities(self, windows: F32) -> F32:
        self.calls.append(len(windows))
        assert windows.shape[1:] == (3, self.info.samples)
        ramp = np.linspace(0, 1, self.info.samples)
        return ((np.sin(7 * windows[:, 1:]) + 1) / 4 + ramp / 2).astype(np.float32)


class Whole(Waveforms):
    """Waveforms as one array (components, samples)."""

    def __init__(self, data: F32) -> None:
        self.data = data

    def fill(self, window: F32, begin: int) -> None:
        window[:] = self.data[:, begin : begin + window.shape[1]]


def noise(samples: int, seed: int) -> F32:
    return np.random.default_rng(seed).normal(size=(3, samples)).astype(np.float32)


def stretch_of(data: F32, starts: NDArray[np.int64]) -> Stretch:
    return Stretch(Whole(data), 0, data.shape[1], starts)


def data_of(stretch: Stretch) -> F32:
    assert isinstance(stretch.waveforms, Whole)
    return stretch.waveforms.data


def whole_curves(picker: Fake, stretches: Sequence[Stretch], batch: int) -> list[F32]:
    none = np.empty((2, 0), np.float32)
    return [np.concatenate([none, *ps], 1) for ps in curves(picker, stretches, batch)]


# --- where windows start


def test_windows_lie_on_the_grid_and_flush_with_real_borders() -> None:
    info = info_of(samples=40, overlap=20)
    both = window_starts(1003, 1110, info, starts_really=True, ends_really=True)
    assert both.tolist() == [1003, 1020, 1040, 1060, 1070]
    none = window_starts(1003, 1110, info, starts_really=False, ends_really=False)
    assert none.tolist() == [1020, 1040, 1060]
    assert window_starts(1003, 1110, info, starts_really=True, ends_really=False)[0] == 1003
    assert window_starts(1003, 1110, info, starts_really=False, ends_really=True)[-1] == 1070


def test_a_flush_window_that_is_on_the_grid_is_there_once() -> None:
    info = info_of(samples=40, overlap=20)
    found = window_starts(1000, 1100, info, starts_really=True, ends_really=True)
    assert found.tolist() == [1000, 1020, 1040, 1060]


@pytest.mark.parametrize(
    ("first", "stop", "really", "starts"),
    [
        (1003, 1042, True, []),  # one sample short
        (1003, 1003, True, []),
        (1003, 1043, True, [1003]),  # just one window
        (1003, 1044, True, [1003, 1004]),
        (1003, 1043, False, []),
        (1003, 1062, False, [1020]),
        (-45, 15, True, [-45, -40, -25]),  # before 1970
    ],
)
def test_short_segments(first: int, stop: int, really: bool, starts: list[int]) -> None:
    info = info_of(samples=40, overlap=20)
    found = window_starts(first, stop, info, starts_really=really, ends_really=really)
    assert found.tolist() == starts
    assert found.dtype == np.int64


def test_the_short_segments_of_holuhraun_have_windows() -> None:
    info = info_of(samples=3001, overlap=1500)
    first = 140_883_893_800
    found = window_starts(first, first + 3252, info, starts_really=True, ends_really=True)
    assert found.tolist() == [first, first + 251]
    assert len(window_starts(first, first + 3252, info, starts_really=False, ends_really=False)) < 2


@st.composite
def grids(draw: st.DrawFn) -> PickerInfo:
    samples = draw(st.integers(1, 50))
    return info_of(samples=samples, overlap=draw(st.integers(0, samples - 1)))


@given(grids(), st.integers(-(10**12), 10**12), st.integers(0, 400), st.booleans(), st.booleans())
def test_every_window_is_inside_and_on_the_grid_or_flush(
    info: PickerInfo, first: int, length: int, starts_really: bool, ends_really: bool
) -> None:
    stop = first + length
    found = window_starts(first, stop, info, starts_really=starts_really, ends_really=ends_really)
    assert (np.diff(found) > 0).all()
    assert ((found >= first) & (found + info.samples <= stop)).all()
    flush = [first] * starts_really + [stop - info.samples] * ends_really
    assert set(found[found % info.stride != 0].tolist()) <= set(flush)
    if length >= info.samples:
        assert set(flush) <= set(found.tolist())
        inside = range(-(-first // info.stride), (stop - info.samples) // info.stride + 1)
        assert {n * info.stride for n in inside} <= set(found.tolist())
    else:
        assert len(found) == 0


@given(grids(), st.integers(-1000, 1000), st.integers(0, 500), st.data())
def test_what_was_read_around_a_sample_does_not_change_its_windows(
    info: PickerInfo, first: int, length: int, data: st.DataObject
) -> None:
    """Two windows inside a cut edge, a sample has the windows that it has in the whole."""
    stop = first + length
    low = data.draw(st.integers(first - 10, stop), label="low")
    high = data.draw(st.integers(low, stop + 10), label="high")
    starts_really, ends_really = first > low, stop < high
    begin, end = max(first, low), min(stop, high)
    whole = window_starts(first, stop, info, starts_really=True, ends_really=True)
    part = window_starts(begin, end, info, starts_really=starts_really, ends_really=ends_really)
    # A segment that starts just where reading starts counts as cut.
    safe = range(
        begin if starts_really else begin + 2 * info.samples,
        end if ends_really else end - 2 * info.samples,
    )
    if not safe:
        return

    def over(starts: NDArray[np.int64]) -> list[int]:
        return [s for s in starts.tolist() if s < safe.stop and s + info.samples > safe.start]

    assert over(part) == over(whole)


# --- stacked probabilities


def reference(picker: Fake, stretch: Stretch) -> NDArray[np.float64]:
    """Return what `curves` should: naive, in 64 bits, with NaN for what is not there."""
    info = picker.info
    before, after = info.blinding
    data = data_of(stretch)
    layers = np.full((len(stretch.starts), 2, data.shape[1]), np.nan)
    for layer, start in zip(layers, stretch.starts, strict=True):
        window = data[:, start : start + info.samples]
        inner = picker.probabilities(window[None])[0, :, before : info.samples - after]
        layer[:, start + before : start + info.samples - after] = inner
    if len(layers) == 0:
        return np.full((2, data.shape[1]), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing but NaN at a sample
        return np.nanmean(layers, 0) if info.stacking == "avg" else np.nanmax(layers, 0)


def stretches_of(lengths: Sequence[int], info: PickerInfo, first: int = 977) -> list[Stretch]:
    found = []
    for seed, length in enumerate(lengths):
        starts = window_starts(first, first + length, info, starts_really=True, ends_really=True)
        found.append(stretch_of(noise(length, seed), starts - first))
        first += length + 13
    return found


@pytest.mark.parametrize("stacking", ["avg", "max"])
@given(
    grid=grids(),
    cut=st.tuples(st.floats(0, 0.49), st.floats(0, 0.49)),
    lengths=st.lists(st.integers(0, 200), max_size=4),
    batch=st.integers(1, 20),
)
def test_curves_are_those_of_the_naive_reference(
    stacking: str, grid: PickerInfo, cut: tuple[float, float], lengths: list[int], batch: int
) -> None:
    blinding = (int(cut[0] * grid.samples), int(cut[1] * grid.samples))
    picker = Fake(info_of(grid.samples, grid.overlap, blinding, stacking))
    stretches = stretches_of(lengths, picker.info)
    found = whole_curves(picker, stretches, batch)
    assert len(found) == len(stretches)
    for curve, stretch in zip(found, stretches, strict=True):
        assert curve.dtype == np.float32
        np.testing.assert_allclose(curve, reference(picker, stretch), atol=1e-6, equal_nan=True)


def test_samples_that_no_window_covers_are_nan() -> None:
    picker = Fake(info_of(40, 20, (5, 7)))
    data = noise(160, 1)
    (curve,) = whole_curves(picker, [stretch_of(data, np.array([10, 100]))], 16)
    covered = np.zeros(160, bool)
    covered[15:43] = covered[105:133] = True
    assert (np.isnan(curve) == ~covered).all()


def test_a_stretch_without_windows_is_nan_and_costs_nothing() -> None:
    picker = Fake(info_of())
    found = whole_curves(picker, [stretch_of(noise(39, 1), np.empty(0, np.int64))], 16)
    assert [c.shape for c in found] == [(2, 39)]
    assert np.isnan(found[0]).all()
    assert picker.calls == []
    assert list(curves(picker, [], 16)) == []


@pytest.mark.parametrize("stacking", ["avg", "max"])
def test_windows_of_five_thousand_stretches_share_batches(stacking: str) -> None:
    info = info_of(16, 8, (2, 2), stacking)
    lengths = np.random.default_rng(0).integers(0, 60, 5000).tolist()
    stretches = stretches_of(lengths, info)
    windows = sum(len(s.starts) for s in stretches)
    picker = Fake(info)
    together = whole_curves(picker, stretches, 16)
    assert picker.calls == [16] * (windows // 16) + [windows % 16] * (windows % 16 > 0)
    for curve, stretch in zip(together, stretches, strict=True):
        (alone,) = whole_curves(picker, [stretch], 16)
        np.testing.assert_array_equal(curve, alone)
    backwards = whole_curves(picker, stretches[::-1], 7)[::-1]
    for curve, again in zip(together, backwards, strict=True):
        np.testing.assert_array_equal(curve, again)


@pytest.mark.parametrize("threads", [2, 3])
def test_idle_cores_compute_ahead_and_the_curves_stay_the_same(threads: int) -> None:
    info = info_of(16, 8, (2, 2))
    stretches = stretches_of(np.random.default_rng(1).integers(0, 90, 300).tolist(), info)
    expected = whole_curves(Fake(info), stretches, 4)
    picker = Fake(info)
    picker.threads = threads
    found = whole_curves(picker, stretches, 4)
    assert set(sorted(picker.calls)[1:]) == {4}
    for curve, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(curve, other)
    begun = picker.of_stretches(stretches, {}, 4)
    next(begun)
    begun.close()  # type: ignore[attr-defined]


def test_the_given_data_stay_as_they_are() -> None:
    (stretch,) = stretches_of([200], info_of())
    before = data_of(stretch).copy()
    whole_curves(Fake(info_of()), [stretch], 4)
    np.testing.assert_array_equal(data_of(stretch), before)


@pytest.mark.parametrize("stacking", ["avg", "max"])
@given(
    lengths=st.lists(st.integers(0, 3000), max_size=3),
    block=st.integers(1, 700),
    threshold=st.sampled_from([0.3, 0.5, 0.7]),
)
def test_triggers_are_the_same_however_long_the_parts_are(
    stacking: str, lengths: list[int], block: int, threshold: float
) -> None:
    picker = Fake(info_of(40, 20, (3, 2), stacking))
    stretches = stretches_of(lengths, picker.info)
    whole = whole_curves(picker, stretches, 16)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(windows, "_BLOCK", block)
        in_parts = whole_curves(picker, stretches, 16)
        found = list(found_triggers(picker, stretches, {"S": threshold}, 16))
    for curve, parts, by_phase in zip(whole, in_parts, found, strict=True):
        np.testing.assert_array_equal(parts, curve)
        assert by_phase == {"S": triggers(curve[1], threshold)}


# --- triggers

PLATEAUS = [0.0, 0.1, 0.15, float(np.float32(0.15)), 0.2, 0.29, 0.3, 0.5, 0.9, float("nan")]


@given(
    st.lists(st.tuples(st.sampled_from(PLATEAUS), st.integers(1, 4)), max_size=60),
    st.sampled_from([0.3, 0.29, 0.9, 0.05, 0.4439247878516038]),
)
def test_triggers_are_those_of_obspy(plateaus: list[tuple[float, int]], threshold: float) -> None:
    """Also where a curve starts or ends above the threshold, is flat, or has NaN."""
    trigger_onset = pytest.importorskip("obspy.signal.trigger").trigger_onset

    curve = np.array([v for value, n in plateaus for v in [value] * n], np.float32)
    found = triggers(curve, threshold)
    theirs = np.array(trigger_onset(curve, threshold, threshold / 2)).reshape(-1, 2)
    assert [(t.onset, t.end) for t in found] == [tuple(pair) for pair in theirs.tolist()]
    for t in found:
        part = curve[t.onset : t.end + 1]
        assert t.peak == t.onset + int(np.argmax(part))
        assert t.confidence == float(part.max()) == float(curve[t.peak])


def test_triggers_of_smooth_curves_are_those_of_obspy() -> None:
    trigger_onset = pytest.importorskip("obspy.signal.trigger").trigger_onset

    for seed in range(50):
        steps = np.random.default_rng(seed).normal(size=3000).cumsum() / 30
        curve = (np.sin(steps) ** 2).astype(np.float32)
        curve[:250] = curve[-100:] = np.nan
        found = [(t.onset, t.end) for t in triggers(curve, 0.3)]
        inner = trigger_onset(curve[250:-100], 0.3, 0.15) + 250  # SeisBench cuts the edges off
        assert found == [tuple(pair) for pair in inner.tolist()]


def test_a_trigger_in_full() -> None:
    curve = np.array([0, 0.2, 0.3, 0.7, 0.7, 0.2, 0.31, 0.15, 0.14, 0.2, np.nan], np.float32)
    assert triggers(curve, 0.3) == [Trigger(2, 3, 7, float(np.float32(0.7)))]
    assert triggers(curve[:4], 0.3) == [Trigger(2, 3, 3, float(np.float32(0.7)))]
    assert triggers(curve, 0.8) == []
    assert triggers(np.full(5, np.nan, np.float32), 0.3) == []
    assert triggers(np.empty(0, np.float32), 0.3) == []


@pytest.mark.parametrize("step", [1, 7, 10])
def test_a_probability_may_stand_for_several_samples(step: int) -> None:
    """Triggers are those of the single probabilities, at the samples of these."""
    coarse = np.random.default_rng(step).uniform(0, 1, 500).astype(np.float32)
    finder = windows._Finder(0.7, step)
    fine = np.repeat(coarse, step)
    found = [t for part in np.array_split(fine, 9) for t in finder.add(part)] + finder.rest()
    assert found == [
        Trigger(t.onset * step, t.peak * step, t.end * step, t.confidence)
        for t in triggers(coarse, 0.7)
    ]
    assert len(found) > 50


@pytest.mark.parametrize(
    ("first", "stop"), [(1003, 2027), (1010, 2030), (1000, 1560), (1001, 1556)]
)
def test_windows_of_steps_start_at_multiples_of_them(first: int, stop: int) -> None:
    info = info_of(550, 390, (200, 190)).model_copy(update={"step": 10})
    starts = window_starts(first, stop, info, starts_really=True, ends_really=True)
    assert (starts % 10 == 0).all()
    assert all(first <= start <= stop - 550 for start in starts)
    if len(starts):
        assert starts[0] < first + 10
        assert starts[-1] > stop - 550 - 10
