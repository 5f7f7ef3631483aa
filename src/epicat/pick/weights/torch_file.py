"""Read PyTorch's files of tensors (``torch.save``) without PyTorch.

Such a file is a zip: ``NAME/data.pkl`` describes the tensors, ``NAME/data/KEY`` holds the numbers
of one storage each, ``NAME/byteorder`` their byte order.  PyTorch compresses nothing, so that
nothing read here is larger than the file itself.
"""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from epicat.errors import ModelError
from epicat.pick.weights.restricted_pickle import (
    PickleError,
    StoredTensor,
    TensorStorage,
    read_restricted_pickle,
)

__all__ = ["read_torch_file"]

_LARGEST_PICKLE: Final = 4 << 20
"""Bytes of the description of the tensors; EQTransformer's takes 36 kB."""
_MOST_DIMENSIONS: Final = 8
_LARGEST_SHARE: Final = 8
"""Bytes of all tensors in units of the file's: several tensors may share one storage."""
_BYTE_ORDERS: Final[Mapping[bytes, Literal["<", ">"]]] = {b"little": "<", b"big": ">"}
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,  # an encrypted record
    UnicodeDecodeError,
    ValueError,
    struct.error,
)
"""What `zipfile` raises for a damaged file."""

Array = NDArray[Any]


def read_torch_file(path: Path) -> dict[str, Array]:
    """Return the tensors of a ``.pt`` file by name, as arrays.

    Nothing in the file is run.  Raises `ModelError`, with the reason, if it is damaged or holds
    anything but a dictionary of tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _TorchArchive(archive, path.stat().st_size).tensors()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error})"
    except PickleError as error:
        reason = f"{error}; nothing in it was run"
    except _DAMAGED as error:
        brief = " ".join(str(error).split())[:100] or type(error).__name__
        reason = f"the file is damaged, or not one that PyTorch saved ({brief})"
    raise ModelError(f"weights {str(path)!r} cannot be used: {reason}")


class _TorchArchive:
    """The records of an opened file, of which no more bytes are read than the file has."""

    def __init__(self, archive: zipfile.ZipFile, file_bytes: int) -> None:
        self._archive = archive
        self._bytes_left = file_bytes
        self._tensor_bytes_left = _LARGEST_SHARE * file_bytes
        self._records = _records(archive)
        self._prefix = _prefix(self._records)
        self._storages: dict[TensorStorage, Array] = {}

    def tensors(self) -> dict[str, Array]:
        """Return every tensor by name."""
        if self._records[f"{self._prefix}data.pkl"].file_size > _LARGEST_PICKLE:
            raise PickleError(f"its description is larger than {_LARGEST_PICKLE} bytes")
        described = read_restricted_pickle(self._read("data.pkl"))
        if not isinstance(described, dict):
            raise PickleError(f"it holds a {type(described).__name__}, not a dictionary of tensors")
        return {_name(key): self._tensor(key, value) for key, value in described.items()}

    def _read(self, name: str) -> bytes:
        record = self._records.get(self._prefix + name)
        if record is None:
            raise PickleError(f"it has no record {name[:100]!r}")
        self._bytes_left -= record.file_size
        if self._bytes_left < 0:
            raise PickleError("its records overlap")
        return self._archive.read(record)

    def _tensor(self, name: Any, tensor: Any) -> Array:
        if not isinstance(tensor, StoredTensor):
            raise PickleError(f"{name!r} is a {type(tensor).__name__}, not a tensor")
        _check_bounds(name, tensor)
        numbers = self._storage(tensor.storage)[tensor.offset :]
        self._tensor_bytes_left -= math.prod(tensor.shape) * numbers.itemsize
        if self._tensor_bytes_left < 0:
            raise PickleError("its tensors are far larger than the file")
        strides = [stride * numbers.itemsize for stride in tensor.strides]
        return as_strided(numbers, tensor.shape, strides, writeable=False).copy()

    def _storage(self, storage: TensorStorage) -> Array:
        if storage not in self._storages:
            self._storages[storage] = self._numbers(storage)
        return self._storages[storage]

    def _numbers(self, storage: TensorStorage) -> Array:
        data = self._read(f"data/{storage.key}")
        stored = np.dtype("uint16" if storage.dtype == "bfloat16" else storage.dtype)
        if len(data) != storage.numbers * stored.itemsize:
            raise PickleError(
                f"record {storage.key[:20]!r} has {len(data)} bytes, not {storage.numbers} numbers "
                f"of type {storage.dtype}"
            )
        numbers = np.frombuffer(data, stored.newbyteorder(self._byte_order()))
        if storage.dtype == "bfloat16":
            return (numbers.astype(np.uint32) << 16).view(np.float32)
        return numbers.astype(stored)

    def _byte_order(self) -> Literal["<", ">"]:
        if f"{self._prefix}byteorder" not in self._records:
            return "<"  # PyTorch before 2.1 wrote none
        order = self._archive.read(f"{self._prefix}byteorder")
        if order not in _BYTE_ORDERS:
            raise PickleError(f"its byte order is {order[:20]!r}")
        return _BYTE_ORDERS[order]


def _records(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    records: dict[str, zipfile.ZipInfo] = {}
    for record in archive.infolist():
        if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
            raise PickleError(f"record {record.filename[:100]!r} is compressed")
        if record.filename in records:
            raise PickleError(f"record {record.filename[:100]!r} is there twice")
        records[record.filename] = record
    return records


def _prefix(records: Mapping[str, zipfile.ZipInfo]) -> str:
    found = [name for name in records if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(found) != 1:
        raise PickleError("it is not one that PyTorch saved (one data.pkl is expected)")
    return found[0].removesuffix("data.pkl")


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise PickleError(f"a tensor has the name {key!r}")
    return key


def _check_bounds(name: str, tensor: StoredTensor) -> None:
    """Refuse a view that reaches out of its storage, or has more numbers than this."""
    lengths, strides = tensor.shape, tensor.strides
    if len(lengths) != len(strides) or len(lengths) > _MOST_DIMENSIONS:
        raise PickleError(f"tensor {name!r} has {len(lengths)} lengths and {len(strides)} strides")
    if tensor.offset < 0 or min((*lengths, *strides), default=0) < 0:
        raise PickleError(f"tensor {name!r} has a negative offset, length or stride")
    last = tensor.offset + sum((n - 1) * s for n, s in zip(lengths, strides, strict=True) if n)
    numbers = math.prod(lengths)
    if numbers > tensor.storage.numbers or (numbers and last >= tensor.storage.numbers):
        raise PickleError(f"tensor {name!r} reaches out of its storage")
    if tensor.offset > tensor.storage.numbers:
        raise PickleError(f"tensor {name!r} begins after its storage")
