"""From the names of a model and of weights to a bundle that can be loaded."""

from __future__ import annotations

import warnings

from epicat.errors import NameChoiceError
from epicat.pick.builtin import BUILTIN, builtin_bundle
from epicat.pick.openvino.bundle import Bundle, bundle_folder, list_bundles
from epicat.pick.picker import PickOptions
from epicat.pick.seisbench.package import check_installed, is_installed
from epicat.pick.supported import MODELS, PICKBLUE, check_model
from epicat.pick.weights.download import Progress
from epicat.pick.weights.files import WeightFiles, find_weights, seisbench_cache
from epicat.pick.weights.hub import download_weights

__all__ = ["can_compile", "find_bundle", "prepare_bundle", "seisbench_names"]


def can_compile(model: str) -> bool:
    """Return whether a model's bundle can be made here, without importing PyTorch."""
    return model not in MODELS or not MODELS[model].needs_seisbench or is_installed()


def prepare_bundle(
    options: PickOptions, *, force: bool = False, progress: Progress | None = None
) -> Bundle:
    """Return the bundle of a model and weights, made now if it is not in the cache.

    Weights that are not on this machine are downloaded, with ``progress`` called meanwhile.
    ``force`` makes the bundle even if it is in the cache.  Raises `InputError` for a model that
    cannot pick and `ModelError` if the weights cannot be had or used.
    """
    if options.model == BUILTIN:
        return builtin_bundle(options)
    found = None if force else find_bundle(options)
    if found is not None:
        return found
    options = seisbench_names(options)
    if MODELS[options.model].needs_seisbench:
        check_installed(options.model)
    files = find_weights(options.model, options.weight)
    files = files or download_weights(options.model, options.weight, progress)
    bundle = _make_bundle(files)
    if files.weights.is_relative_to(seisbench_cache()):
        _warn_if_changed(bundle)
    return bundle


def _make_bundle(files: WeightFiles) -> Bundle:
    if MODELS[files.model].needs_seisbench:
        from epicat.pick.seisbench.compile import compile_bundle

        return compile_bundle(files)
    from epicat.pick.networks.build import build_bundle

    return build_bundle(files)


def find_bundle(options: PickOptions) -> Bundle | None:
    """Return the bundle of a model and weights if it is on this machine.

    Raises `InputError` for a model that cannot pick, `ModelError` for a damaged bundle.
    """
    if options.model == BUILTIN:
        return builtin_bundle(options)
    options = seisbench_names(options)
    files = find_weights(options.model, options.weight)
    if files is None:
        return _newest_of_name(options)
    folder = bundle_folder(files)
    return Bundle.read(folder) if folder.is_dir() else None


def _warn_if_changed(made: Bundle) -> None:
    """Warn if published weights are not what the same version was when it was first compiled.

    The hub publishes no checksums: the first content seen is what there is to compare with.
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


def seisbench_names(options: PickOptions) -> PickOptions:
    """Return the same with SeisBench's own names of architecture and weights.

    Raises `InputError` for a model that cannot pick.
    """
    check_model(options.model)
    if options.model != "PickBlue":
        return options
    if options.weight not in PICKBLUE:
        raise NameChoiceError("weights of PickBlue", options.weight, PICKBLUE)
    model, weight = PICKBLUE[options.weight]
    return options.model_copy(update={"model": model, "weight": weight})


def _newest_of_name(options: PickOptions) -> Bundle | None:
    """Return a bundle by name where the weights themselves are not on this machine."""
    same = [
        bundle
        for bundle in list_bundles()
        if (bundle.info.model, bundle.info.weight) == (options.model, options.weight)
    ]
    return max(same, key=lambda bundle: bundle.description.stat().st_mtime, default=None)
