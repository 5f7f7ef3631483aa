"""Do the long and narrow layers of a graph by phases: faster, with the same result.

Pickers come back to the rate of the waveforms by transposed convolutions (PhaseNet) or by
repeating samples before a convolution (EQTransformer), and end in convolutions of a few channels
over thousands of samples, which leave most lanes of a processor empty.  Sample ``p q + r`` of such
a layer is a sum over samples around ``q`` with weights that depend on the phase ``r`` alone.  So
the layer is a plain convolution of ``p`` times the channels at a ``p``-th of the rate (Shi et al.
2016, arXiv:1609.05158): no product with a zero that was put in, no sample twice, no lane empty.
The phases are put one after the other at the very end.

On arm64 OpenVINO 2026.4.1 computes transposed convolutions over one dimension wrongly, with a
relative error of order one and no message.  Plain ones are right there: so all of them are done by
phases, on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["with_phases"]

_LANES = 16
"""Numbers of 32 bits in the widest register: a layer with fewer channels wastes the rest."""
_WIDEST = 32
"""Channels times phases up to which the next layer is done by phases as well: beyond, the taps
that it gains are dearer than putting the phases one after the other."""

F32 = NDArray[np.float32]


def with_phases(model: Any) -> Any:
    """Rewrite the layers of an OpenVINO model that gain by it, in place, and return the model."""
    _fold(model)
    rewriting = _Rewriting()
    for node in model.get_ordered_ops():
        rewriting.visit(node)
    model.validate_nodes_and_infer_types()
    return model


def _fold(model: Any) -> None:
    """Compute what is constant, such as the borders of slices."""
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)


@dataclass(frozen=True, slots=True)
class _Phased:
    """A tensor (n, channels, length) as (n, phases * channels, columns).

    Sample ``t`` is number ``i = t + begin`` of what is stored: in column ``i // phases``, and in
    the rows from ``i % phases * channels`` on.  What is stored beside the samples may be anything.
    """

    output: Any
    channels: int
    length: int
    phases: int = 1
    begin: int = 0
    repeats: int = 1
    """Each sample stands for as many; `length` counts them before."""

    @property
    def columns(self) -> int:
        return int(self.output.get_shape()[2])

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing beside the samples."""
        return self.begin == 0 and self.length == self.columns * self.phases


Tap = tuple[int, int, int]
"""Phase of the result, place in the kernel, and sample of the input counted from ``stride q``."""


class _Rewriting:
    """What is known of the tensors of a graph while its nodes are visited in order."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[_Phased, ...]] = {}
        self._plain: dict[tuple[str, int], Any] = {}

    def visit(self, node: Any) -> None:
        """Do a node by phases, or give it its inputs as it expects them."""
        rule = _RULES.get(node.get_type_name())
        parts = rule(self, node) if rule else ()
        if parts:
            self._known[_key(node.output(0))] = parts
            return
        for place in node.inputs():
            source = place.get_source_output()
            if _key(source) in self._known:
                place.replace_source_output(self.plain(source))

    def parts(self, output: Any) -> tuple[_Phased, ...]:
        """Return an output by phases, of which a plain tensor has one; several are channels."""
        shape = output.get_shape()
        return self._known.get(_key(output)) or (_Phased(output, shape[1], shape[2]),)

    def is_known(self, output: Any) -> bool:
        return _key(output) in self._known

    def plain(self, output: Any) -> Any:
        """Return an output as the original graph had it."""
        key = _key(output)
        if key not in self._known:
            return output
        if key not in self._plain:
            (part,) = self._known[key]
            self._plain[key] = _unphased(part)
        return self._plain[key]


def _key(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _readers(output: Any) -> list[Any]:
    return [place.get_node() for place in output.get_target_inputs()]


# --- rules: a node to what it is by phases, or nothing if it is to stay as it is


def _transposed(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Do a transposed convolution.

    Its sample ``t`` is the sum over samples ``i`` and places ``k`` of the kernel where
    ``stride i + dilation k = t + padding``.
    """
    weights, given = _constant(node.input_value(1)), node.get_attributes()
    if weights is None or len(given["strides"]) != 1:
        return ()
    (stride,), (dilation,), (pad,) = given["strides"], given["dilations"], given["pads_begin"]
    source = rewriting.plain(node.input_value(0))
    given_part = _Phased(source, source.get_shape()[1], source.get_shape()[2])
    cut, length = _window(node)
    phases = stride

    def taps() -> Iterator[Tap]:
        for r in range(phases):
            for k in range(weights.shape[2]):
                at, rest = divmod(r + cut + pad - dilation * k, stride)
                if not rest:
                    yield r, k, at

    kernel = weights.transpose(1, 0, 2)
    output = _sum([_convolved(given_part, kernel, list(taps()), phases, 1, length)])
    return (_Phased(output, kernel.shape[0], node.output(0).get_shape()[2], phases, -cut),)


