from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.pick.bundle import BATCH, import_openvino
from epicat.pick.picker import PickOptions
from epicat.pick.prepare import prepare_bundle
from epicat.pick.upsample import needs_plain_convolutions, with_plain_convolutions

ov = import_openvino()


def answers(model, samples):
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    return ov.Core().compile_model(model, "CPU", hints)([samples])[0]


def types(model):
    return [op.get_type_name() for op in model.get_ops()]


def transposed(samples, kernel, stride, dilation):
    """Spread each sample with the kernel, by the definition: (n, in, t) to (n, out, ...)."""
    count, length = samples.shape[2], kernel.shape[2]
    total = (count - 1) * stride + dilation * (length - 1) + 1
    spread = np.zeros((len(samples), kernel.shape[1], total))
    for at in range(count):
        for tap in range(length):
            here = at * stride + tap * dilation
            spread[:, :, here] += samples[:, :, at].astype("f8") @ kernel[:, :, tap].astype("f8")
    return spread


@settings(max_examples=25)
@given(st.data())
def test_a_plain_convolution_equals_a_transposed_one(data):
    import openvino.opset13 as op  # noqa: PLC0415 - after OpenVINO without its telemetry

    stride = data.draw(st.integers(1, 5))
    length = data.draw(st.integers(1, 8))
    dilation = data.draw(st.integers(1, 2))
    reach = dilation * (length - 1)
    pads = [data.draw(st.integers(0, min(reach, 3))) for _ in range(2)]
    more = data.draw(st.integers(0, stride - 1))
    samples = np.random.default_rng(1).normal(size=(2, 3, 11)).astype("f4")
    kernel = np.random.default_rng(2).normal(size=(3, 4, length)).astype("f4")
    windows = op.parameter(samples.shape, ov.Type.f32)
    made = op.convolution_backprop_data(
        windows, op.constant(kernel), strides=[stride], pads_begin=pads[:1],
        pads_end=pads[1:], dilations=[dilation], output_padding=[more],
    )  # fmt: skip
    spread = transposed(samples, kernel, stride, dilation)
    whole = np.pad(spread, [(0, 0), (0, 0), (0, more)])
    expected = whole[:, :, pads[0] : whole.shape[2] - pads[1]]

    rewritten = with_plain_convolutions(ov.Model([made], [windows], "one"))

    assert "ConvolutionBackpropData" not in types(rewritten)
    found = answers(rewritten, samples)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.usefixtures("seisbench_cache")
def test_phasenet_gives_the_same_probabilities_without_transposed_convolutions():
    bundle = prepare_bundle(PickOptions(model="PhaseNet", weight="original"))
    windows = np.random.default_rng(3).normal(size=(BATCH, 3, bundle.info.samples)).astype("f4")
    windows[:, :, 1200:1400] *= 20
    model = ov.Core().read_model(bundle.graph)
    assert types(model).count("ConvolutionBackpropData") == 4
    expected = answers(model, windows)

    found = answers(with_plain_convolutions(model), windows)

    assert np.nanmax(expected[:, 1]) > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_only_arm_needs_it():
    assert [needs_plain_convolutions(m) for m in ("aarch64", "arm64", "x86_64", "AMD64")] == [
        True, True, False, False,
    ]  # fmt: skip
