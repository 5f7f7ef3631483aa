from __future__ import annotations

import copy
import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epicat._util.files import cache_folder
from epicat.errors import ModelError
from epicat.pick.openvino.bundle import Bundle, bundle_folder, list_bundles
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import BATCH, import_openvino
from epicat.pick.pick_options import Precision
from epicat.pick.weights.files import find_weights
from support.tiny_bundle import write_bundle

F32 = NDArray[np.float32]


def real_windows(realdata: Path, samples: int, count: int = 66) -> F32:
    """Return the windows around the analysts' picks, components as they come."""
    files = sorted((realdata / "norcal_windows").glob("*.npz"))[:count]
    return np.stack([np.load(f)["data"][2000 : 2000 + samples].T for f in files]).astype(np.float32)


def odd_windows(samples: int) -> F32:
    """Return windows that are extreme in some way."""
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(12, 3, samples))
    noise[1] = 0
    noise[2, 0] = noise[2, 2] = 0
    noise[3, :, :1000] = 0
    noise[4] *= 1e-6
    noise[5] *= 1e9
    noise[6] += 10
    noise[7] = 5
    noise[8, :, 1500] = 1e8
    noise[9] = np.arange(samples)
    noise[10] = np.sign(noise[10]) * 2**31
    return noise.astype(np.float32)


def test_what_is_known_is_what_the_weights_say(bundles: dict[str, Bundle]) -> None:
    original, light = bundles["PhaseNet"].info, bundles["PhaseNetLight"].info
    assert (original.model, original.weight) == ("PhaseNet", "original")
    assert original.phases == ("N", "P", "S")
    assert original.component_order == "ENZ"
    assert original.thresholds == {"P": 0.3, "S": 0.3}
    assert original.blinding == (250, 250)
    assert (light.model, light.weight) == ("PhaseNetLight", "ethz")
    assert light.phases == ("P", "S", "N")
    assert light.component_order == "ZNE"
    assert light.thresholds == {"P": 0.4439247878516038, "S": 0.4502677090692625}
    assert light.blinding == (0, 0)
    for info in (original, light):
        assert (info.sampling_rate, info.samples) == (100, 3001)
        assert (info.overlap, info.stride) == (1500, 1501)
        assert info.stacking == "avg"
        assert set(info.made_with) == {"openvino"}


def test_what_is_known_is_what_seisbench_would_use(bundle: Bundle, seisbench_model: Any) -> None:
    info, model = bundle.info, seisbench_model
    known = {k: v for k, (_, v) in model._annotate_args.items()} | model.default_args
    assert list(info.phases) == list(model.labels)
    assert list(info.component_order) == list(model.component_order)
    assert info.samples == model.in_samples
    assert info.sampling_rate == model.sampling_rate
    assert info.overlap == model._get_overlap(model.in_samples, model.default_args)
    assert info.blinding == tuple(known["blinding"])
    assert info.stacking == known["stacking"]
    assert info.thresholds == {
        p: model.default_args.get(f"{p}_threshold", model._annotate_args["*_threshold"][1])
        for p in "PS"
    }


def test_the_bundle_names_the_content_of_its_weights(bundle: Bundle, seisbench_cache: Path) -> None:
    files = find_weights(bundle.info.model, bundle.info.weight)
    assert files is not None
    assert files.weights.is_relative_to(seisbench_cache)
    assert (bundle.info.weights_sha256, bundle.info.metadata_sha256) == files.sha256
    assert bundle.folder == bundle_folder(files)
    assert bundle in list_bundles()
    assert Bundle.read(bundle.folder) == bundle


def test_the_compiled_model_runs_in_f32(picker: OpenVinoPicker) -> None:
    """OpenVINO would choose bf16 where the CPU has it; the precision is read back from it."""
    assert picker.precision == "f32"


def seisbench_probabilities(model: Any, windows: NDArray[Any]) -> NDArray[Any]:
    """Return what SeisBench's own functions give, in the precision of the windows."""
    import torch

    with torch.no_grad():
        found = model(model.annotate_batch_pre(torch.tensor(windows), {}))
        found = model.annotate_batch_post(found, None, {"blinding": (0, 0)})
    return np.asarray(found.numpy().transpose(0, 2, 1))


