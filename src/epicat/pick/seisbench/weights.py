"""Find SeisBench's files of weights without importing SeisBench.

SeisBench keeps them as ``{cache}/models/v3/{model}/{weight}.pt.v{version}`` beside
``{weight}.json.v{version}``, with the cache in ``$SEISBENCH_CACHE_ROOT`` or ``~/.seisbench``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epicat.errors import InputError, ModelError

__all__ = [
    "VERSION",
    "WeightFiles",
    "cached_weights",
    "find_weights",
    "names_of_pair",
    "seisbench_cache",
]

VERSION = re.compile(r"[0-9.]+")
"""What SeisBench's versions of weights look like."""
_VERSIONED = re.compile(rf"(?P<stem>.+)\.(?P<kind>pt|json)(?:\.v(?P<version>{VERSION.pattern}))?")
_NAME = re.compile(r"[A-Za-z0-9_+-]{1,64}")


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """A pair of files: the weights, and what describes them."""

    model: str
    """SeisBench's name of the architecture."""
    weight: str
    """Name of the weights."""
    weights: Path
    """The ``.pt`` file."""
    metadata: Path
    """The ``.json`` file."""

    @property
    def sha256(self) -> tuple[str, str]:
        """SHA-256 of the weights and of the metadata."""
        digests = [hashlib.sha256(p.read_bytes()).hexdigest() for p in self._paths]
        return digests[0], digests[1]

    def read_metadata(self) -> dict[str, Any]:
        """Return what the ``.json`` file says; raise `ModelError` if it is none."""
        try:
            loaded = json.loads(self.metadata.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
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
        """First line of what the authors say about the weights, often with the licence."""
        said = str(self.read_metadata().get("docstring") or "").strip()
        return said.partition("\n")[0].strip()

    @property
    def _paths(self) -> tuple[Path, Path]:
        return self.weights, self.metadata


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
            f"weights {weight!r}: no name of SeisBench's weights, which are 1 to 64 letters, "
            "digits, - and _; or give one file of a pair such as my.pt and my.json"
        )
    versions = [f for f in cached_weights(model) if f.weight == weight]
    return max(versions, key=_version, default=None)


def cached_weights(model: str) -> list[WeightFiles]:
    """Return every complete pair of a model in SeisBench's cache, all versions."""
    folder = seisbench_cache(model)
    pairs = []
    for path in sorted(folder.glob("*.pt*")) if folder.is_dir() else ():
        found = _VERSIONED.fullmatch(path.name)
        if found and found["kind"] == "pt" and _partner(path).is_file():
            pairs.append(WeightFiles(model, found["stem"], path, _partner(path)))
    return pairs


def _version(files: WeightFiles) -> tuple[int, ...]:
    found = _VERSIONED.fullmatch(files.weights.name)
    text = found["version"] if found and found["version"] else "0"
    return tuple(int(part) for part in text.split(".") if part)


def _local_pair(model: str, path: Path) -> WeightFiles:
    pair = [path.with_name(name) for name in names_of_pair(path.name, str(path))]
    for file in pair:
        if not _is_file(file):
            raise InputError(f"weights {str(path)!r}: there is no file {str(file)!r}")
    return WeightFiles(model, _parts(path.name)["stem"], pair[0], pair[1])


def names_of_pair(name: str, given: str = "") -> tuple[str, str]:
    """Return the names of the ``.pt`` and the ``.json`` file of a pair, of which one is given.

    Raises `InputError`, with what was ``given``, if it is neither.
    """
    _parts(name, given)
    both = sorted([name, _partner(Path(name)).name], key=lambda file: ".json" in file)
    return both[0], both[1]


def _parts(name: str, given: str = "") -> re.Match[str]:
    found = _VERSIONED.fullmatch(name)
    if found is None:
        raise InputError(
            f"weights {(given or name)!r}: neither a name nor a .pt or .json file; give the name "
            "of SeisBench weights such as 'original', or one file of a pair such as my.pt and "
            "my.json"
        )
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no name that a file can have
        return False


def _partner(path: Path) -> Path:
    found = _VERSIONED.fullmatch(path.name)
    if found is None:
        return path
    other = "json" if found["kind"] == "pt" else "pt"
    version = f".v{found['version']}" if found["version"] else ""
    return path.with_name(f"{found['stem']}.{other}{version}")
