"""From a model's and a weight's name to a bundle that can be loaded."""

from __future__ import annotations

import warnings

from epicat.errors import NameChoiceError
from epicat.pick.bundle import Bundle, bundle_folder, list_bundles
from epicat.pick.models import PICKBLUE, check_model
from epicat.pick.picker import PickOptions
from epicat.pick.shipped import SHIPPED, shipped_bundle
from epicat.pick.weights import find_weights, seisbench_cache

__all__ = ["prepare_bundle"]


def prepare_bundle(options: PickOptions, *, again: bool = False) -> Bundle:
    """Return the bundle of a model and weights, compiled now if it is not in the cache.

    Imports torch only to compile.  ``again`` compiles even if it is in the cache.  The picker
    that comes with epicat is compiled already.  Raises
    `InputError` for a model that cannot pick and `ModelError` if the weights cannot be had.
    """
    if options.model == SHIPPED:
        return shipped_bundle(options)
    check_model(options.model)
    if options.model == "PickBlue":
        options = _base_of_pickblue(options)
    files = find_weights(options.model, options.weight)
    if files is None:
        compiled = _by_name(options)
        if compiled is not None and not again:
            return compiled
        from epicat.pick.seisbench import fetch_weights  # noqa: PLC0415 - imports torch

        files = fetch_weights(options.model, options.weight)
    folder = bundle_folder(files)
    if folder.is_dir() and not again:
        return Bundle.read(folder)
    from epicat.pick.seisbench import compile_bundle  # noqa: PLC0415 - imports torch

    compiled = compile_bundle(files)
    if files.weights.is_relative_to(seisbench_cache()):
        _tell_if_changed(compiled)
    return compiled


def _tell_if_changed(made: Bundle) -> None:
    """Warn if published weights are not what the same version was when it was first compiled.

    Their hub publishes no check sums: what was seen first is what there is to compare with.
    """
    what = (made.info.model, made.info.weight, made.info.version)
    others = {
        bundle.info.weights_sha256
        for bundle in list_bundles()
        if (bundle.info.model, bundle.info.weight, bundle.info.version) == what
    } - {made.info.weights_sha256}
    if others:
        warnings.warn(
            f"weights {made.info.weight} of {made.info.model}, version {made.info.version}, are "
            f"not those that were compiled before: SHA-256 {made.info.weights_sha256}, then "
            f"{', '.join(sorted(others))}. Picks with them are another run",
            stacklevel=3,
        )


def _base_of_pickblue(options: PickOptions) -> PickOptions:
    if options.weight not in PICKBLUE:
        raise NameChoiceError("weight of PickBlue", options.weight, PICKBLUE)
    model, weight = PICKBLUE[options.weight]
    return options.model_copy(update={"model": model, "weight": weight})


def _by_name(options: PickOptions) -> Bundle | None:
    """Return a bundle by name where the weights themselves are not on this machine."""
    same = [
        b
        for b in list_bundles()
        if (b.info.model, b.info.weight) == (options.model, options.weight)
    ]
    return max(same, key=lambda b: b.about.stat().st_mtime, default=None)
