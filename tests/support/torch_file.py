"""Write PyTorch's files of tensors without PyTorch."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
}


def write_torch_file(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as ``torch.save`` writes a dictionary of tensors."""
    path.write_bytes(torch_file(tensors))


def torch_file(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the content of such a file."""
    arrays = {name: np.array(array, order="C") for name, array in tensors.items()}
    records = {f"data/{key}": array.tobytes() for key, array in enumerate(arrays.values())}
    return archive({"data.pkl": described(arrays), "byteorder": b"little", **records})


def archive(records: Mapping[str, bytes]) -> bytes:
    """Return a zip of records, none of them compressed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in records.items():
            file.writestr(f"archive/{name}", content)
    return stream.getvalue()


def described(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the pickle of a dictionary of tensors, one storage each."""
    items = [
        text(name) + tensor(str(key), array) for key, (name, array) in enumerate(arrays.items())
    ]
    return b"\x80\x02}(" + b"".join(items) + b"u."


def tensor(key: str, array: NDArray[Any]) -> bytes:
    """Return the instructions that make a tensor."""
    strides = tuple(stride // array.itemsize for stride in array.strides)
    storage = (
        b"(" + text("storage") + name("torch", _STORAGES[array.dtype.name]) + text(key)
        + text("cpu") + number(array.size) + b"tQ"
    )  # fmt: skip
    hooks = name("collections", "OrderedDict") + b")R"
    return (
        name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + number(0)
        + numbers(array.shape) + numbers(strides) + b"\x89" + hooks + b"tR"
    )  # fmt: skip


def text(value: str) -> bytes:
    """Return the instruction that pushes a text."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def name(module: str, attribute: str) -> bytes:
    """Return the instruction that refers to a name."""
    return f"c{module}\n{attribute}\n".encode()


def number(value: int) -> bytes:
    """Return the instruction that pushes an integer."""
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    """Return the instructions that push a tuple of integers."""
    return b"(" + b"".join(map(number, values)) + b"t"
