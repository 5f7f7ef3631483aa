from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat._util.files import cache_folder
from epicat.pick import mixed_precision
from epicat.pick.load import load_picker
from epicat.pick.mixed_precision import MixedPrecisionPicker
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import BATCH, import_openvino, reduced_precisions
from epicat.pick.pick_options import Precision
from epicat.pick.picker import F32, Picker, PickerInfo, Stretch
from epicat.pick.windows import Trigger, found_triggers, window_starts
from support.tiny_bundle import INFO as TINY
from support.tiny_bundle import write_bundle

THRESHOLDS = {"P": 0.3, "S": 0.45}


def info_of(samples: int, overlap: int, blinding: tuple[int, int], stacking: str) -> PickerInfo:
    given = {"samples": samples, "overlap": overlap, "blinding": blinding, "stacking": stacking}
    return PickerInfo(**TINY.model_dump() | given | {"thresholds": THRESHOLDS})


class Samples:
    """Waveforms as one array (components, samples)."""

    def __init__(self, data: F32) -> None:
        self.data = data

    def fill(self, window: F32, begin: int) -> None:
        window[:] = self.data[:, begin : begin + window.shape[1]]


class Exact(Picker):
    """Probabilities that are the samples, a little less towards a window's ends."""

    precision: Precision = "f32"

    def __init__(self, info: PickerInfo) -> None:
        self.info = info
        self.windows = 0

    def probabilities(self, windows: F32) -> F32:
        self.windows += len(windows)
        bell = 1 - np.linspace(-0.2, 0.2, self.info.samples, dtype=np.float32) ** 2
        return windows[:, :2] * bell


class Rough(Exact):
    """The same, wrong by up to so much of the threshold, and no number where it is told so."""

    def __init__(self, info: PickerInfo, wrong: float, none: float = np.inf) -> None:
        super().__init__(info)
        self._wrong, self._none = wrong, none

    def probabilities(self, windows: F32) -> F32:
        exact = super().probabilities(windows)
        rows = np.array([THRESHOLDS[phase] for phase in self.info.picked])[:, None]
        noise = np.random.default_rng(len(exact)).uniform(-1, 1, exact.shape)
        found = exact + noise * self._wrong * rows
        return np.where(exact > self._none, np.nan, found).astype(np.float32)


