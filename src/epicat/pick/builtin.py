"""The picker that comes with epicat: compiled, small, and in need of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from epicat.errors import InputError
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.picker import PickOptions

__all__ = ["SHIPPED", "shipped_bundle"]

SHIPPED: Final = "epicat-mini"
"""Its name, as that of a model; what it can do and what not is in docs/models.md."""

_FOLDER: Final = Path(__file__).with_name(SHIPPED)


def shipped_bundle(options: PickOptions | None = None) -> Bundle:
    """Return the shipped bundle; raise `InputError` if other weights than its own are wanted."""
    default = PickOptions.model_fields["weight"].default
    if options is not None and options.weight not in {default, SHIPPED}:
        raise InputError(
            f"weight {options.weight!r}: {SHIPPED} has its own weights; leave --weight out, or "
            "choose a model of SeisBench by --model"
        )
    return Bundle.read(_FOLDER)
