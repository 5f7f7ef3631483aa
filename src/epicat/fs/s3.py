"""Files in a bucket on S3 or an S3-compatible server."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pyarrow.fs as pafs

from epicat.errors import InputError, StoreError
from epicat.fs.base import FileInfo, temporary_name
from epicat.fs.retry import BRISK, PATIENT, Patience
from epicat.fs.s3_client import S3Bucket, S3Client
from epicat.fs.s3_errors import Kind, S3Error

__all__ = ["S3Files"]

_BUCKET = re.compile(r"s3://([a-zA-Z0-9][a-zA-Z0-9._-]{2,62})((?:/[^/?#\\]+)*)/?")
_TAIL = 1 << 18
"""Bytes that are fetched first of a file that is read in parts: most files are smaller."""


class S3Files:
    """Files in a bucket; each is written by a single PUT.

    Region, endpoint and credentials are those of the usual environment variables
    (``AWS_REGION``, ``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ...), otherwise those of the
    machine's role.  obstore reads them; they are neither kept nor shown here.

    ``first`` bounds the retries before the first response of the server, ``retries`` all others.
    """

    def __init__(
        self, url: str, noun: str = "store", *, retries: int = PATIENT, first: int = BRISK
    ) -> None:
        parsed = _BUCKET.fullmatch(url)
        if parsed is None:
            raise InputError(
                f"{noun} s3://... is not a bucket URL; write s3://BUCKET or s3://BUCKET/FOLDER, "
                "and give credentials in environment variables (AWS_ACCESS_KEY_ID, ...)"
            )
        self._noun = noun
        self._bucket, prefix = parsed[1], parsed[2].strip("/")
        self._path = f"{self._bucket}/{prefix}".rstrip("/")
        self.location = f"s3://{self._path}"
        allow_http = _endpoint().startswith("http:")
        self._client = S3Client(
            S3Bucket(self._bucket, prefix, {}, allow_http),
            Patience.from_environment(retries),
            first=first,
        )
        self.arrow = pafs.PyFileSystem(pafs.FSSpecHandler(_ForArrow(self)))

    def native(self) -> Any:
        """Return the bucket as an Arrow file system that runs no Python: Arrow's own S3 client."""
        endpoint = urlsplit(_endpoint())
        names = ("AWS_REGION", "AWS_DEFAULT_REGION")
        region = next((os.environ[name] for name in names if os.environ.get(name)), "us-east-1")
        server = pafs.S3FileSystem(
            region=region,
            anonymous=os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true"),
            scheme=endpoint.scheme or "https",
            endpoint_override=endpoint.netloc.rpartition("@")[2] or None,
            connect_timeout=5,
        )
        return pafs.SubTreeFileSystem(self._path, server)

    def prepare(self) -> None:
        """Do nothing: buckets are created elsewhere, and the first write fails without one."""

    def top(self, folder: str = "") -> list[str]:
        """Return the names of the files and folders directly in a folder, by default the root."""
        with self._errors():
            found = self._client.list_level(folder)
        paths = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        names = [path.rpartition("/")[2] for path in paths]
        return sorted(name for name in names if name and not name.startswith("."))

    def list(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, in alphabetical order."""
        with self._errors():
            names = [meta["path"] for meta in self._client.list(folder)]
        return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))

    def found(self) -> Iterator[FileInfo]:
        """Yield all files, in no order, including hidden ones."""
        with self._errors():
            metas = self._client.list("")
        for meta in metas:
            moment = round(meta["last_modified"].timestamp()) * 1_000_000_000
            yield FileInfo(meta["path"], meta["size"], moment)

    def now_ns(self) -> int:
        """Return the time by the clock that dates the files, measured by writing one."""
        name = temporary_name()
        self.write(name, b"")
        with self._errors():
            moment = self._client.head(name)["last_modified"]
        self.delete([name])
        return round(moment.timestamp()) * 1_000_000_000

    def exists(self, name: str) -> bool:
        """Whether a file exists."""
        with suppress(FileNotFoundError), self._errors():
            self._client.head(name)
            return True
        return False

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self._errors():
            return self._client.get(name)

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically: readers see all of it or nothing, also after a kill."""
        with self._errors():
            self._client.put(name, data)

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; missing ones are ignored."""
        with suppress(FileNotFoundError), self._errors():
            if names:
                self._client.delete(names)

    def tail(self, name: str) -> tuple[bytes, int]:
        """Return the end of a file, or all of it if it is small, and the file's size."""
        with self._errors():
            return self._client.get_tail(name, _TAIL)

    def part(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from ``start`` to before ``end``."""
        with self._errors():
            return self._client.get_range(name, start, end)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise FileNotFoundError for a missing file, `StoreError` for everything else."""
        try:
            yield
        except S3Error as error:
            if error.kind == Kind.MISSING:
                raise FileNotFoundError(error.words) from error
            about = _ADVICE[error.kind]
            message = about.format(words=error.words, server=_server(), bucket=self._bucket)
            raise StoreError(f"{self._noun} {self.location!r}: {message}") from error


_ADVICE = {
    Kind.REFUSED: "{server}: {words}; these credentials need permission to list, read, write and "
    "delete",
    Kind.NO_BUCKET: "there is no bucket {bucket!r} at {server}; create it first",
    Kind.MISSING: "{server}: {words}",
    Kind.EXPIRED: "{words}; renew those of the environment (AWS_ACCESS_KEY_ID, ...)",
    Kind.BUSY: "{server}: {words}; try again later",
    Kind.SILENT: "the server {server} does not answer ({words}); try again later",
    Kind.AWAY: "the server {server} cannot be reached ({words}); check AWS_ENDPOINT_URL and the "
    "network connection",
    Kind.BROKEN: "{server}: {words}; a file there may be damaged",
    Kind.MOVED: "{words}; set AWS_REGION",
    Kind.KEYLESS: "{words}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a machine "
    "with a role",
    Kind.OTHER: "{server} does not answer as S3 does",
}
"""Messages for the errors of a bucket."""


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _server() -> str:
    """Name the server, without what an endpoint may have in front of an @."""
    return urlsplit(_endpoint()).netloc.rpartition("@")[2] or "AWS"


class _ForArrow:
    """The part of fsspec's interface that Arrow needs to read a file."""

    protocol = "s3"

    def __init__(self, files: S3Files) -> None:
        self._files = files

    def isfile(self, path: str) -> bool:
        """Return True: Arrow asks before it opens a file, which fails if there is none."""
        del path
        return True

    def open(self, path: str, mode: str) -> _Parts:
        """Open a file for reading."""
        del mode
        return _Parts(self._files, path)


class _Parts(io.RawIOBase):
    """A file that is fetched in parts, starting with its end, where Parquet's index is."""

    def __init__(self, files: S3Files, name: str) -> None:
        self._files = files
        self._name = name
        self._tail, self._size = files.tail(name)
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        start = self._at
        end = self._size if size < 0 else min(start + size, self._size)
        self._at = max(start, end)
        tail = self._size - len(self._tail)
        if start >= tail:
            return self._tail[start - tail : end - tail]
        return self._files.part(self._name, start, end)
