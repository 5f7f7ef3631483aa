"""Read the tensors in a file of weights, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from epicat.pick.weights.safetensors_file import read_safetensors_file
from epicat.pick.weights.torch_file import read_torch_file

__all__ = ["read_tensors"]


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a ``.pt`` or ``.safetensors`` file by name.

    Raises `ModelError`, with the reason, if the file is damaged or holds anything but tensors.
    Nothing in it is run.
    """
    if ".safetensors" in path.suffixes:
        return read_safetensors_file(path)
    return read_torch_file(path)
