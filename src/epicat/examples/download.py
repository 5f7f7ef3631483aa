"""Download of files at a pinned commit, each verified by its SHA-256, with pooch."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Final

from epicat.errors import InputError

__all__ = ["SourceFile", "download", "read_registry"]

_TIMEOUT_S: Final = 30
_RETRIES: Final = 2
"""Of each file, after a broken connection or a wrong digest; pooch waits 1 s, then 2 s."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a public repository."""

    path: str
    """In the repository."""
    bytes: int
    """Its size."""
    sha256: str
    """Its SHA-256, in hexadecimal."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.path).name


def read_registry(name: str) -> tuple[SourceFile, ...]:
    """Return the files of an example, from the table of this package named after it."""
    text = (files("epicat.examples") / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(
        SourceFile(row["path"], int(row["bytes"]), row["sha256"])
        for row in csv.DictReader(text.splitlines())
    )


def download(
    sources: Sequence[SourceFile],
    folder: Path,
    base_url: str,
    *,
    retries: int = _RETRIES,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Path]:
    """Download files into a folder, under the last part of their paths, and return their paths.

    A file that is there with the right SHA-256 is not downloaded again.  ``progress`` is called
    with the number of files done and of all files.

    Raises
    ------
    InputError
        A server cannot be reached or does not have a file, or the content of a file is not the
        one that the SHA-256 describes; or pooch is not installed.

    """
    keeper = _pooch(sources, folder, base_url, retries)
    paths = []
    for done, source in enumerate(sources, 1):
        paths.append(Path(_fetched(keeper, source)))
        progress(done, len(sources))
    return paths


def _pooch(sources: Sequence[SourceFile], folder: Path, base_url: str, retries: int) -> Any:
    try:
        import pooch
    except ImportError as error:
        raise InputError(
            "downloads of examples need pooch: pip install 'epicat[example]'"
        ) from error

    pooch.get_logger().setLevel(logging.ERROR)
    address = base_url.rstrip("/")
    return pooch.create(
        path=folder,
        base_url=f"{address}/",
        registry={source.name: f"sha256:{source.sha256}" for source in sources},
        urls={source.name: f"{address}/{source.path}" for source in sources},
        retry_if_failed=retries,
    )


def _fetched(keeper: Any, source: SourceFile) -> str:
    import pooch
    import requests

    address = keeper.get_url(source.name)
    try:
        downloader = pooch.HTTPDownloader(timeout=_TIMEOUT_S)
        return str(keeper.fetch(source.name, downloader=downloader))
    except requests.HTTPError as error:
        status = error.response.status_code
        raise InputError(f"{address}: the server answers with status {status}") from error
    except requests.RequestException as error:
        raise InputError(
            f"{address} cannot be downloaded ({type(error).__name__}): check the network, or "
            "give a server that has the same files with --base-url; `epicat demo` needs no network"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{address}: the content is not the expected one, of {source.bytes:,} bytes with "
            f"SHA-256 {source.sha256}; it was not kept"
        ) from error
    except OSError as error:
        raise InputError(f"{str(keeper.path)!r} cannot be written: {error.strerror}") from error
