"""Load a bundle in the precision that the user chose."""

from __future__ import annotations

from contextlib import suppress

from epicat.errors import ModelError
from epicat.pick.mixed_precision import MixedPrecisionPicker
from epicat.pick.openvino.bundle import Bundle
from epicat.pick.openvino.picker import OpenVinoPicker
from epicat.pick.openvino.runtime import reduced_precisions
from epicat.pick.pick_options import Precision
from epicat.pick.picker import Picker

__all__ = ["load_picker"]


def load_picker(bundle: Bundle, threads: int = 1, precision: Precision = "f32") -> Picker:
    """Load a bundle; raise `ModelError` if that fails or this machine lacks the precision.

    ``mixed`` screens in the finest reduced precision that this machine has, and is f32 throughout
    if it has none: picks are the same either way.
    """
    if precision != "mixed":
        return OpenVinoPicker(bundle, threads, precision)
    exact = OpenVinoPicker(bundle, threads)
    for bits in reduced_precisions():
        with suppress(ModelError):  # this model's numbers exceed this precision
            return MixedPrecisionPicker(OpenVinoPicker(bundle, threads, bits), exact)
    return exact
