"""The picker that is part of epicat: compiled, small, and without further requirements."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from epicat.errors import InputError
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.picker import PickOptions

__all__ = ["ALTERNATIVE", "BUILTIN", "builtin_bundle"]

BUILTIN: Final = "epicat-mini"
"""Its name, as that of a model; docs/howto/models.md says what it can do and what not."""

ALTERNATIVE: Final = f"or use --model {BUILTIN}, for a first look"
"""What to do where other models cannot be had."""

_FOLDER: Final = Path(__file__).with_name(BUILTIN)


def builtin_bundle(options: PickOptions | None = None) -> Bundle:
    """Return the built-in bundle; raise `InputError` if other weights are asked for."""
    default = PickOptions.model_fields["weight"].default
    if options is not None and options.weight not in {default, BUILTIN}:
        raise InputError(
            f"weights {options.weight!r}: {BUILTIN} has its own weights; omit --weight, or choose "
            "a model of SeisBench with --model"
        )
    return Bundle.read(_FOLDER)
