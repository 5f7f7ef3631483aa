"""Find files of weights on this machine, in SeisBench's cache or anywhere else.

SeisBench keeps them as ``{cache}/models/v3/{model}/{weight}.pt.v{version}`` next to
``{weight}.json.v{version}``, with the cache in ``$SEISBENCH_CACHE_ROOT`` or ``~/.seisbench``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from epicat.errors import InputError, ModelError

__all__ = [
    "VERSION",
    "FileName",
    "WeightFiles",
    "cached_weights",
    "find_weights",
    "pair_names",
    "parse_file_name",
    "seisbench_cache",
    "version_key",
]

VERSION: Final = re.compile(r"[0-9.]+")
"""The form of SeisBench's versions of weights."""
_VERSIONED: Final = re.compile(
    rf"(?P<stem>.+)\.(?P<kind>pt|safetensors|json)(?:\.v(?P<version>{VERSION.pattern}))?"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_+-]{1,64}")
_TENSORS: Final = ("pt", "safetensors")
"""Endings of the files that hold tensors; SeisBench writes the first."""


@dataclass(frozen=True, slots=True)
class FileName:
    """The parts of the name of a file of weights or of metadata."""

    stem: str
    """Name of the weights."""
    kind: str
    """``pt``, ``safetensors`` or ``json``."""
    version: str
    """The version, or nothing."""

    def of_kind(self, kind: str) -> str:
        """Return the name of the file of another kind."""
        return f"{self.stem}.{kind}{f'.v{self.version}' if self.version else ''}"

    @property
    def partner(self) -> str:
        """The name of the other file of a pair; for metadata, that of a ``.pt`` file."""
        return self.of_kind("pt" if self.kind == "json" else "json")


def parse_file_name(name: str) -> FileName | None:
    """Return the parts of the name of a file of weights, or None if it is another file."""
    found = _VERSIONED.fullmatch(name)
    return FileName(found["stem"], found["kind"], found["version"] or "") if found else None


def version_key(version: str) -> tuple[int, ...]:
    """Return what sorts versions by their numbers."""
    return tuple(int(part) for part in (version or "0").split(".") if part)


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """A pair of files: the weights, and what describes them."""

    model: str
    """SeisBench's name of the architecture."""
    weight: str
    """Name of the weights."""
    weights: Path
    """The file of tensors."""
    metadata: Path
    """The ``.json`` file."""

    @property
    def sha256(self) -> tuple[str, str]:
        """SHA-256 of the weights and of the metadata."""
        digests = [
            hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.weights, self.metadata)
        ]
        return digests[0], digests[1]

    def read_metadata(self) -> dict[str, Any]:
        """Return the content of the ``.json`` file; raise `ModelError` if it is not JSON."""
        try:
            loaded = json.loads(self.metadata.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"weights {str(self.metadata)!r} cannot be read: {error}") from error
        if not isinstance(loaded, dict):
            raise ModelError(f"weights {str(self.metadata)!r} hold no JSON object")
        return loaded

    @property
    def version(self) -> str:
        """SeisBench's version of the weights."""
        return str(self.read_metadata().get("version", "1"))

    @property
    def about(self) -> str:
        """First line of what the authors say about the weights, often with the license."""
        text = str(self.read_metadata().get("docstring") or "").strip()
        return text.partition("\n")[0].strip()


def seisbench_cache(model: str = "") -> Path:
    """Return the folder in which SeisBench keeps its models, or one of them."""
    root = os.environ.get("SEISBENCH_CACHE_ROOT")
    return (Path(root) if root else Path.home() / ".seisbench") / "models" / "v3" / model.lower()


def find_weights(model: str, weight: str) -> WeightFiles | None:
    """Return the files of a local pair, or of SeisBench's cache; None if they are not there.

    ``weight`` is a name, or the path of either file of a pair.  Raises `InputError` if it
    looks like a path and there is no such pair.
    """
    path = Path(weight)
    if path.suffix or len(path.parts) > 1:
        return _local_pair(model, path)
    if not _NAME.fullmatch(weight):
        raise InputError(
            f"weights {weight!r} are not a name of SeisBench's weights, which has 1 to 64 letters, "
            "digits, - and _; or give one file of a pair such as my.pt and my.json"
        )
    versions = [files for files in cached_weights(model) if files.weight == weight]
    return max(versions, key=_version_of, default=None)


def cached_weights(model: str) -> list[WeightFiles]:
    """Return every complete pair of a model in SeisBench's cache, all versions."""
    folder = seisbench_cache(model)
    pairs = []
    for path in sorted(folder.glob("*.pt*")) if folder.is_dir() else ():
        name = parse_file_name(path.name)
        if name and name.kind == "pt" and path.with_name(name.partner).is_file():
            pairs.append(WeightFiles(model, name.stem, path, path.with_name(name.partner)))
    return pairs


def _version_of(files: WeightFiles) -> tuple[int, ...]:
    name = parse_file_name(files.weights.name)
    return version_key(name.version if name else "")


def _local_pair(model: str, path: Path) -> WeightFiles:
    name = _parsed(path.name, str(path))
    kinds = _TENSORS if name.kind == "json" else (name.kind,)
    tensors = [path.with_name(name.of_kind(kind)) for kind in kinds]
    weights = next((file for file in tensors if _is_file(file)), tensors[0])
    metadata = path.with_name(name.of_kind("json"))
    for file in (weights, metadata):
        if not _is_file(file):
            raise InputError(f"weights {str(path)!r}: there is no file {str(file)!r}")
    return WeightFiles(model, name.stem, weights, metadata)


def pair_names(name: str, given: str = "") -> tuple[str, str]:
    """Return the names of the file of tensors and the ``.json`` file of a pair, from either.

    Raises `InputError`, with what was ``given``, if it is neither.
    """
    parts = _parsed(name, given or name)
    return (parts.partner, name) if parts.kind == "json" else (name, parts.partner)


def _parsed(name: str, given: str) -> FileName:
    found = parse_file_name(name)
    if found is None:
        raise InputError(
            f"weights {given!r} are neither a name nor a file of weights; give the name of "
            "SeisBench weights such as 'original', or one file of a pair such as my.pt and my.json "
            "(or my.safetensors)"
        )
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # not a name that a file can have
        return False
