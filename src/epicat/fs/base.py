"""Where the files of a store or of a submission lie: a folder, or a bucket.

Files have names with slashes, are written whole or not at all, and never change; a few are
deleted again.  Names that begin with a dot are nobody's.
"""

from __future__ import annotations

import io
import os
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import pyarrow.fs as pafs

from epicat.errors import InputError, StoreError
from epicat.fs.names import leads_out
from epicat.fs.retry import BRISK, PATIENT, Patience
from epicat.fs.s3_client import checked, connect, until_whole
from epicat.fs.s3_errors import Kind, trouble_of

__all__ = ["BucketFiles", "Files", "Found", "LocalFiles", "open_files"]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there."""

    name: str
    """Its name, with slashes."""
    size: int
    """Bytes."""
    modified_ns: int
    """When it was written, by the clock of who keeps it, nanoseconds since 1970."""

    @property
    def is_unfinished(self) -> bool:
        """Whether it is what a writer writes before it gives it its name."""
        return _PARTIAL.fullmatch(self.name.rpartition("/")[2]) is not None


T = TypeVar("T")


class Files(Protocol):
    """Whole files by name.

    A file that is not there raises `FileNotFoundError`; a place that cannot be used raises
    `StoreError`.
    """

    location: str
    """Where they are, without any secret."""
    arrow: Any
    """The same as a file system of Arrow's, for reading parts of files."""

    def native(self) -> Any:
        """Return the same as a file system that runs no Python.

        For whoever scans while holding Python's lock, as DuckDB does: Arrow's threads then wait
        for that lock, and the scan for them, for ever.
        """
        ...

    def prepare(self) -> None:
        """Make the place if it can be made; raise `StoreError` if it cannot be written.

        Nothing else makes it: where it is gone, nothing can be written any more.
        """
        ...

    def top(self, folder: str = "") -> list[str]:
        """Return the names of the files and folders right in a folder, by default at the top."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, in alphabetical order."""
        ...

    def found(self) -> Iterator[Found]:
        """Yield all files, in no order, also those that others do not see: unfinished ones."""
        ...

    def now_ns(self) -> int:
        """Return the time by the clock that dates the files, which is asked by writing one."""
        ...

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        ...

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file: readers see all of it or nothing, also after a kill."""
        ...

    def part(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from ``start`` until before ``end``, or to its end."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; those that are not there do not matter."""
        ...


