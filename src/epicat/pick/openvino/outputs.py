"""Leave out of a graph what only makes probabilities that are not picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["with_rows"]


def with_rows(model: Any, rows: Sequence[int]) -> Any:
    """Let an OpenVINO model return some rows of (n, rows, samples) only, and return the model.

    EQTransformer has a decoder of its own for each row: those that are not asked for go.
    """
    (result,) = model.get_results()
    found = result.input_value(0)
    if list(rows) != list(range(found.get_shape()[1])):
        result.input(0).replace_source_output(_chosen(found, rows))
        model.validate_nodes_and_infer_types()
    return model


def _chosen(found: Any, rows: Sequence[int]) -> Any:
    import openvino.opset13 as op

    single = _singles(found)
    if not single:
        wanted, axis = (op.constant(np.array(value, np.int64)) for value in (rows, 1))
        return op.gather(found, wanted, axis).output(0)
    shape = op.constant(np.array([found.get_shape()[0], 1, -1], np.int64))
    apart = [op.reshape(single[row], shape, special_zero=False) for row in rows]
    return op.concat(apart, 1).output(0)


def _singles(found: Any) -> list[Any]:
    """Return the rows one by one if they are put together as the columns of a transposed array."""
    turned = found.get_node()
    if turned.get_type_name() != "Transpose":
        return []
    order = turned.input_value(1).get_node()
    together = turned.input_value(0).get_node()
    if order.get_type_name() != "Constant" or order.get_data().tolist() != [0, 2, 1]:
        return []
    if together.get_type_name() != "Concat" or together.get_attributes()["axis"] not in (2, -1):
        return []
    rows: list[Any] = together.input_values()
    return rows if all(row.get_shape()[-1] == 1 for row in rows) else []
