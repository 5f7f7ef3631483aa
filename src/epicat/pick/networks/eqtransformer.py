"""EQTransformer (Mousavi et al. 2020, doi:10.1038/s41467-020-17591-w).

Seven convolutions, each followed by pooling, seven residual blocks, bidirectional LSTMs and two
transformers give a sequence of 16 features.  A decoder makes detections of it; for each phase an
LSTM, a local attention and a decoder make picks.

Weights converted from the authors' Keras files ask for "original compatible" modes: gates of the
LSTMs that are hard sigmoids (``conservative``), another constant in the attention, and samples
removed at another place in the decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from epicat.pick.networks.layers import (
    batch_norm,
    constant,
    conv,
    convolution,
    crop,
    dense,
    integers,
    length,
    max_pool,
    op,
    relu,
    shape_of,
    upsample,
)
from epicat.pick.networks.lstm import Lstm, run_hard_lstms, run_lstm
from epicat.pick.networks.parameters import F64, Parameters

__all__ = ["EQTransformer"]

_FILTERS: Final = (8, 16, 16, 32, 32, 64, 64)
_TAPS: Final = (11, 9, 7, 7, 5, 5, 3)
_RESIDUAL_TAPS: Final = (3, 3, 3, 3, 2, 3, 2)
_HIDDEN: Final = 16
"""Features after the LSTMs."""
_ATTENTION_UNITS: Final = 32
_FORWARD_UNITS: Final = 128
_LOCAL_WIDTH: Final = 3
"""Steps that the attention of a phase sees: one to each side."""
_EPSILON: Final = 1e-3
_LAYER_EPSILON: Final = 1e-14


@dataclass(frozen=True, slots=True)
class EQTransformer:
    """The network of one file of weights."""

    parameters: Parameters
    """The weights."""
    phases: int
    """How many phases are picked."""
    lstm_blocks: int
    """How many bidirectional LSTMs there are."""
    is_original: bool
    """Whether it computes as the authors' Keras model does; windows have 6000 samples then."""
    has_hard_gates: bool
    """Whether the gates of the LSTMs are hard sigmoids."""

    def __call__(self, windows: Any) -> Any:
        """Return probabilities (batch, 1 + phases, samples) of normalized, tapered windows.

        The first row is detections; those of the phases follow.
        """
        lengths, found = self._encoded(windows)
        for block, taps in enumerate(_RESIDUAL_TAPS):
            found = self._residual(f"res_cnn_stack.members.{block}", found, taps)
        found = op.transpose(found, integers(0, 2, 1))
        for block in range(self.lstm_blocks):
            found = self._lstm_block(f"bi_lstm_stack.members.{block}", found)
        for name in ("transformer_d0", "transformer_d"):
            found = self._transformer(name, found)
        rows = [self._decoded("decoder_d", "conv_d", found, lengths)]
        for phase, picked in enumerate(self._phase_lstms(found)):
            seen = self._attention(f"pick_attentions.{phase}", picked, _LOCAL_WIDTH)
            rows.append(
                self._decoded(f"pick_decoders.{phase}", f"pick_convs.{phase}", seen, lengths)
            )
        return op.concat(rows, 1)

    def _encoded(self, windows: Any) -> tuple[list[int], Any]:
        """Return the number of samples before each pooling, and the features after all."""
        lengths, found = [], windows
        for layer, (width, taps) in enumerate(zip(_FILTERS, _TAPS, strict=True)):
            lengths.append(length(found))
            shape = (width, shape_of(found)[1], taps)
            kernel = conv(self.parameters, f"encoder.convs.{layer}", shape)
            found = max_pool(relu(convolution(found, kernel, (taps // 2, taps // 2))))
        return lengths, found

    def _residual(self, name: str, tensor: Any, taps: int) -> Any:
        """Add two convolutions of the activated tensor to it (He et al. 2016)."""
        width = _FILTERS[-1]
        pads = (taps // 2, taps // 2) if taps % 2 else (0, taps - 1)
        first, second = (
            conv(self.parameters, f"{name}.conv{i}", (width, width, taps)) for i in (1, 2)
        )
        before, between = (
            batch_norm(self.parameters, f"{name}.norm{i}", width, _EPSILON) for i in (1, 2)
        )
        found = relu(convolution(relu(before(tensor)), first.then(between), pads))
        return op.add(tensor, convolution(found, second, pads))

    def _lstm_block(self, name: str, sequence: Any) -> Any:
        features = int(shape_of(sequence)[2])
        lstms = [
            self._lstm(f"{name}.lstm", features, backward=backward) for backward in (False, True)
        ]
        found = self._run([sequence, sequence], lstms)
        kernel = conv(self.parameters, f"{name}.conv", (_HIDDEN, 2 * _HIDDEN, 1))
        kernel = kernel.then(batch_norm(self.parameters, f"{name}.norm", _HIDDEN, _EPSILON))
        return dense(found[0], kernel.weights[:, :, 0].T, kernel.bias)

    def _phase_lstms(self, sequence: Any) -> list[Any]:
        lstms = [
            self._lstm(f"pick_lstms.{phase}", _HIDDEN, backward=False)
            for phase in range(self.phases)
        ]
        if self.has_hard_gates:
            return run_hard_lstms([sequence] * self.phases, lstms)
        return [run_lstm(sequence, [lstm]) for lstm in lstms]

    def _run(self, sequences: Sequence[Any], lstms: Sequence[Lstm]) -> list[Any]:
        if self.has_hard_gates:
            return [op.concat(run_hard_lstms(sequences, lstms), 2)]
        return [run_lstm(sequences[0], lstms)]

    def _lstm(self, name: str, features: int, *, backward: bool) -> Lstm:
        names = (f"{name}.", "_l0_reverse" if backward else "_l0")
        if self.parameters.has(f"{name}.cell_f.weight_ih"):  # as some of the original modes have it
            names = (f"{name}.cell_{'b' if backward else 'f'}.", "")
        return Lstm.from_parameters(self.parameters, names, (features, _HIDDEN), backward=backward)

    def _transformer(self, name: str, sequence: Any) -> Any:
        """Apply attention and a feed-forward layer, each added to what it sees and normalized."""
        seen = op.add(sequence, self._attention(f"{name}.attention", sequence))
        found = self._layer_norm(f"{name}.norm1", seen)
        get = self.parameters.get
        inner = dense(
            found,
            get(f"{name}.ff.lin1.weight", _FORWARD_UNITS, _HIDDEN).T,
            get(f"{name}.ff.lin1.bias", _FORWARD_UNITS),
        )
        outer = dense(
            relu(inner),
            get(f"{name}.ff.lin2.weight", _HIDDEN, _FORWARD_UNITS).T,
            get(f"{name}.ff.lin2.bias", _HIDDEN),
        )
        return self._layer_norm(f"{name}.norm2", op.add(found, outer))

    def _attention(self, name: str, sequence: Any, width: int = 0) -> Any:
        """Return a sequence weighted by additive attention (Bahdanau 2015, arXiv:1409.0473).

        Each step sees as many as ``width``, or all if it is 0.
        """
        get = self.parameters.get
        units = (_HIDDEN, _ATTENTION_UNITS)
        query = dense(sequence, get(f"{name}.Wt", *units), get(f"{name}.bh", _ATTENTION_UNITS))
        key = op.matmul(sequence, constant(get(f"{name}.Wx", *units)), False, False)
        hidden = op.tanh(op.add(op.unsqueeze(query, integers(2)), op.unsqueeze(key, integers(1))))
        scores = dense(hidden, get(f"{name}.Wa", _ATTENTION_UNITS, 1), get(f"{name}.ba", 1))
        return op.matmul(
            self._weights(op.squeeze(scores, integers(3)), width), sequence, False, False
        )

    def _weights(self, scores: Any, width: int) -> Any:
        """Return the weights (batch, steps, steps) of an attention."""
        largest = op.reduce_max(scores, integers(2), keep_dims=True)
        found = op.exp(op.subtract(scores, largest))
        if width:
            found = op.multiply(found, constant(_band(length(scores), width)))
        total = op.reduce_sum(found, integers(2), keep_dims=True)
        return op.divide(found, op.add(total, constant(1e-7 if self.is_original else 1e-5)))

    def _layer_norm(self, name: str, sequence: Any) -> Any:
        """Normalize the features of each step (Ba et al. 2016, arXiv:1607.06450)."""
        found = op.mvn(sequence, integers(2), True, _LAYER_EPSILON, "inside_sqrt")
        scaled = op.multiply(
            found, constant(self.parameters.get(f"{name}.gamma", _HIDDEN, 1)[:, 0])
        )
        return op.add(scaled, constant(self.parameters.get(f"{name}.beta", _HIDDEN, 1)[:, 0]))

    def _decoded(self, decoder: str, last: str, sequence: Any, lengths: Sequence[int]) -> Any:
        """Return one row of probabilities (batch, 1, samples)."""
        found = op.transpose(sequence, integers(0, 2, 1))
        taps = _TAPS[::-1]
        for layer, width in enumerate(_FILTERS[::-1]):
            found = self._cropped(upsample(found), lengths[-1 - layer])
            shape = (width, shape_of(found)[1], taps[layer])
            kernel = conv(self.parameters, f"{decoder}.convs.{layer}", shape)
            pad = taps[layer] // 2
            found = relu(convolution(found, kernel, (pad, pad)))
        kernel = conv(self.parameters, last, (1, _FILTERS[0], _TAPS[0]))
        return op.sigmoid(convolution(found, kernel, (_TAPS[0] // 2, _TAPS[0] // 2)))

    def _cropped(self, tensor: Any, samples: int) -> Any:
        """Remove what pooling of an odd number of samples added.

        The Keras model removes it one layer later, one sample at each end.
        """
        surplus = length(tensor) - samples
        if not self.is_original:
            return crop(tensor, 0, samples)
        return crop(tensor, 1, 1 + samples) if surplus == 2 else tensor


def _band(steps: int, width: int) -> F64:
    """Return ones where step j is among the ``width`` steps around step i, else zeros."""
    first = np.arange(steps)[:, None] - width // 2
    column = np.arange(steps)[None, :]
    return ((first <= column) & (column < first + width)).astype(np.float64)