def test_probabilities_are_those_of_seisbench(
    picker: OpenVinoPicker, seisbench_model: Any, realdata: Path
) -> None:
    samples = picker.info.samples
    windows = np.concatenate([real_windows(realdata, samples), odd_windows(samples)])
    rows = picker.info.picked_rows
    theirs = seisbench_probabilities(seisbench_model.eval(), windows)[:, rows]
    ours = picker.probabilities(windows)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape == (len(windows), 2, samples)
    # Measured: 4e-6 at most.
    assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("offset", [-1e4, 1e6, 8e6])
def test_an_offset_of_the_digitiser_does_no_harm(
    picker: OpenVinoPicker, seisbench_model: Any, realdata: Path, offset: float
) -> None:
    """Counts around a large mean, and dead channels that have one: as in 64 bits.

    In 32 bits SeisBench itself is off by 0.0009 at a million counts and standard deviations of
    100, and by 0.98 where a dead channel stands at ten million: its mean is not exact.
    """
    windows = real_windows(realdata, picker.info.samples).astype(np.float64)
    size = np.maximum(windows.std(axis=(1, 2), keepdims=True), 1e-9)
    windows = np.round(windows / size * 100) + offset  # whole counts, exact in 32 bits
    assert (windows == windows.astype(np.float32)).all()
    assert (windows.std(axis=2) == 0).sum() > 20  # dead channels
    exact = seisbench_probabilities(copy.deepcopy(seisbench_model).double().eval(), windows)
    # Measured: 5e-6 at most, as without an offset.
    ours = picker.probabilities(windows.astype(np.float32))
    assert np.abs(ours - exact[:, picker.info.picked_rows]).max() < 1e-5


def test_a_window_does_not_depend_on_its_batch(picker: OpenVinoPicker, realdata: Path) -> None:
    """To the last bit: alone, at every place in a batch, beside whatever mates."""
    samples = picker.info.samples
    real, odd = real_windows(realdata, samples, BATCH), odd_windows(samples)
    alone = np.concatenate([picker.probabilities(w[None]) for w in real])
    for shift in range(BATCH):
        found = picker.probabilities(np.roll(real, shift, axis=0))
        np.testing.assert_array_equal(np.roll(found, -shift, axis=0), alone)
    for place in range(BATCH):
        mates = odd[np.arange(BATCH) % len(odd)]
        mates[place] = real[0]
        np.testing.assert_array_equal(picker.probabilities(mates)[place], alone[0])
        part = mates[place : place + 3]
        np.testing.assert_array_equal(picker.probabilities(part)[0], alone[0])


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH, 40])
def test_any_number_of_windows(picker: OpenVinoPicker, realdata: Path, count: int) -> None:
    windows = real_windows(realdata, picker.info.samples)[:count]
    found = picker.probabilities(windows)
    assert found.shape == (count, 2, picker.info.samples)
    for window, result in zip(windows[::7], found[::7], strict=True):
        np.testing.assert_array_equal(picker.probabilities(window[None])[0], result)


def test_threads_do_not_change_a_bit(bundle: Bundle, realdata: Path) -> None:
    windows = real_windows(realdata, bundle.info.samples, 66)
    picker = OpenVinoPicker(bundle)
    alone = picker.probabilities(windows)
    for threads in (2, 3, 5, 1):
        picker.use_threads(threads)
        assert picker.threads == threads
        for count in (66, 2 * BATCH + 1, BATCH, 1):
            np.testing.assert_array_equal(picker.probabilities(windows[:count]), alone[:count])
    np.testing.assert_array_equal(OpenVinoPicker(bundle, 4).probabilities(windows), alone)


def test_workers_do_not_all_compute_on_one_core(picker: OpenVinoPicker, realdata: Path) -> None:
    """OpenVINO pins the one thread of each process to the same core unless it is told not to."""
    windows = real_windows(realdata, picker.info.samples, BATCH)
    thread, done, seen = threading.get_native_id(), threading.Event(), set()

    def look() -> None:
        while not done.is_set():
            seen.add(frozenset(os.sched_getaffinity(thread)))

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        for _ in range(20):
            picker.probabilities(windows)
        done.set()
        looking.result()
    assert seen == {frozenset(os.sched_getaffinity(0))}


