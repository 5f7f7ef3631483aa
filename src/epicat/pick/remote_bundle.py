"""A bundle in a folder or a bucket, from where workers fetch it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from epicat._util.files import atomic_folder, cache_folder
from epicat.errors import InputError, ModelError, one_line
from epicat.fs.base import Files
from epicat.fs.open import open_files
from epicat.pick.openvino.bundle import CHECKSUMS, DESCRIPTION, Bundle, bundle_name
from epicat.pick.picker import PickerInfo
from epicat.pick.weights.files import pair_names

__all__ = ["RemoteBundle", "local_weights"]


class RemoteBundle:
    """A folder that holds, or will hold, the files of one bundle.  Nothing is read yet."""

    def __init__(self, location: str, noun: str = "compiled model") -> None:
        self._files: Files = open_files(location.rstrip("/"), noun)
        self._noun = noun
        self.location = self._files.location

    def is_complete(self) -> bool:
        """Return whether a bundle was written here completely."""
        return self._files.exists(CHECKSUMS)

    def write(self, bundle: Path) -> None:
        """Write the files of a bundle, its checksums last; raise `StoreError` if that fails."""
        self._files.prepare()
        for path in sorted(bundle.iterdir(), key=lambda path: (path.name == CHECKSUMS, path.name)):
            self._files.write(path.name, path.read_bytes())

    def fetch(self, name: str = "") -> Bundle:
        """Return the bundle, copied to this machine's cache unless it is there already.

        ``name`` is that of its folder in the cache, which identifies its content; without it, the
        description is read first.

        Raises `InputError` if there is none, `ModelError` if it is damaged.
        """
        folder = cache_folder("bundles") / (name or self._name())
        if not folder.is_dir():
            self._copy(folder)
        return Bundle.read(folder)

    def _name(self) -> str:
        try:
            info = PickerInfo.model_validate_json(self._files.read(DESCRIPTION))
        except FileNotFoundError as error:
            raise InputError(f"there is no compiled model in {self.location!r}") from error
        except ValidationError as error:
            raise ModelError(self._unusable(one_line(error))) from error
        return bundle_name(info.model, info.weight, info.weights_sha256, info.metadata_sha256)

    def _copy(self, folder: Path) -> None:
        with atomic_folder(folder) as partial:
            for name in self._files.list(""):
                (partial / name).write_bytes(self._files.read(name))
            self._check(partial)

    def _check(self, folder: Path) -> None:
        if reason := Bundle.read(folder).damage():
            raise ModelError(self._unusable(reason))

    def _unusable(self, reason: str) -> str:
        return (
            f"the compiled model in {self.location!r} cannot be used: {reason}; delete that folder "
            "and repeat the command"
        )


@contextmanager
def local_weights(weight: str) -> Iterator[str]:
    """Give weights that lie in a bucket as a path on this machine, and others unchanged.

    Raises `InputError` if one of the pair's files is missing.
    """
    place, separator, name = weight.rpartition("/")
    if "://" not in weight or not separator:
        yield weight
        return
    files = open_files(place, "weights")
    with TemporaryDirectory() as folder:
        for file in pair_names(name):
            try:
                Path(folder, file).write_bytes(files.read(file))
            except FileNotFoundError as error:
                raise InputError(f"weights {weight!r}: there is no {place}/{file}") from error
        yield str(Path(folder, name))
