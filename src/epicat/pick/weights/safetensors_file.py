"""Read files of tensors in the safetensors format.

Eight bytes give the length of a JSON header, which maps the name of each tensor to its type, its
shape and its place among the bytes that follow (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from epicat.errors import ModelError

__all__ = ["read_safetensors_file"]

_LARGEST_HEADER: Final = 4 << 20
_LENGTH_BYTES: Final = 8
_DTYPES: Final = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}

Array = NDArray[Any]


def read_safetensors_file(path: Path) -> dict[str, Array]:
    """Return the tensors of a ``.safetensors`` file by name, as arrays.

    Raises `ModelError`, with the reason, if the file is damaged.
    """
    try:
        return _tensors(path.read_bytes())
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error})"
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
    raise ModelError(f"weights {str(path)!r} cannot be used: {reason}")


def _tensors(data: bytes) -> dict[str, Array]:
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    end = _LENGTH_BYTES + length
    if len(data) < end or length > _LARGEST_HEADER:
        raise ValueError(f"its header claims {length} bytes, more than there can be")
    header = json.loads(data[_LENGTH_BYTES:end].decode("utf-8"), object_pairs_hook=_unique)
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    header.pop("__metadata__", None)
    places = {name: _place(name, entry) for name, entry in header.items()}
    _check_cover(places, len(data) - end)
    return {name: _tensor(name, header[name], data[end:], places[name]) for name in places}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its header has a key twice")
    return found


def _place(name: str, entry: Any) -> tuple[int, int]:
    match entry:
        case {"dtype": str(), "shape": list(), "data_offsets": [int(begin), int(end)]}:
            return begin, end
    raise ValueError(f"tensor {name!r} is not described as the format asks")


def _check_cover(places: Mapping[str, tuple[int, int]], size: int) -> None:
    """Refuse tensors that overlap, leave a hole, or reach beyond the data."""
    expected = 0
    for begin, end in sorted(places.values()):
        if begin != expected or end < begin:
            raise ValueError("its tensors overlap, or leave bytes unused")
        expected = end
    if expected != size:
        raise ValueError(f"it has {size} bytes of data where its tensors have {expected}")


def _tensor(name: str, entry: Mapping[str, Any], data: bytes, place: tuple[int, int]) -> Array:
    shape, kind = entry["shape"], entry["dtype"]
    if kind not in _DTYPES or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 8:
        raise ValueError(f"tensor {name!r} has the type {kind!r} and the shape {shape}"[:150])
    dtype = np.dtype(_DTYPES[kind])
    if math.prod(shape) * dtype.itemsize != place[1] - place[0]:
        raise ValueError(f"tensor {name!r} has not the bytes that its shape needs")
    numbers = np.frombuffer(data[place[0] : place[1]], dtype)
    if kind == "BF16":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.reshape(shape).astype(numbers.dtype.newbyteorder("="))
