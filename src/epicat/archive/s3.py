"""An archive in a bucket on S3 or an S3-compatible server."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, TypeVar

from epicat.archive.access import Access
from epicat.archive.objects import StoredObject, without_secrets
from epicat.errors import AccessError, ArchiveError, AwayError, InputError, ObjectError
from epicat.fs.retry import PATIENT, Patience
from epicat.fs.s3_client import CONNECT, S3Bucket, S3Client
from epicat.fs.s3_errors import Kind, S3Error

if TYPE_CHECKING:
    from obstore import ObjectMeta

__all__ = ["AHEAD", "Bucket", "is_bucket"]

AHEAD = 6
"""Objects to prefetch concurrently from a bucket."""

_LOCATION = re.compile(r"s3://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{2,254})(?P<prefix>/[^?]*)?")
_AWAY = (Kind.AWAY, Kind.NO_BUCKET, Kind.KEYLESS, Kind.EXPIRED)
"""Errors of the archive as a whole."""
_DEEPEST = 12
"""Folders above an object at most."""
_PASSING = (Kind.BUSY, Kind.SILENT, Kind.BROKEN)
"""Errors after which a later request for the object may succeed."""

T = TypeVar("T")


def is_bucket(location: str) -> bool:
    """Whether a location is a URL rather than a local folder."""
    return "://" in location and not location.startswith(("fdsn:", "http://", "https://"))


class Bucket:
    """An archive below ``s3://bucket/prefix``.

    `S3Client` sends the requests, none before the first listing or reading, and bounds the time
    that a failing archive takes.
    """

    def __init__(self, location: str, access: Access, retries: int = PATIENT) -> None:
        found = _LOCATION.fullmatch(location)
        if not found:
            raise InputError(
                f"archive {without_secrets(location)!r} is not a bucket URL: write s3://BUCKET/PREFIX"
            )
        self._bucket = found["bucket"]
        self._prefix = (found["prefix"] or "").strip("/")
        self._access = access
        self._patience = Patience.from_environment(retries)
        self._open()
        self.location = f"s3://{self._bucket}" + (f"/{self._prefix}" if self._prefix else "")

    def _open(self) -> None:
        # The endpoint is always explicit, so that AWS_ENDPOINT_URL of a worker has no effect.
        by_host = not self._access.endpoint and "." not in self._bucket
        server = f"s3.{self._access.region}.amazonaws.com"
        endpoint = (
            self._access.endpoint or f"https://{self._bucket + '.' if by_host else ''}{server}"
        )
        config = {
            "region": self._access.region,
            "endpoint": endpoint,
            "virtual_hosted_style_request": by_host,
            "skip_signature": not self._access.signed,
        }
        bucket = S3Bucket(self._bucket, self._prefix, config, endpoint.startswith("http:"))
        self._client = S3Client(bucket, self._patience)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below a folder; raise `ArchiveError` if it cannot be listed.

        ``prefix`` ends in ``/`` or is empty: obstore matches complete path segments only.
        """
        try:
            metas = self._ask(lambda client: client.list(prefix))
        except S3Error as error:
            self._refuse(prefix, error)
        folders = {"", *(meta["path"].rpartition("/")[0] for meta in metas)}
        for meta in metas:  # an empty object may stand for a folder
            if meta["size"] or meta["path"] not in folders:
                yield _stored(meta)

    def example(self) -> str | None:
        """Key of the first object of the first folder at each level; None if there is none."""
        prefix = ""
        try:
            for _ in range(_DEEPEST):
                level = self._ask(lambda client: client.list_level(prefix))  # noqa: B023
                if level["objects"]:
                    return str(level["objects"][0]["path"])
                if not level["common_prefixes"]:
                    return None
                prefix = f"{level['common_prefixes'][0].rstrip('/')}/"
        except S3Error as error:
            self._refuse(prefix, error)
        return None

    def _refuse(self, prefix: str, error: S3Error, done: str = "listed") -> NoReturn:
        where = f"{self.location}/{prefix}" if prefix else self.location
        message = f"archive {where!r} cannot be {done}: {error.words}"
        if error.kind == Kind.REFUSED:
            raise AccessError(f"{message}; {self._who()}") from error
        if error.kind == Kind.KEYLESS:
            message += (
                ": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a machine with a role"
            )
        if error.kind == Kind.EXPIRED:
            message += "; renew those of the environment (AWS_ACCESS_KEY_ID, ...)"
        if error.kind in (Kind.AWAY, Kind.SILENT):
            server = self._access.endpoint or f"AWS in {self._access.region}"
            message += f"; server: {server}; check --archive-endpoint and the network connection"
        if error.kind in (Kind.MISSING, Kind.NO_BUCKET):
            message += "; check its name, and --archive-endpoint if it is not on AWS"
        if error.kind == Kind.MOVED:
            message += f", not in {self._access.region}: give --archive-region"
        raise (AwayError if error.kind in _AWAY else ArchiveError)(message) from error

    def _who(self) -> str:
        if self._access.signed:
            return "the request used the credentials of the environment (AWS_ACCESS_KEY_ID, ...)"
        return (
            "the request was anonymous: if the archive is not public, set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or use --archive-signed with the credentials of a role"
        )

    def read(self, key: str, size: int | None = None) -> bytes:
        """Read an object; raise `ObjectError` if it cannot be read.

        ``size`` is the size in the listing: a response of another size, unless the object has
        changed, was truncated.  Raises `AwayError` if the archive as a whole is unavailable.
        """
        try:
            return self._ask(lambda client: client.get_listed(key, size))
        except S3Error as error:
            if error.kind in _AWAY:
                self._refuse(key, error, "read")
            message = f"cannot be read: {error.words}"
            raise ObjectError(key, message, may_pass=error.kind in _PASSING) from error

    def size(self, key: str) -> int:
        """Return the size of an object in bytes; raise `ObjectError` if there is none."""
        return int(self._ask_for(key, lambda client: client.head(key))["size"])

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from ``start`` to ``end``; raise `ObjectError` if it cannot be read."""
        return self._ask_for(key, lambda client: client.get_range(key, start, end))

    def _ask_for(self, key: str, request: Callable[[S3Client], T]) -> T:
        try:
            return self._ask(request)
        except S3Error as error:
            raise ObjectError(key, f"cannot be read: {error.words}") from error

    def _ask(self, request: Callable[[S3Client], T]) -> T:
        """Send a request; send it again if the bucket turns out to be in another region."""
        try:
            return request(self._client)
        except S3Error as error:
            if error.kind != Kind.MOVED or not self._follow():
                raise
        return request(self._client)

    def _follow(self) -> bool:
        """Switch to the region of the bucket; return whether it is another one."""
        region = self._find_region()
        if not region or region == self._access.region:
            return False
        self._access = replace(self._access, region=region)
        self._open()
        return True

    def _find_region(self) -> str:
        """Return the region of the bucket, which the server reports even with an error status."""
        root = self._access.endpoint or "https://s3.amazonaws.com"
        request = urllib.request.Request(f"{root}/{self._bucket}", method="HEAD")  # noqa: S310 - http(s) only, see Access
        try:
            with urllib.request.urlopen(request, timeout=CONNECT.total_seconds()) as answer:  # noqa: S310 # nosec B310
                headers = answer.headers
        except urllib.error.HTTPError as error:
            headers = error.headers
        except OSError:
            return ""
        return headers.get("x-amz-bucket-region") or ""


def _stored(meta: ObjectMeta) -> StoredObject:
    etag = (meta["e_tag"] or "").strip('"') or f"{meta['last_modified'].isoformat()}"
    return StoredObject(meta["path"], meta["size"], etag)