class LocalFiles:
    """Files in a folder: written under another name, flushed to the disk and renamed."""

    def __init__(self, root: Path, noun: str = "store") -> None:
        self._root = root.absolute()
        self._noun = noun
        self.location = str(root)
        self.arrow = pafs.SubTreeFileSystem(str(self._root), pafs.LocalFileSystem())

    def native(self) -> Any:
        """Return the folder as a file system that runs no Python."""
        return self.arrow

    def _path(self, name: str) -> Path:
        """Return where a file is; raise `StoreError` for a name that leads out of the folder."""
        if leads_out(name):
            raise StoreError(f"{self._noun} {self.location!r}: {name!r} is no name of its files")
        return self._root / name

    def prepare(self) -> None:
        """Make the folder; raise `StoreError` if it cannot be written."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            probe = self._root / _partial()
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"{self._noun} {self.location!r} cannot be written: {error.strerror}; "
                "give a folder that you may write to"
            ) from error

    def top(self, folder: str = "") -> list[str]:
        """Return the names of the files and folders right in a folder, by default at the top."""
        place = self._root / folder
        items = place.iterdir() if place.is_dir() else ()
        return sorted(item.name for item in items if not item.name.startswith("."))

    def list(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, in alphabetical order."""
        return sorted(
            Path(parent, name).relative_to(self._root).as_posix()
            for parent, _, names in os.walk(self._path(folder))
            for name in names
            if not name.startswith(".")
        )

    def found(self) -> Iterator[Found]:
        """Yield all files, in no order, also those that others do not see: unfinished ones."""
        for parent, _, names in os.walk(self._root):
            for path in (Path(parent, name) for name in names):
                with suppress(FileNotFoundError):  # unfinished ones get their names meanwhile
                    about = path.lstat()
                    name = path.relative_to(self._root).as_posix()
                    yield Found(name, about.st_size, about.st_mtime_ns)

    def now_ns(self) -> int:
        """Return the time by the clock that dates the files, which is asked by writing one."""
        probe = self._root / _partial()
        try:
            probe.touch()
            return probe.stat().st_mtime_ns
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return self._path(name).is_file()

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        return self._path(name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file: readers see all of it or nothing, also after a kill."""
        path = self._path(name)
        partial = path.with_name(_partial())
        try:
            self._make_parents(name)
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise self._unwritable(error) from error

    def _make_parents(self, name: str) -> None:
        """Make the folders of a file below the root.

        Not the root: one that is deleted while others write must stay away, or what they write
        would be half of a store.
        """
        parents = PurePosixPath(name).parents
        if not (self._root / parents[0]).is_dir():
            for folder in reversed(parents[:-1]):
                (self._root / folder).mkdir(exist_ok=True)

    def _unwritable(self, error: OSError) -> StoreError:
        if isinstance(error, FileNotFoundError):  # only `prepare` finds no folder otherwise
            return StoreError(f"the {self._noun} at {self.location!r} was deleted while in use")
        return StoreError(
            f"{self._noun} {self.location!r} cannot be written: {error.strerror or error}"
        )

    def part(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from ``start`` until before ``end``, or to its end."""
        with self._path(name).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; those that are not there do not matter."""
        try:
            for name in names:
                self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self._noun} {self.location!r}: {error.filename!r} cannot be deleted: "
                f"{error.strerror}"
            ) from error


def _partial() -> str:
    return f".{uuid.uuid4().hex}.partial"


_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.partial")


_BUCKET = re.compile(r"s3://([a-zA-Z0-9][a-zA-Z0-9._-]{2,62})((?:/[^/?#\\]+)*)/?")
_TAIL = 1 << 18
"""Bytes that are fetched first of a file that is read in parts: all of most files."""
_REPEATABLE = (Kind.BROKEN, Kind.BUSY, Kind.SILENT, Kind.AWAY)
"""Troubles after which a deletion may be done again, which obstore does not know."""
_EMPTY = "status code: 416"
"""What a server says when it is asked for all bytes of a file that has none."""


class BucketFiles:
    """Files in a bucket of S3 or of what speaks its language; each is written by a single PUT.

    Region, endpoint and credentials are those of the usual variables of the environment
    (``AWS_REGION``, ``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ...), else of the role that
    the machine has.  They are read by obstore and neither kept nor shown here.

    What fails for no lasting reason is done again, for as long as `Patience` has it; until the
    server has answered once, only ``first`` times, since an address may be wrong and a person
    wait.
    """

    def __init__(
        self, url: str, noun: str = "store", *, retries: int = PATIENT, first: int = BRISK
    ) -> None:
        parsed = _BUCKET.fullmatch(url)
        if parsed is None:
            raise InputError(
                f"{noun} s3://... is not understood; write s3://BUCKET or s3://BUCKET/FOLDER, and "
                "give credentials by the environment (AWS_ACCESS_KEY_ID, ...)"
            )
        self._noun = noun
        self._bucket, prefix = parsed[1], parsed[2].strip("/")
        self._path = f"{self._bucket}/{prefix}".rstrip("/")
        self.location = f"s3://{self._path}"
        self._prefix = prefix
        self._later = Patience.given(retries)
        self._patience = self._later.to(first)
        self._connect()
        self.arrow = pafs.PyFileSystem(pafs.FSSpecHandler(_ForArrow(self)))

    def native(self) -> Any:
        """Return the bucket as a file system that runs no Python: Arrow's own client of S3."""
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
        """Do nothing: buckets are made elsewhere, and the first writing tells."""

    def top(self, folder: str = "") -> list[str]:
        """Return the names of the files and folders right in a folder, by default at the top."""
        found = self._ask(lambda: self._reader.list_with_delimiter(folder or None))
        paths = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        names = [path.rpartition("/")[2] for path in paths]
        return sorted(name for name in names if name and not name.startswith("."))

    def list(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, in alphabetical order."""

        def names_of() -> list[str]:
            pages = self._reader.list(folder, chunk_size=1000)
            return [meta["path"] for page in pages for meta in page]

        names = self._ask(names_of)
        return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))

    def found(self) -> Iterator[Found]:
        """Yield all files, in no order."""

        def all_of() -> list[Any]:
            return [meta for page in self._reader.list(chunk_size=1000) for meta in page]

        for meta in self._ask(all_of):
            moment = round(meta["last_modified"].timestamp()) * 1_000_000_000
            yield Found(meta["path"], meta["size"], moment)

    def now_ns(self) -> int:
        """Return the time by the clock that dates the files, which is asked by writing one."""
        name = _partial()
        self.write(name, b"")
        moment: datetime = self._ask(lambda: self._reader.head(name))["last_modified"]
        self.delete([name])
        return round(moment.timestamp()) * 1_000_000_000

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        with suppress(FileNotFoundError):
            self._ask(lambda: self._reader.head(name))
            return True
        return False

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        return self._ask(lambda: self._whole(name))

    def _whole(self, name: str) -> bytes:
        """Ask for a range, even if for all of it: then the answer says how large the file is."""
        try:
            answer = self._reader.get(name, options={"range": {"offset": 0}})
        except FileNotFoundError:
            raise
        except Exception as error:
            if _EMPTY not in str(error):
                raise
            answer = self._reader.get(name)
        return checked(answer.bytes().to_bytes(), answer.meta["size"])

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file: readers see all of it or nothing, also after a kill."""
        self._ask(lambda: self._writer.put(name, data, use_multipart=False))

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; those that are not there do not matter."""
        with suppress(FileNotFoundError):
            if names:
                self._ask(lambda: self._reader.delete(list(names)), _REPEATABLE)

    def tail(self, name: str) -> tuple[bytes, int]:
        """Return the end of a file, or all of it if it is small, and the file's size."""

        def end() -> tuple[bytes, int]:
            answer = self._reader.get(name, options={"range": {"suffix": _TAIL}})
            size = answer.meta["size"]
            return checked(answer.bytes().to_bytes(), min(size, _TAIL)), size

        return self._ask(end)

    def part(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from ``start`` until before ``end``."""

        def some() -> bytes:
            answer = self._reader.get(name, options={"range": (start, end)})
            size = answer.meta["size"]
            return checked(answer.bytes().to_bytes(), max(min(end, size) - start, 0))

        return self._ask(some)

    def _connect(self) -> None:
        self._reader, self._writer = (
            connect(
                self._bucket,
                self._prefix,
                self._patience,
                {},
                allow_http=_endpoint().startswith("http:"),
                sends=sends,
            )
            for sends in (False, True)
        )

    def _ask(self, question: Callable[[], T], passing: Collection[Kind] = (Kind.BROKEN,)) -> T:
        """Ask until the answer is whole; raise `StoreError` or FileNotFoundError if none comes."""
        with self._told():
            answer = until_whole(question, self._patience, passing)
        if self._patience != self._later:
            self._patience = self._later
            self._connect()
        return answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn obstore's errors into sentences of our own: its texts are long and unguarded."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if trouble_of(error).kind == Kind.MISSING:
                raise
            raise StoreError(f"{self._noun} {self.location!r}: {self._meaning(error)}") from error
        except (BaseError, OSError, ValueError) as error:
            raise StoreError(f"{self._noun} {self.location!r}: {self._meaning(error)}") from error

    def _meaning(self, error: Exception) -> str:
        trouble = trouble_of(error)
        about = _ADVICE[trouble.kind]
        return about.format(words=trouble.words, server=_server(), bucket=self._bucket)


_ADVICE = {
    Kind.REFUSED: "{server}: {words}; may these credentials list, read, write and delete there?",
    Kind.NO_BUCKET: "there is no bucket {bucket!r} at {server}; epicat makes none",
    Kind.MISSING: "{server}: {words}",
    Kind.EXPIRED: "{words}; renew those of the environment (AWS_ACCESS_KEY_ID, ...)",
    Kind.BUSY: "{server}: {words}; try again later",
    Kind.SILENT: "the server {server} does not answer ({words}); try again later",
    Kind.AWAY: "the server {server} cannot be reached ({words}); is AWS_ENDPOINT_URL right, is "
    "there a network?",
    Kind.BROKEN: "{server}: {words}; is a file there damaged?",
    Kind.MOVED: "{words}; set AWS_REGION",
    Kind.KEYLESS: "{words}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a machine "
    "with a role",
    Kind.OTHER: "{server} does not answer as S3 does",
}
"""What to say of a trouble with the server."""


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _server() -> str:
    """Name the server, without what an endpoint may have in front of an @."""
    return urlsplit(_endpoint()).netloc.rpartition("@")[2] or "AWS"


def open_files(location: str, noun: str = "store", *, patient: bool = False) -> Files:
    """Open a folder on this machine or in a bucket; raise `InputError` for anything else.

    ``noun`` says what it is in messages; ``patient`` is who waits for a server from the start.
    """
    scheme, separator, _ = location.partition("://")
    if not separator:
        return LocalFiles(Path(location), noun)
    if scheme == "s3":
        return BucketFiles(location, noun, first=PATIENT if patient else BRISK)
    raise InputError(
        f"{noun} {scheme}://... is not supported; give a folder on this machine or "
        "s3://BUCKET/FOLDER"
    )


class _ForArrow:
    """As much of a file system in the manner of fsspec as Arrow needs to read a file."""

    protocol = "s3"

    def __init__(self, files: BucketFiles) -> None:
        self._files = files

    def isfile(self, path: str) -> bool:
        """Arrow asks before it opens; opening tells as well."""
        del path
        return True

    def open(self, path: str, mode: str) -> _Parts:
        """Open a file for reading."""
        del mode
        return _Parts(self._files, path)


class _Parts(io.RawIOBase):
    """A file that is fetched in parts, beginning with its end, where Parquet's index is."""

    def __init__(self, files: BucketFiles, name: str) -> None:
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