def test_results_are_not_overwritten_and_windows_not_touched(
    picker: OpenVinoPicker, realdata: Path
) -> None:
    windows = real_windows(realdata, picker.info.samples, 2 * BATCH)
    given = windows.copy()
    first = picker.probabilities(windows[:BATCH])
    kept = first.copy()
    picker.probabilities(windows[BATCH:])
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(windows, given)


def test_windows_may_be_views(picker: OpenVinoPicker, realdata: Path) -> None:
    windows = real_windows(realdata, picker.info.samples, BATCH)
    view = np.asfortranarray(windows)
    assert not view.flags.c_contiguous
    np.testing.assert_array_equal(picker.probabilities(view), picker.probabilities(windows))


@pytest.mark.parametrize(("precision", "name"), [("f16", "FP16"), ("bf16", "BF16")])
def test_fewer_bits_are_near_or_refused(
    bundle: Bundle, realdata: Path, precision: Precision, name: str
) -> None:
    """OpenVINO would compute in bf16 where it was asked for f16 and the processor has none."""
    if name not in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(ModelError, match=f"precision '{precision}': this machine computes in"):
            OpenVinoPicker(bundle, precision=precision)
        return
    windows = np.round(real_windows(realdata, bundle.info.samples, BATCH))
    exact = OpenVinoPicker(bundle).probabilities(windows)
    picker = OpenVinoPicker(bundle, precision=precision)
    for offset in (0, 5_000_000):  # counts
        found = picker.probabilities(windows + np.float32(offset))
        assert 0 < np.abs(found - exact).max() < 0.3


# --- bundles on disk


@pytest.fixture
def tiny(own_cache: Path) -> Bundle:
    return write_bundle(cache_folder("bundles") / "PhaseNet-tiny-0")


def _cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _change(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"overlap": 10**6}))


@pytest.mark.parametrize("damage", [Path.unlink, _empty, _cut_in_half])
@pytest.mark.parametrize("name", ["bundle.json", "model.xml", "model.bin"])
def test_a_damaged_bundle_is_told_with_advice(
    tiny: Bundle, name: str, damage: Callable[[Path], None]
) -> None:
    damage(tiny.folder / name)
    with pytest.raises(ModelError) as caught:
        OpenVinoPicker(Bundle.read(tiny.folder))
    said = str(caught.value)
    assert str(tiny.folder) in said
    assert "delete it and run `epicat models compile` again" in said
    assert "\n" not in said


@pytest.mark.parametrize("left_out", ["bundle.json", "model.xml", "model.bin"])
def test_a_seal_that_leaves_out_a_file_is_none(tiny: Bundle, left_out: str) -> None:
    seal = tiny.folder / "SHA256SUMS"
    kept = [line for line in seal.read_text().splitlines() if not line.endswith(left_out)]
    seal.write_text("\n".join(kept))
    with pytest.raises(ModelError, match=f"{left_out} changed after it was compiled; delete it"):
        OpenVinoPicker(tiny)


def test_a_bundle_without_a_seal_is_refused(tiny: Bundle) -> None:
    (tiny.folder / "SHA256SUMS").unlink()
    with pytest.raises(ModelError, match="it has no SHA256SUMS; delete it and run `epicat models"):
        OpenVinoPicker(tiny)


@pytest.mark.parametrize("text", ["[]", '{"model": "PhaseNet"}', "\0\1", '{"surprise": 1}'])
def test_a_bundle_that_says_nonsense_is_refused(tiny: Bundle, text: str) -> None:
    tiny.description.write_text(text)
    with pytest.raises(ModelError, match=r"cannot be read \(.*\); delete it"):
        Bundle.read(tiny.folder)


def test_a_bundle_whose_windows_do_not_advance_is_refused(tiny: Bundle) -> None:
    _change(tiny.description)
    with pytest.raises(ModelError, match="cannot be read"):
        Bundle.read(tiny.folder)


def test_the_list_of_bundles_leaves_out_what_is_damaged_or_unfinished(tiny: Bundle) -> None:
    for name in ("PhaseNet-damaged-1", ".making-0123"):
        shutil.copytree(tiny.folder, tiny.folder.with_name(name))
    _cut_in_half(tiny.folder.with_name("PhaseNet-damaged-1") / "bundle.json")
    (tiny.folder.parent / "a-file").write_text("")
    (tiny.folder.parent / "an-empty-folder").mkdir()
    assert list_bundles() == [tiny]
