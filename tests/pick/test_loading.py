from __future__ import annotations

import threading

import numpy as np
import pytest

from epicat.errors import ModelError
from epicat.pick.builtin import builtin_bundle
from epicat.pick.load import load_picker
from epicat.pick.loading import LoadingPicker
from epicat.pick.picker import Picker


def test_a_picker_that_is_loading_gives_the_same_when_it_is_there() -> None:
    bundle, go_on = builtin_bundle(), threading.Event()

    def load() -> Picker:
        go_on.wait(30)
        return load_picker(bundle)

    picker = LoadingPicker(load, bundle.info, "f32", 1)
    assert picker.info == bundle.info
    picker.use_threads(2)
    assert picker.threads == 2
    go_on.set()
    shape = (5, len(bundle.info.component_order), bundle.info.samples)
    windows = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    expected = load_picker(bundle).probabilities(windows)
    np.testing.assert_array_equal(picker.probabilities(windows), expected)
    assert picker._loaded().threads == 2


def test_what_loading_raises_is_raised_when_probabilities_are_wanted() -> None:
    bundle = builtin_bundle()

    def load() -> Picker:
        raise ModelError("damaged")

    picker = LoadingPicker(load, bundle.info, "f32", 1)
    for _ in range(2):
        with pytest.raises(ModelError, match="damaged"):
            picker.probabilities(np.zeros((1, 3, bundle.info.samples), np.float32))
