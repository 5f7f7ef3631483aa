"""A compiled picker in a folder of its own, here or in a bucket, from where others fetch it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from epicat._util.cache import cache_folder
from epicat.errors import InputError, ModelError
from epicat.fs.base import Files, open_files
from epicat.pick.openvino.bundle import ABOUT, SEAL, Bundle, bundle_name
from epicat.pick.picker import PickerInfo, PickOptions
from epicat.pick.resolve import resolved
from epicat.pick.seisbench.weights import WeightFiles, find_weights, names_of_pair

__all__ = ["KeptBundle", "at_hand", "keep_weights", "kept_name"]


class KeptBundle:
    """A folder that holds, or will hold, the files of one bundle.  Nothing is read before asked."""

    def __init__(self, location: str, noun: str = "compiled model") -> None:
        self._files: Files = open_files(location.rstrip("/"), noun)
        self._noun = noun
        self.location = self._files.location

    def is_whole(self) -> bool:
        """Tell whether a bundle was written here to its end."""
        return self._files.exists(SEAL)

    def write(self, bundle: Path) -> None:
        """Write the files of a bundle, its seal last; raise `StoreError` if that fails."""
        self._files.prepare()
        for path in sorted(bundle.iterdir(), key=lambda path: (path.name == SEAL, path.name)):
            self._files.write(path.name, path.read_bytes())

    def fetch(self, name: str = "") -> Bundle:
        """Return the bundle, copied to this machine's cache unless it is there already.

        ``name`` is that of its folder in the cache, which tells its content; without it the
        bundle is asked.  Raises `InputError` if there is none, `ModelError` if it is damaged.
        """
        folder = cache_folder("bundles") / (name or self._name())
        if not folder.is_dir():
            self._copy(folder)
        return Bundle.read(folder)

    def _name(self) -> str:
        try:
            info = PickerInfo.model_validate_json(self._files.read(ABOUT))
        except FileNotFoundError as error:
            raise InputError(f"there is no compiled model in {self.location!r}") from error
        except ValidationError as error:
            raise ModelError(self._damaged()) from error
        return bundle_name(info.model, info.weight, info.weights_sha256, info.metadata_sha256)

    def _copy(self, folder: Path) -> None:
        partial = folder.with_name(f".{uuid.uuid4().hex}")
        partial.mkdir()
        try:
            for name in self._files.list(""):
                (partial / name).write_bytes(self._files.read(name))
            self._check(partial)
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():  # another worker on this machine may have been first
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _check(self, folder: Path) -> None:
        try:
            Bundle.read(folder).check()
        except ModelError as error:
            raise ModelError(self._damaged()) from error

    def _damaged(self) -> str:
        return (
            f"the compiled model in {self.location!r} is damaged, or of another version of epicat: "
            "delete that folder and do the same again"
        )


def kept_name(options: PickOptions) -> str:
    """Name what a model and weights are compiled to, before they are.

    By the content of the weights where they are on this machine, else by their names alone.
    Raises `InputError` for a model that cannot pick, or weights by a path where nothing is.
    """
    options = resolved(options)
    files = find_weights(options.model, options.weight)
    told = files.sha256 if files else (options.weight,)
    return bundle_name(options.model, files.weight if files else options.weight, *told)


def keep_weights(pair: WeightFiles, location: str) -> str:
    """Copy both files of a pair to a folder or bucket; return where its weights are then."""
    files = open_files(location, "weights")
    files.prepare()
    for path in (pair.metadata, pair.weights):
        files.write(path.name, path.read_bytes())
    return f"{files.location}/{pair.weights.name}"


@contextmanager
def at_hand(weight: str) -> Iterator[str]:
    """Give weights that lie in a bucket as a path of this machine; others are as they were.

    Raises `InputError` if one of the pair's files is not there.
    """
    place, separator, name = weight.rpartition("/")
    if "://" not in weight or not separator:
        yield weight
        return
    files = open_files(place, "weights")
    with TemporaryDirectory() as folder:
        for file in names_of_pair(name):
            try:
                Path(folder, file).write_bytes(files.read(file))
            except FileNotFoundError as error:
                raise InputError(f"weights {weight!r}: there is no {place}/{file}") from error
        yield str(Path(folder, name))
