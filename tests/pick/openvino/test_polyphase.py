from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epicat.pick.openvino.outputs import with_rows
from epicat.pick.openvino.polyphase import with_phases
from epicat.pick.openvino.runtime import BATCH, core, cpu_properties, import_openvino
from epicat.pick.picker import PickOptions
from epicat.pick.resolve import prepare_bundle

ov = import_openvino()


def answers(model, samples):
    return core().compile_model(model, "CPU", cpu_properties())([samples])[0]


def types(model):
    return [op.get_type_name() for op in model.get_ops()]


def noise(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


def weights(*shape):
    """Weights that keep the size of what comes in, so that rounding stays small."""
    return noise(*shape) / np.float32(np.sqrt(shape[1] * shape[2]))


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
def test_a_transposed_convolution_gives_what_its_definition_says(data):
    import openvino.opset13 as op

    stride = data.draw(st.integers(1, 5))
    length = data.draw(st.integers(1, 8))
    dilation = data.draw(st.integers(1, 2))
    reach = dilation * (length - 1)
    pads = [data.draw(st.integers(0, min(reach, 3))) for _ in range(2)]
    more = data.draw(st.integers(0, stride - 1))
    samples, kernel = noise(2, 3, 11), noise(3, 4, length)
    windows = op.parameter(samples.shape, ov.Type.f32)
    made = op.convolution_backprop_data(
        windows, op.constant(kernel), strides=[stride], pads_begin=pads[:1],
        pads_end=pads[1:], dilations=[dilation], output_padding=[more],
    )  # fmt: skip
    spread = transposed(samples, kernel, stride, dilation)
    whole = np.pad(spread, [(0, 0), (0, 0), (0, more)])
    expected = whole[:, :, pads[0] : whole.shape[2] - pads[1]]

    rewritten = with_phases(ov.Model([made], [windows], "one"))

    assert "ConvolutionBackpropData" not in types(rewritten)
    found = answers(rewritten, samples)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)


@st.composite
def decoders(draw):
    """Draw the end of a picker: it returns to a higher rate, step by step, in few channels."""
    import openvino.opset13 as op

    def convolved(given, channels, length):
        kernel = op.constant(weights(channels, given.get_output_shape(0)[1], length))
        before = draw(st.integers(0, length - 1))
        made = op.convolution(given, kernel, [1], [before], [length - 1 - before], [1])
        made = op.add(made, op.constant(noise(1, channels, 1)))
        return op.sigmoid(made) if draw(st.booleans()) else op.relu(made)

    def integers(*values):
        return op.constant(np.array(values, np.int64))

    def higher(given, channels):
        length, factor = given.get_output_shape(0)[2], draw(st.integers(2, 4))
        if draw(st.booleans()):
            made = op.interpolate(
                given, integers(factor * length), "nearest", "sizes", axes=integers(2),
                coordinate_transformation_mode="asymmetric", nearest_mode="floor",
            )  # fmt: skip
            return convolved(made, channels, draw(st.integers(1, 6)))
        kernel = op.constant(weights(given.get_output_shape(0)[1], channels, 7))
        made = op.relu(op.convolution_backprop_data(given, kernel, strides=[factor]))
        stop = made.get_output_shape(0)[2] - draw(st.integers(0, 3))
        return op.slice(made, integers(draw(st.integers(0, 3))), integers(stop), integers(1),
                        integers(2))  # fmt: skip

    windows = op.parameter([2, 3, draw(st.integers(5, 17))], ov.Type.f32)
    made = windows
    for _ in range(draw(st.integers(1, 3))):
        made = higher(made, draw(st.sampled_from([1, 3, 8, 20])))
        if draw(st.booleans()):
            beside = op.constant(noise(*made.get_output_shape(0)))
            made = convolved(op.concat([beside, made], 1), draw(st.integers(1, 9)), 5)
    if draw(st.booleans()):
        made = convolved(made, draw(st.integers(1, 9)), draw(st.integers(1, 7)))
    return ov.Model([made], [windows], "decoder")


@settings(max_examples=30, deadline=None)
@given(decoders())
def test_layers_one_after_the_other_give_the_same(model):
    samples = noise(*model.input(0).get_shape())
    expected = answers(model, samples)

    found = answers(with_phases(model), samples)

    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.usefixtures("seisbench_cache")
@pytest.mark.parametrize("name", ["PhaseNet", "EQTransformer"])
def test_pickers_give_the_same_probabilities(name):
    bundle = prepare_bundle(PickOptions(model=name, weight="original"))
    windows = np.random.default_rng(3).normal(size=(BATCH, 3, bundle.info.samples)).astype("f4")
    windows[:, :, 1200:1400] *= 20
    model = ov.Core().read_model(bundle.graph)
    before = types(model)
    assert before.count("ConvolutionBackpropData") + before.count("Interpolate") >= 4
    rows = bundle.info.picked_rows
    expected = answers(model, windows)[:, rows]

    rewritten = with_phases(with_rows(model, rows))

    assert "ConvolutionBackpropData" not in types(rewritten)
    assert types(rewritten).count("Interpolate") <= 3  # of EQTransformer: those that are cut
    found = answers(rewritten, windows)
    assert np.nanmax(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("rows", [[0, 1, 2], [1, 2], [2, 0]])
@pytest.mark.parametrize("stacked", [True, False])
def test_rows_that_are_not_asked_for_are_not_computed(rows, stacked):
    import openvino.opset13 as op

    windows = op.parameter([2, 3, 7], ov.Type.f32)
    axis = op.constant(np.int64(1))
    apart = [op.tanh(row) for row in op.split(windows, axis, 3).outputs()]
    whole = op.concat(apart, 1)
    if stacked:
        last = op.constant(np.array([0, 2, 1]))
        turned = [op.transpose(row, last) for row in apart]
        whole = op.transpose(op.concat(turned, -1), last)
    model = ov.Model([whole], [windows], "rows")
    samples = noise(2, 3, 7)

    chosen = with_rows(model, rows)

    np.testing.assert_allclose(answers(chosen, samples), np.tanh(samples)[:, rows], atol=1e-6)
    assert types(chosen).count("Tanh") == len(rows)
