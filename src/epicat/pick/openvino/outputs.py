"""Remove from a graph what only makes probabilities that are not picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["with_rows"]


def with_rows(model: Any, rows: Sequence[int]) -> Any:
    """Let an OpenVINO model return some rows of (n, rows, samples) only, and return the model.

    EQTransformer has a decoder for each row: those of the other rows are removed.
    """
    (result,) = model.get_results()
    complete = result.input_value(0)
    if list(rows) != list(range(complete.get_shape()[1])):
        result.input(0).replace_source_output(_chosen(complete, rows))
        model.validate_nodes_and_infer_types()
    return model


def _chosen(complete: Any, rows: Sequence[int]) -> Any:
    import openvino.opset13 as op

    single = _single_rows(complete)
    if not single:
        wanted, axis = (op.constant(np.array(value, np.int64)) for value in (rows, 1))
        return op.gather(complete, wanted, axis).output(0)
    shape = op.constant(np.array([complete.get_shape()[0], 1, -1], np.int64))
    apart = [op.reshape(single[row], shape, special_zero=False) for row in rows]
    return op.concat(apart, 1).output(0)


def _single_rows(complete: Any) -> list[Any]:
    """Return the rows one by one if the graph joins them at its end.

    Either along the rows, or, as SeisBench does, as the columns of an array that is transposed.
    """
    node = complete.get_node()
    if node.get_type_name() == "Concat" and node.get_attributes()["axis"] in (1, -2):
        return _if_single(node.input_values(), 1)
    if node.get_type_name() != "Transpose":
        return []
    order = node.input_value(1).get_node()
    joined = node.input_value(0).get_node()
    if order.get_type_name() != "Constant" or order.get_data().tolist() != [0, 2, 1]:
        return []
    if joined.get_type_name() != "Concat" or joined.get_attributes()["axis"] not in (2, -1):
        return []
    return _if_single(joined.input_values(), 2)


def _if_single(parts: list[Any], axis: int) -> list[Any]:
    return parts if all(part.get_shape()[axis] == 1 for part in parts) else []
