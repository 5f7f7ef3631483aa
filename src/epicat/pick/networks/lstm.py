"""Long short-term memory (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735).

On sequences of shape (batch, steps, features).  PyTorch keeps the weights of the four gates in the
order input, forget, cell, output; OpenVINO's is forget, input, cell, output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from epicat.pick.networks.layers import constant, dense, integers, op, shape_of
from epicat.pick.networks.parameters import F64, Parameters
from epicat.pick.openvino.runtime import import_openvino

__all__ = ["Lstm", "run_hard_lstms", "run_lstm"]

_GATES: Final = 4
_OPENVINO_ORDER: Final = (1, 0, 2, 3)


@dataclass(frozen=True, slots=True)
class Lstm:
    """The weights of one direction."""

    inputs: F64
    """Weights of the input, of shape (4 hidden, features)."""
    recurrent: F64
    """Weights of the hidden state, of shape (4 hidden, hidden)."""
    bias: F64
    """Of shape (4 hidden,)."""
    backward: bool = False
    """Whether it runs from the last step to the first."""

    @classmethod
    def from_parameters(
        cls,
        parameters: Parameters,
        names: tuple[str, str],
        sizes: tuple[int, int],
        *,
        backward: bool,
    ) -> Lstm:
        """Take the weights named ``{prefix}weight_ih{suffix}`` and so on.

        ``names`` are the prefix and the suffix, ``sizes`` the features and the hidden states.
        """
        (prefix, suffix), (features, hidden) = names, sizes
        rows = _GATES * hidden

        def get(part: str, *shape: int) -> F64:
            return parameters.get(f"{prefix}{part}{suffix}", *shape)

        bias = get("bias_ih", rows) + get("bias_hh", rows)
        return cls(get("weight_ih", rows, features), get("weight_hh", rows, hidden), bias, backward)

    @property
    def hidden(self) -> int:
        """Number of hidden states."""
        return int(self.recurrent.shape[1])


def run_lstm(sequence: Any, lstms: Sequence[Lstm]) -> Any:
    """Return the hidden states of one or both directions, (batch, steps, directions * hidden)."""
    batch, steps, _ = shape_of(sequence)
    hidden, directions = lstms[0].hidden, len(lstms)
    zeros = constant(np.zeros((batch, directions, hidden)))
    found = op.lstm_sequence(
        sequence,
        zeros,
        zeros,
        op.constant(np.full(batch, steps, np.int32)),
        constant(np.stack([_reordered(one.inputs) for one in lstms])),
        constant(np.stack([_reordered(one.recurrent) for one in lstms])),
        constant(np.stack([_reordered(one.bias) for one in lstms])),
        hidden,
        "bidirectional" if directions == 2 else "forward",
    )
    apart = op.transpose(found.output(0), integers(0, 2, 1, 3))
    return op.reshape(apart, integers(batch, steps, -1), special_zero=False)


def _reordered(rows: F64) -> F64:
    gates = np.split(rows, _GATES)
    return np.concatenate([gates[i] for i in _OPENVINO_ORDER])


def run_hard_lstms(sequences: Sequence[Any], lstms: Sequence[Lstm]) -> list[Any]:
    """Run LSTMs whose gates are hard sigmoids, as Keras had them; return their hidden states.

    One loop over the steps serves them all: each LSTM has its own sequence and its own direction.
    """
    hidden = lstms[0].hidden
    batch = shape_of(sequences[0])[0]
    rows = _GATES * hidden
    loop = op.tensor_iterator()
    gates = [op.parameter([batch, 1, rows], np.float32) for _ in lstms]
    states = [op.parameter([batch, hidden], np.float32) for _ in range(2 * len(lstms))]
    found = [
        _hard_step(gate, states[2 * i], states[2 * i + 1], lstm)
        for i, (gate, lstm) in enumerate(zip(gates, lstms, strict=True))
    ]
    outputs = [op.unsqueeze(h, integers(1)) for h, _ in found]
    after = [state for pair in found for state in pair]
    openvino = import_openvino()
    loop.set_body(openvino.Model([*after, *outputs], [*gates, *states]))
    zeros = constant(np.zeros((batch, hidden)))
    for gate, sequence, lstm in zip(gates, sequences, lstms, strict=True):
        driven = dense(sequence, lstm.inputs.T, lstm.bias)
        loop.set_sliced_input(gate, driven.output(0), *_walk(lstm), 1)
    for state, value in zip(states, after, strict=True):
        loop.set_merged_input(state, zeros.output(0), value.output(0))
    return [
        loop.get_concatenated_slices(output.output(0), *_walk(lstm), 1)
        for output, lstm in zip(outputs, lstms, strict=True)
    ]


def _walk(lstm: Lstm) -> tuple[int, int, int, int]:
    """Return the first step, the stride, the steps at a time, and the last step."""
    return (-1, -1, 1, 0) if lstm.backward else (0, 1, 1, -1)


def _hard_step(driven: Any, state: Any, cell: Any, lstm: Lstm) -> tuple[Any, Any]:
    """Return the hidden state and the cell after one step."""
    gates = op.add(
        op.squeeze(driven, integers(1)),
        op.matmul(state, constant(lstm.recurrent.T), False, False),
    )
    parts = op.split(gates, op.constant(np.int64(1)), _GATES)
    into, forget, new, out = (parts.output(i) for i in range(_GATES))
    cell = op.add(
        op.multiply(_hard_sigmoid(forget), cell), op.multiply(_hard_sigmoid(into), op.tanh(new))
    )
    return op.multiply(_hard_sigmoid(out), op.tanh(cell)), cell


def _hard_sigmoid(gate: Any) -> Any:
    return op.clamp(op.add(op.multiply(gate, constant(0.2)), constant(0.5)), 0.0, 1.0)