def _plain(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Do a convolution over samples that come by phases or repeated; leave others."""
    weights, given = _constant(node.input_value(1)), node.get_attributes()
    source = node.input_value(0)
    if not rewriting.is_known(source) or weights is None or tuple(given["strides"]) != (1,):
        return ()
    parts = rewriting.parts(source)
    channels = weights.shape[0]
    if not _is_narrow(parts, channels):
        parts = tuple(map(_alone, parts))
    before = max(part.phases * part.repeats for part in parts)
    phases = before
    while phases * channels < _LANES:
        phases *= 2
    (dilation,), (pad,) = given["dilations"], given["pads_begin"]
    length = node.output(0).get_shape()[2]
    outputs, first = [], 0
    for part in parts:
        taps = [
            (r, k, (r + dilation * k - pad) // part.repeats + part.begin)
            for r in range(phases)
            for k in range(weights.shape[2])
        ]
        kernel = weights[:, first : first + part.channels]
        stride = phases // (part.phases * part.repeats)
        looked_at = part if weights.shape[2] == 1 else _masked(part)
        outputs.append(_convolved(looked_at, kernel, taps, phases, stride, length))
        first += part.channels
    return (_Phased(_sum(outputs), channels, length, phases),)


def _repeat(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Take note of samples that are repeated before convolutions, instead of repeating them."""
    given, source, result = node.get_attributes(), node.input_value(0), node.output(0)
    before, after = source.get_shape(), result.get_shape()
    if (
        (given["mode"], given["nearest_mode"]) != ("nearest", "floor")
        or given["coordinate_transformation_mode"] != "asymmetric"
        or len(after) != 3
        or (list(before[:2]), after[2] % before[2]) != (list(after[:2]), 0)
        or not all(_is_convolution(reader) for reader in _readers(result))
    ):
        return ()
    parts = rewriting.parts(source)
    if len(parts) != 1 or parts[0].repeats != 1:
        return ()
    return (replace(parts[0], repeats=after[2] // before[2]),)


def _is_convolution(node: Any) -> bool:
    return node.get_type_name() == "Convolution" and tuple(node.get_attributes()["strides"]) == (1,)


def _concat(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Leave channels apart if all that read them together are convolutions, which can sum."""
    sources = node.input_values()
    if (
        node.get_attributes()["axis"] not in (1, -2)
        or len(node.output(0).get_shape()) != 3
        or not any(rewriting.is_known(source) for source in sources)
        or not all(_is_convolution(reader) for reader in _readers(node.output(0)))
    ):
        return ()
    parts = tuple(part for source in sources for part in rewriting.parts(source))
    if len(parts) != len(sources) or any(part.repeats != 1 for part in parts):
        return ()
    widths = (reader.output(0).get_shape()[1] for reader in _readers(node.output(0)))
    return parts if all(_is_narrow(parts, width) for width in widths) else ()


def _is_narrow(parts: Sequence[_Phased], channels: int) -> bool:
    """Tell whether a convolution to so many channels gains if it is done by phases as well."""
    return channels * max(part.phases * part.repeats for part in parts) <= _WIDEST


def _pointwise(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Do what is the same for every number."""
    import openvino.opset13 as op

    function = {"Relu": op.relu, "Sigmoid": op.sigmoid}[node.get_type_name()]
    return _applied(rewriting, node, lambda part: function(part.output))


def _add(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Add a constant of each channel."""
    import openvino.opset13 as op

    bias = _bias(node)
    if bias is None:
        return ()
    return _applied(
        rewriting,
        node,
        lambda part: op.add(part.output, op.constant(np.tile(bias, (1, part.phases, 1)))),
    )


def _applied(
    rewriting: _Rewriting, node: Any, what: Callable[[_Phased], Any]
) -> tuple[_Phased, ...]:
    source = node.input_value(0)
    parts = rewriting.parts(source) if rewriting.is_known(source) else ()
    if len(parts) != 1 or parts[0].repeats != 1:
        return ()
    return (replace(parts[0], output=what(parts[0]).output(0)),)


def _slice(rewriting: _Rewriting, node: Any) -> tuple[_Phased, ...]:
    """Cut samples off at the ends: nothing is moved."""
    source = node.input_value(0)
    cut = _cut(node)
    if not rewriting.is_known(source) or cut is None:
        return ()
    (part,) = rewriting.parts(source)
    return (replace(part, begin=part.begin + cut[0], length=cut[1]),)


_RULES: dict[str, Callable[[_Rewriting, Any], tuple[_Phased, ...]]] = {
    "Add": _add,
    "Concat": _concat,
    "Convolution": _plain,
    "ConvolutionBackpropData": _transposed,
    "Interpolate": _repeat,
    "Relu": _pointwise,
    "Sigmoid": _pointwise,
    "Slice": _slice,
}


# --- what the rules are made of


def _constant(output: Any) -> F32 | None:
    """Return the numbers of a constant, which may be kept in 16 bits, or None."""
    node = output.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        return None
    return np.asarray(node.get_data(), np.float32)


def _bias(node: Any) -> F32 | None:
    """Return the constant (1, channels, 1) that a node adds, or None if it is no such."""
    bias = _constant(node.input_value(1)) if node.get_type_name() == "Add" else None
    shape = [1, node.output(0).get_shape()[1], 1] if bias is not None else []
    return bias if bias is not None and list(bias.shape) == shape else None


def _cut(node: Any) -> tuple[int, int] | None:
    """Return where a slice of samples begins, and how many it leaves; None if it is no such."""
    numbers = [_constant(value) for value in node.input_values()[1:]]
    before, after = node.input_value(0).get_shape(), node.output(0).get_shape()
    if len(numbers) != 4 or any(n is None or n.size != 1 for n in numbers) or len(after) != 3:
        return None
    begin, _, step, axis = (int(n.item()) for n in numbers if n is not None)
    if step != 1 or axis not in (2, -1):
        return None
    return begin + before[2] * (begin < 0), after[2]


def _window(node: Any) -> tuple[int, int]:
    """Return what all that follows takes of a node's result: the first sample and how many."""
    begin, length = 0, node.output(0).get_shape()[2]
    while len(readers := _readers(node.output(0))) == 1:
        (node,) = readers
        if node.get_type_name() == "Slice" and (cut := _cut(node)) is not None:
            begin, length = begin + cut[0], cut[1]
        elif node.get_type_name() != "Relu" and _bias(node) is None:
            break
    return begin, length


def _masked(part: _Phased) -> _Phased:
    """Put zeros beside the samples, as a convolution expects them."""
    import openvino.opset13 as op

    if part.is_bare:
        return part
    numbers = np.arange(part.columns * part.phases).reshape(-1, part.phases).T
    inside = (numbers >= part.begin) & (numbers < part.begin + part.length)
    mask = op.constant(np.repeat(inside, part.channels, axis=0)[None])
    # No product: where there are as many columns as places in the kernel, OpenVINO 2026.4.1 takes
    # the factors for those of the kernel.
    masked = op.select(mask, part.output, op.constant(np.float32(0)))
    return replace(part, output=masked.output(0))


def _convolved(
    part: _Phased, weights: F32, taps: Sequence[Tap], phases: int, stride: int, length: int
) -> Any:
    """Return the convolution whose result has so many phases.

    ``weights`` have the shape (out, in, places); a tap adds one place of them to one phase.
    """
    import openvino.opset13 as op

    columns = [at // part.phases for _, _, at in taps]
    low, high = min(0, *columns), max(0, *columns)
    out, into = weights.shape[0], weights.shape[1]
    kernel = np.zeros((phases, out, part.phases, into, high - low + 1), np.float32)
    for (r, k, at), column in zip(taps, columns, strict=True):
        kernel[r, :, at % part.phases, :, column - low] += weights[:, :, k]
    kernel = kernel.reshape(phases * out, part.phases * into, -1)
    wanted = -(-length // phases)
    after = max((wanted - 1) * stride + kernel.shape[2] + low - part.columns, 0)
    return op.convolution(part.output, op.constant(kernel), [stride], [-low], [after], [1])


def _sum(nodes: Sequence[Any]) -> Any:
    import openvino.opset13 as op

    total = nodes[0]
    for node in nodes[1:]:
        total = op.add(total, node)
    return total.output(0)


def _alone(part: _Phased) -> _Phased:
    """Return a part with its phases one after the other, repeated as before."""
    whole = _unphased(replace(part, repeats=1))
    return _Phased(whole, part.channels, part.length, repeats=part.repeats)


def _unphased(part: _Phased) -> Any:
    """Put the phases one after the other."""
    import openvino.opset13 as op

    def integers(*values: int) -> Any:
        return op.constant(np.array(values, np.int64))

    if part.repeats != 1 or part.begin < 0:
        raise ValueError("what is repeated or cut must be read by the rules above alone")
    found = part.output
    if part.phases > 1:
        apart = op.reshape(
            found, integers(0, part.phases, part.channels, part.columns), special_zero=True
        )
        turned = op.transpose(apart, integers(0, 2, 3, 1))
        found = op.reshape(turned, integers(0, part.channels, -1), special_zero=True).output(0)
    if not part.is_bare:
        ends = integers(part.begin), integers(part.begin + part.length)
        found = op.slice(found, *ends, integers(1), integers(2)).output(0)
    return found