def stretches_of(lengths: Sequence[int], info: PickerInfo, seed: int) -> list[Stretch]:
    """Return noise with some arrivals, most of them near the threshold."""
    random, found = np.random.default_rng(seed), []
    for length in lengths:
        data = random.uniform(0, 0.05, (3, length)).astype(np.float32)
        for at in random.integers(0, max(length, 1), length // 60):
            row, width = random.integers(0, 2), random.integers(1, 30)
            data[row, at : at + width] += np.float32(random.uniform(0.05, 0.6))
        starts = window_starts(0, length, info, starts_really=True, ends_really=True)
        found.append(Stretch(Samples(data), 0, length, starts))
    return found


def picked(picker: Picker, stretches: Sequence[Stretch]) -> list[dict[str, list[Trigger]]]:
    return list(found_triggers(picker, stretches, THRESHOLDS, BATCH))


@pytest.fixture(params=[2, 512])
def group(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(mixed_precision, "_GROUP", request.param)
    return request.param


@pytest.mark.parametrize("stacking", ["avg", "max"])
@pytest.mark.parametrize("around_s", [0.0, 1.0])
@pytest.mark.usefixtures("group")
@given(
    samples=st.integers(4, 60),
    share=st.floats(0, 0.95),
    cut=st.tuples(st.floats(0, 0.45), st.floats(0, 0.45)),
    lengths=st.lists(st.integers(0, 600), max_size=5),
    seed=st.integers(0, 2**16),
)
def test_triggers_are_those_of_the_exact_picker(
    stacking: str,
    around_s: float,
    samples: int,
    share: float,
    cut: tuple[float, float],
    lengths: list[int],
    seed: int,
) -> None:
    """Whatever is wrong in fewer bits, as long as it is less than a third of the threshold."""
    blinding = (int(cut[0] * samples), int(cut[1] * samples))
    info = info_of(samples, int(share * samples), blinding, stacking)
    stretches = stretches_of(lengths, info, seed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mixed_precision, "_AROUND_S", around_s)
        found = picked(MixedPrecisionPicker(Rough(info, 0.33), Exact(info)), stretches)
    assert found == picked(Exact(info), stretches)


def test_a_quiet_day_is_not_computed_twice() -> None:
    info = info_of(301, 150, (25, 25), "avg")
    stretches = stretches_of([100_000], info, 1)
    assert isinstance(stretches[0].waveforms, Samples)
    stretches[0].waveforms.data[:] = 0.01
    stretches[0].waveforms.data[1, 50_000:50_020] = 0.5
    rough, exact = Rough(info, 0.1), Exact(info)
    (found,) = picked(MixedPrecisionPicker(rough, exact), stretches)
    assert [len(found[phase]) for phase in "PS"] == [0, 1]
    assert rough.windows == len(stretches[0].starts)
    assert 1 <= exact.windows <= 4


def test_what_is_no_number_in_fewer_bits_is_computed_again() -> None:
    info = info_of(60, 30, (0, 0), "avg")
    stretches = stretches_of([5000, 300], info, 2)
    found = picked(MixedPrecisionPicker(Rough(info, 0.1, none=0.2), Exact(info)), stretches)
    assert found == picked(Exact(info), stretches)
    assert any(by_phase["P"] for by_phase in found)


def test_a_phase_that_is_not_asked_for_costs_nothing() -> None:
    info = info_of(60, 30, (0, 0), "avg")
    (stretch,) = stretches_of([1000], info, 3)
    assert isinstance(stretch.waveforms, Samples)
    stretch.waveforms.data[:] = [[0.01], [0.9], [0.0]]
    exact = Exact(info)
    found = list(
        found_triggers(MixedPrecisionPicker(Rough(info, 0.1), exact), [stretch], {"P": 0.3}, BATCH)
    )
    assert found == [{"P": []}]
    assert exact.windows == 0


# --- real pickers


def real_stretches(realdata: Path, info: PickerInfo) -> list[Stretch]:
    """Return the 66 windows of 90 s around analysts' picks, and as many with a large offset."""
    found = []
    for path in sorted((realdata / "norcal_windows").glob("*.npz")):
        counts = np.load(path)["data"].T.astype(np.float32)
        starts = window_starts(0, counts.shape[1], info, starts_really=True, ends_really=True)
        for offset in (0, 4_000_000):
            shifted = Samples(np.round(counts) + np.float32(offset))
            found.append(Stretch(shifted, 0, counts.shape[1], starts))
    return found


def test_mixed_picks_are_those_of_32_bits(bundle: Bundle, realdata: Path) -> None:
    """To the last bit of their confidence, on the data where fewer bits alone gain and lose."""
    picker = load_picker(bundle, precision="mixed")
    assert isinstance(picker, MixedPrecisionPicker) == bool(reduced_precisions())
    stretches, thresholds = real_stretches(realdata, bundle.info), bundle.info.thresholds
    found = list(found_triggers(picker, stretches, thresholds, BATCH))
    exact = load_picker(bundle)
    assert isinstance(exact, OpenVinoPicker)
    assert found == list(found_triggers(exact, stretches, thresholds, BATCH))
    assert sum(map(len, (by_phase["P"] for by_phase in found))) > 66


def test_a_model_beyond_fewer_bits_is_computed_in_32(own_cache: Path) -> None:
    """Zero by zero is no number; OpenVINO says nothing of it."""
    bundle = write_bundle(cache_folder("bundles") / "PhaseNet-tiny-0")
    ov = import_openvino()
    import openvino.opset13 as op

    windows = op.parameter([BATCH, 3, bundle.info.samples], ov.Type.f32)
    largest = op.reduce_max(op.abs(windows), op.constant([2]), keep_dims=True)
    bundle.graph.unlink()
    ov.save_model(ov.Model([op.divide(windows, largest)], [windows], "ratio"), bundle.graph)
    bundle.write_checksums()
    assert isinstance(load_picker(bundle, precision="mixed"), OpenVinoPicker)
    for bits in reduced_precisions():
        with pytest.raises(Exception, match=f"precision '{bits}': PhaseNet 'tiny' gives NaN"):
            load_picker(bundle, precision=bits)
