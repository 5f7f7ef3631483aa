"""An archive in a bucket: S3, or a server that speaks its language."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, TypeVar

from epicat.archive.access import Access
from epicat.archive.source import StoredObject
from epicat.errors import AccessError, ArchiveError, InputError, ObjectError
from epicat.s3errors import Kind, Trouble, trouble_of

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

__all__ = ["BRISK", "PATIENT", "Bucket", "is_bucket"]

PATIENT = 8
"""Retries of a worker: some thirty seconds of a server that is too busy."""
BRISK = 2
"""Retries where a person waits."""
AHEAD = 6
"""Objects that are worth reading at once from one bucket."""

_LOCATION = re.compile(r"s3://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{2,254})(?P<prefix>/[^?]*)?")
_PAGE = 1000
_TRIES = 3
_CONNECT = timedelta(seconds=5)
_STALL = timedelta(seconds=30)
_WHOLE = timedelta(minutes=10)

T = TypeVar("T")


def is_bucket(location: str) -> bool:
    """Tell whether a location is a bucket's, and no folder's."""
    return "://" in location


class Bucket:
    """An archive below ``s3://bucket/prefix``.

    obstore sends the requests, pages through listings, and repeats what failed for no lasting
    reason, waiting longer each time.  Nothing is asked before the first listing or reading.
    """

    def __init__(self, location: str, access: Access, retries: int = PATIENT) -> None:
        found = _LOCATION.fullmatch(location)
        if not found:
            raise InputError(f"archive {_shown(location)!r} is no bucket: write s3://BUCKET/PREFIX")
        self._bucket = found["bucket"]
        self._prefix = (found["prefix"] or "").strip("/")
        self._access = access
        self._retries = retries
        self._store = self._open()
        self.location = f"s3://{self._bucket}" + (f"/{self._prefix}" if self._prefix else "")

    def _open(self) -> S3Store:
        from obstore.store import S3Store  # noqa: PLC0415 - only where there is a bucket

        # The endpoint is always given, so that a worker's own AWS_ENDPOINT_URL does not count.
        by_host = not self._access.endpoint and "." not in self._bucket
        server = f"s3.{self._access.region}.amazonaws.com"
        endpoint = (
            self._access.endpoint or f"https://{self._bucket + '.' if by_host else ''}{server}"
        )
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config={
                "region": self._access.region,
                "endpoint": endpoint,
                "virtual_hosted_style_request": by_host,
                "skip_signature": not self._access.signed,
            },
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "connect_timeout": _CONNECT,
                "read_timeout": _STALL,
                "timeout": _WHOLE,
            },
            retry_config={
                "max_retries": self._retries,
                "retry_timeout": timedelta(minutes=2),
                "backoff": {
                    "init_backoff": timedelta(seconds=0.2),
                    "max_backoff": timedelta(seconds=10),
                    "base": 3,
                },
            },
        )

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below a folder; raise `ArchiveError` if it cannot be listed.

        ``prefix`` ends in ``/`` or is empty: obstore matches whole parts of names only.
        """

        def pages(store: S3Store) -> Sequence[ObjectMeta]:
            stream = store.list(prefix or None, chunk_size=_PAGE)
            return [meta for page in stream for meta in page]

        try:
            metas = self._ask(pages)
        except _Trouble as error:
            self._refuse(prefix, error.trouble, error)
        folders = {"", *(meta["path"].rpartition("/")[0] for meta in metas)}
        for meta in metas:  # an empty object may stand for a folder
            if meta["size"] or meta["path"] not in folders:
                yield _stored(meta)

    def _refuse(self, prefix: str, trouble: Trouble, error: Exception) -> NoReturn:
        where = f"{self.location}/{prefix}" if prefix else self.location
        told = f"archive {where!r} cannot be listed: {trouble.words}"
        if trouble.kind == Kind.REFUSED:
            raise AccessError(f"{told}; {self._who()}") from error
        if trouble.kind == Kind.KEYLESS:
            told += (
                ": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a machine with a role"
            )
        if trouble.kind == Kind.SILENT:
            server = self._access.endpoint or f"AWS in {self._access.region}"
            told += f"; asked {server}: is it right (--archive-endpoint), is there a network?"
        if trouble.kind == Kind.MISSING:
            told += "; is its name right, and its --archive-endpoint, if it is not on AWS?"
        if trouble.kind == Kind.MOVED:
            told += f", not in {self._access.region}: give --archive-region"
        raise ArchiveError(told) from error

    def _who(self) -> str:
        if self._access.signed:
            return "it was asked with the credentials of the environment (AWS_ACCESS_KEY_ID, ...)"
        return (
            "it was asked anonymously: if it is not public, set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or give --archive-signed for a role's credentials"
        )

    def read(self, key: str) -> bytes:
        """Read a whole object; raise `ObjectError` if it cannot be read."""

        def whole(store: S3Store) -> bytes:
            answer = store.get(key)
            body = answer.bytes().to_bytes()
            if len(body) != answer.meta["size"]:
                raise OSError(f"body error: {len(body)} of {answer.meta['size']} bytes")
            return body

        try:
            return self._ask(whole)
        except _Trouble as error:
            raise ObjectError(key, f"cannot be read: {error.trouble.words}") from error

    def _ask(self, question: Callable[[S3Store], T]) -> T:
        """Ask; ask again if the answer broke off, or in the region that the bucket is in."""
        from obstore.exceptions import BaseError  # noqa: PLC0415 - only where there is a bucket

        for left in reversed(range(_TRIES)):
            try:
                return question(self._store)
            except (BaseError, OSError, ValueError) as error:
                trouble = trouble_of(error)
                if not left or not self._is_mended(trouble):
                    raise _Trouble(trouble) from error
        raise AssertionError("a last try returns or raises")

    def _is_mended(self, trouble: Trouble) -> bool:
        if trouble.kind == Kind.MOVED:
            region = self._find_region()
            if region and region != self._access.region:
                self._access = replace(self._access, region=region)
                self._store = self._open()
                return True
        return trouble.kind == Kind.BROKEN

    def _find_region(self) -> str:
        """Ask the server where the bucket is: it says so even when it says no otherwise."""
        root = self._access.endpoint or "https://s3.amazonaws.com"
        request = urllib.request.Request(f"{root}/{self._bucket}", method="HEAD")  # noqa: S310 - http(s) only, see Access
        try:
            with urllib.request.urlopen(request, timeout=_CONNECT.total_seconds()) as answer:  # noqa: S310 # nosec B310
                headers = answer.headers
        except urllib.error.HTTPError as error:
            headers = error.headers
        except OSError:
            return ""
        return headers.get("x-amz-bucket-region") or ""


class _Trouble(Exception):  # noqa: N818 - never seen outside: carries a `Trouble` up
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.words)
        self.trouble = trouble


def _stored(meta: ObjectMeta) -> StoredObject:
    etag = (meta["e_tag"] or "").strip('"') or f"{meta['last_modified'].isoformat()}"
    return StoredObject(meta["path"], meta["size"], etag)


def _shown(location: str) -> str:
    """Leave out what may be credentials, as in ``s3://key:secret@bucket``."""
    scheme, _, rest = location.partition("://")
    return f"{scheme}://...@{rest.rpartition('@')[2]}" if "@" in rest else location
