"""From a model's and a weight's name to a bundle that can be loaded."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

from epicat.errors import NameChoiceError
from epicat.pick.builtin import SHIPPED, shipped_bundle
from epicat.pick.openvino.bundle import Bundle, bundle_folder, list_bundles
from epicat.pick.picker import PickOptions
from epicat.pick.seisbench.supported import PICKBLUE, check_model
from epicat.pick.seisbench.weights import find_weights, seisbench_cache

__all__ = ["can_compile", "find_bundle", "prepare_bundle", "resolved"]


def can_compile() -> bool:
    """Tell whether SeisBench and PyTorch are installed here, without importing them."""
    try:
        return all(find_spec(name) is not None for name in ("seisbench", "torch"))
    except ImportError:
        return False


def prepare_bundle(options: PickOptions, *, again: bool = False) -> Bundle:
    """Return the bundle of a model and weights, compiled now if it is not in the cache.

    Imports torch only to compile.  ``again`` compiles even if it is in the cache.  The picker
    that comes with epicat is compiled already.  Raises
    `InputError` for a model that cannot pick and `ModelError` if the weights cannot be had.
    """
    if options.model == SHIPPED:
        return shipped_bundle(options)
    found = None if again else find_bundle(options)
    if found is not None:
        return found
    from epicat.pick.seisbench.compile import compile_bundle, fetch_weights

    options = resolved(options)
    files = find_weights(options.model, options.weight)
    files = files or fetch_weights(options.model, options.weight)
    compiled = compile_bundle(files)
    if files.weights.is_relative_to(seisbench_cache()):
        _tell_if_changed(compiled)
    return compiled


def find_bundle(options: PickOptions) -> Bundle | None:
    """Return the bundle of a model and weights if it is on this machine.

    Raises `InputError` for a model that cannot pick, `ModelError` for a damaged bundle.
    """
    if options.model == SHIPPED:
        return shipped_bundle(options)
    options = resolved(options)
    files = find_weights(options.model, options.weight)
    if files is None:
        return _by_name(options)
    folder = bundle_folder(files)
    return Bundle.read(folder) if folder.is_dir() else None


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


def resolved(options: PickOptions) -> PickOptions:
    """Return the same with SeisBench's own names of architecture and weights.

    Raises `InputError` for a model that cannot pick.
    """
    check_model(options.model)
    if options.model != "PickBlue":
        return options
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
