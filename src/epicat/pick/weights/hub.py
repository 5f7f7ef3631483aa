"""SeisBench's hub of weights: list what there is, and download it into SeisBench's cache.

The hub is a WebDAV folder: one folder a model, and in it pairs of files such as ``original.pt.v2``
and ``original.json.v2``.  A pair without a version in its names has it in the ``.json`` file, and
gets it in the cache, as SeisBench does.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request
from xml.etree import ElementTree  # nosec B405 - documents without a DOCTYPE only

from epicat._util.files import atomic_file
from epicat.errors import InputError, ModelError
from epicat.pick.builtin import ALTERNATIVE
from epicat.pick.weights.download import Downloader, NoConnectionError, Progress
from epicat.pick.weights.files import (
    VERSION,
    WeightFiles,
    cached_weights,
    parse_file_name,
    seisbench_cache,
    version_key,
)

__all__ = ["ENVIRONMENT_VARIABLE", "HUBS", "HubWeights", "download_weights", "list_weights"]

ENVIRONMENT_VARIABLE: Final = "EPICAT_WEIGHTS_HUB"
"""Names the address of another hub that is laid out like SeisBench's."""

HUBS: Final = (
    "https://hifis-storage.desy.de/Helmholtz/HelmholtzAI/SeisBench/models/v3/",
    "https://seisbench.gfz.de/mirror/models/v3/",
)
"""SeisBench's hub, and its mirror."""
_LARGEST_LISTING: Final = 8 << 20
_LARGEST_FILE: Final = 512 << 20
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class HubWeights:
    """Weights that a hub offers."""

    name: str
    """Their name."""
    versions: tuple[str, ...]
    """Their versions, ascending; empty text for the one that only the metadata name."""


def list_weights(model: str) -> list[HubWeights]:
    """Return the weights of a model on the hub, by name.

    Raises `ModelError` if the hub cannot be reached.
    """
    with _reached() as hub:
        return hub.list(model)


def download_weights(model: str, weight: str, progress: Progress | None = None) -> WeightFiles:
    """Download the newest version of weights into SeisBench's cache.

    Raises `ModelError` if there are no such weights or the hub cannot be reached.
    """
    try:
        with _reached() as hub:
            return hub.download(model, weight, progress)
    except _UnreachableError as error:
        raise ModelError(_not_found(model, weight, str(error))) from error


class _UnreachableError(ModelError):
    """No connection to any hub."""


@contextmanager
def _reached() -> Iterator[_Hub]:
    """Give the first hub that answers."""
    reasons = []
    for address in _addresses():
        hub = _Hub(address)
        try:
            hub.check_connection()
        except NoConnectionError as error:
            reasons.append(f"{urlsplit(address).hostname}: {error}")
            continue
        yield hub
        return
    raise _UnreachableError(f"the hub of weights cannot be reached ({'; '.join(reasons)})")


def _addresses() -> Sequence[str]:
    own = os.environ.get(ENVIRONMENT_VARIABLE)
    if not own:
        return HUBS
    parts = urlsplit(own)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InputError(f"{ENVIRONMENT_VARIABLE}={own!r} is not an https:// address")
    return (own.rstrip("/") + "/",)


class _Hub:
    """A hub that is laid out like SeisBench's."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._downloader = Downloader()

    def check_connection(self) -> None:
        """Raise `NoConnectionError` if the hub does not answer."""
        self._downloader.check_connection(self._address)

    def list(self, model: str) -> list[HubWeights]:
        """Return the weights of a model."""
        versions: dict[str, set[str]] = defaultdict(set)
        names = self._names(model)
        for name in names:
            parts = parse_file_name(name)
            if parts and parts.kind == "pt" and parts.partner in names:
                versions[parts.stem].add(parts.version)
        return [
            HubWeights(name, tuple(sorted(found, key=version_key)))
            for name, found in sorted(versions.items())
        ]

    def download(self, model: str, weight: str, progress: Progress | None) -> WeightFiles:
        """Download the newest version of weights."""
        offered = {one.name: one for one in self.list(model)}
        if weight not in offered:
            raise ModelError(_not_found(model, weight, "the hub has none of that name", offered))
        newest = offered[weight].versions[-1]
        suffix = f".v{newest}" if newest else ""
        metadata = self._read(f"{model.lower()}/{weight}.json{suffix}", progress)
        version = newest or _version_in(metadata, weight)
        weights = self._read(f"{model.lower()}/{weight}.pt{suffix}", progress)
        folder = seisbench_cache(model)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"SeisBench's cache {str(folder)!r} cannot be made: {error.strerror or error}; "
                "SEISBENCH_CACHE_ROOT names another"
            ) from error
        pair = WeightFiles(
            model, weight, folder / f"{weight}.pt.v{version}", folder / f"{weight}.json.v{version}"
        )
        for path, content in ((pair.weights, weights), (pair.metadata, metadata)):
            with atomic_file(path, "wb") as file:
                file.write(content)
        return pair

    def _names(self, model: str) -> set[str]:
        """Return the names of the files in a model's folder."""
        request = Request(  # noqa: S310 - https, or the loopback
            self._address + quote(model.lower()), method="PROPFIND", headers={"Depth": "1"}
        )
        try:
            listing = self._downloader.get(request, _LARGEST_LISTING)
            if b"<!DOCTYPE" in listing:  # what it declares may grow without bound
                raise ModelError(f"the hub's list of {model} weights declares entities")
            root = ElementTree.fromstring(listing)  # noqa: S314 # nosec B314
        except ElementTree.ParseError as error:
            raise ModelError(f"the hub's list of {model} weights is not XML: {error}") from error
        hrefs = [node.text or "" for node in root.iter("{DAV:}href")]
        return {unquote(href.rstrip("/").rpartition("/")[2]) for href in hrefs}

    def _read(self, path: str, progress: Progress | None) -> bytes:
        request = Request(self._address + quote(path))  # noqa: S310 - https, or the loopback
        return self._downloader.get(request, _LARGEST_FILE, progress)


def _version_in(metadata: bytes, weight: str) -> str:
    try:
        version = str(json.loads(metadata).get("version", "1"))
    except (ValueError, AttributeError) as error:
        raise ModelError(f"the hub's metadata of {weight!r} are not a JSON object") from error
    if not VERSION.fullmatch(version):  # it becomes part of a file's name
        raise ModelError(f"the hub's metadata of {weight!r} have the version {version[:40]!r}")
    return version


def _not_found(model: str, weight: str, reason: str, offered: Iterable[str] = ()) -> str:
    cached = sorted({files.weight for files in cached_weights(model)})
    near = get_close_matches(weight, [*offered, *cached], n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    there = f" On the hub: {', '.join(sorted(offered))}." if offered else ""
    return (
        f"weights {weight!r} of {model} are not in SeisBench's cache and cannot be downloaded: "
        f"{reason}.{guess}{there} In the cache: {', '.join(cached) or 'none'}. Check the name and "
        f"the connection, or copy the .pt and the .json file to {str(seisbench_cache(model))!r} "
        "(SEISBENCH_CACHE_ROOT names another root), or give the path of a .pt file that lies next "
        f"to its .json file; {ALTERNATIVE}"
    )
