"""Load a compiled model in the precision that was asked for."""

from __future__ import annotations

from contextlib import suppress

from epicat.errors import ModelError
from epicat.pick.mixed_precision import Screened
from epicat.pick.openvino.bundle import Bundle, OpenVinoPicker, fewer_bits
from epicat.pick.options import Precision
from epicat.pick.picker import Picker

__all__ = ["load_picker"]


def load_picker(
    bundle: Bundle, threads: int = 1, precision: Precision = "f32"
) -> Picker | Screened:
    """Load a bundle; raise `ModelError` if that fails or this machine lacks the precision.

    ``mixed`` looks in the finest of the fewer bits that this machine has, and is f32 throughout
    if it has none: picks are the same either way.
    """
    if precision != "mixed":
        return OpenVinoPicker(bundle, threads, precision)
    exact = OpenVinoPicker(bundle, threads)
    for bits in fewer_bits():
        with suppress(ModelError):  # this model's numbers are beyond these bits
            return Screened(OpenVinoPicker(bundle, threads, bits), exact)
    return exact
