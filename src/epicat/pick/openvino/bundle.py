"""Bundles: a picker as a folder that OpenVINO runs.

A bundle holds an OpenVINO model (pre-processing and network in one graph) and a description of the
picker.  It lies in epicat's cache under a digest of the weights' files, so that the same name with
other content is another bundle.  A list of checksums reveals a damaged one, which OpenVINO would
run without an error.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from epicat._util.files import atomic_folder, cache_folder
from epicat.errors import ModelError, one_line
from epicat.model import digest_of
from epicat.pick.openvino.runtime import import_openvino
from epicat.pick.picker import PickerInfo
from epicat.pick.weights.files import WeightFiles

__all__ = [
    "CHECKSUMS",
    "DESCRIPTION",
    "Bundle",
    "bundle_folder",
    "bundle_name",
    "list_bundles",
    "new_bundle",
]

_FORMAT = 4
_GRAPH, _WEIGHTS = "model.xml", "model.bin"
DESCRIPTION = "bundle.json"
"""The file that describes a bundle."""
CHECKSUMS = "SHA256SUMS"
"""The file with the checksums of the others."""
_CHECKED = (DESCRIPTION, _GRAPH, _WEIGHTS)
_RETRY_AFTER_S = (0.0, 0.05, 0.5)
"""When to read again: another process may be replacing an equal bundle, file by file."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]")
_COMPILE_AGAIN = "delete it and run `epicat models compile` again"
_INSTALL_AGAIN = "it is part of epicat: install epicat again"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A picker on disk."""

    folder: Path
    """Its folder."""
    info: PickerInfo
    """The description of the picker."""

    @classmethod
    def read(cls, folder: Path) -> Bundle:
        """Read the description of a bundle; raise `ModelError` if there is none."""
        try:
            return cls(folder, PickerInfo.model_validate_json((folder / DESCRIPTION).read_bytes()))
        except (OSError, ValidationError) as error:
            raise ModelError(
                f"compiled model {str(folder)!r} cannot be read ({one_line(error)}); "
                f"{_remedy(folder)}"
            ) from error

    @property
    def graph(self) -> Path:
        """The OpenVINO model."""
        return self.folder / _GRAPH

    @property
    def description(self) -> Path:
        """The file that describes it."""
        return self.folder / DESCRIPTION

    def write(self, model: Any) -> None:
        """Write an OpenVINO model, the description and, last, the checksums."""
        self.description.write_text(self.info.model_dump_json(indent=1), encoding="utf-8")
        import_openvino().save_model(model, self.graph, compress_to_fp16=False)
        self.write_checksums()

    def write_checksums(self) -> None:
        """Write the checksums of its files in the format of ``sha256sum``."""
        lines = [f"{_sha256(self.folder / name)}  {name}\n" for name in _CHECKED]
        (self.folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")

    def check(self) -> None:
        """Raise `ModelError` if a file does not match its checksum, or there are none."""
        if reason := self.damage():
            raise self._unusable(reason)

    def damage(self) -> str:
        """Return why the files do not match their checksums; empty if they do."""
        reason = ""
        for pause_s in _RETRY_AFTER_S:
            time.sleep(pause_s)
            reason = self._damage()
            if not reason:
                break
        return reason

    def _damage(self) -> str:
        try:
            lines = (self.folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
            sums = {line[66:]: line[:64] for line in lines}
            changed = [n for n in _CHECKED if _sha256(self.folder / n) != sums.get(n)]
        except FileNotFoundError as error:
            return f"it has no {Path(error.filename).name}"
        except (OSError, UnicodeDecodeError) as error:
            return f"it cannot be read ({one_line(error)})"
        return f"{', '.join(changed)} changed after it was compiled" if changed else ""

    def load_error(self, reason: str) -> ModelError:
        """Return the error for a bundle that cannot be loaded."""
        return self._unusable(reason)

    def _unusable(self, reason: str) -> ModelError:
        return ModelError(
            f"compiled model {str(self.folder)!r} cannot be loaded: {reason}; "
            f"{_remedy(self.folder)}"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remedy(folder: Path) -> str:
    is_builtin = folder.parent == Path(__file__).parents[1]
    return _INSTALL_AGAIN if is_builtin else _COMPILE_AGAIN


def bundle_folder(files: WeightFiles) -> Path:
    """Return the folder of the bundle of a pair of files, whether or not it exists."""
    return cache_folder("bundles") / bundle_name(files.model, files.weight, *files.sha256)


def bundle_name(model: str, weight: str, *identity: str) -> str:
    """Return the name of a bundle's folder, of this version of bundles.

    ``identity`` are the SHA-256 of the weights and of the metadata; or what else distinguishes
    them while these are unknown.
    """
    readable = _NOT_IN_NAMES.sub("_", weight)[:80]  # the digest identifies the content
    return f"{model}-{readable}-{digest_of(_FORMAT, model, *identity)}"


@contextmanager
def new_bundle(files: WeightFiles, info: PickerInfo) -> Iterator[Bundle]:
    """Give a bundle in a temporary folder, which moves to its place in the cache afterwards.

    Several processes may do so at once.
    """
    with atomic_folder(bundle_folder(files)) as partial:
        yield Bundle(partial, info)


def list_bundles() -> list[Bundle]:
    """Return every bundle in the cache, in the order of names; damaged ones are left out."""
    found = []
    for path in sorted(cache_folder("bundles").glob(f"[!.]*/{DESCRIPTION}")):
        try:
            found.append(Bundle.read(path.parent))
        except ModelError:
            continue
    return found
