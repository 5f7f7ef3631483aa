"""The tensors of a network, handed out by name and checked against the architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat._util.lists import list_some
from epicat.errors import ModelError

__all__ = ["F32", "F64", "Parameters"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_COUNTER = ".num_batches_tracked"
"""Of a batch normalization during training; it has no part in the result."""


class Parameters:
    """Tensors of a file, each of which must be used."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], source: str, network: str) -> None:
        """Take tensors by name; ``source`` and ``network`` are for messages."""
        self._tensors = {k: v for k, v in tensors.items() if not k.endswith(_COUNTER)}
        self._unused = set(self._tensors)
        self._source = source
        self._network = network

    def has(self, name: str) -> bool:
        """Return whether there is a tensor of that name."""
        return name in self._tensors

    def get(self, name: str, *shape: int) -> F64:
        """Return a tensor in double precision.

        Raises `ModelError` if it is absent, has another shape or a value that is not finite.
        """
        if name not in self._tensors:
            raise self.error(f"tensor {name!r} is missing")
        tensor = self._tensors[name]
        if tensor.shape != shape:
            raise self.error(f"tensor {name!r} has the shape {tensor.shape}, not {shape}")
        values = np.asarray(tensor, np.float64)
        if not np.isfinite(values).all():
            raise self.error(f"tensor {name!r} has values that are not finite")
        self._unused.discard(name)
        return values

    def check_all_used(self) -> None:
        """Raise `ModelError` if the file holds a tensor that the network lacks."""
        if self._unused:
            names = list_some(sorted(self._unused), most=3)
            raise self.error(f"unexpected tensors {names}")

    def error(self, reason: str) -> ModelError:
        """Return the error for weights that do not fit the network."""
        return ModelError(f"weights {self._source!r} do not fit {self._network}: {reason}")
