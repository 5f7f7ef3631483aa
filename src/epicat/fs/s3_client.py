"""The S3 client of stores and archives: requests to one bucket, with their timeouts and retries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from epicat.fs.retry import BRISK, Patience, pauses, retry
from epicat.fs.s3_errors import Kind, S3Error

if TYPE_CHECKING:
    from obstore import ListResult, ObjectMeta
    from obstore.store import ClientConfig, S3Store

__all__ = ["CONNECT", "S3Bucket", "S3Client"]

CONNECT = timedelta(seconds=5)
"""Timeout of a connection attempt."""
_TRUNCATED = 8
"""Retries of truncated responses: obstore retries requests, but not the reading of a response."""
_REPEATABLE = (Kind.BROKEN, Kind.BUSY, Kind.SILENT, Kind.AWAY)
"""Errors after which a deletion is retried, which obstore does not do."""
_UNRESPONSIVE = (Kind.AWAY, Kind.BUSY, Kind.SILENT)
"""Errors after which the next requests are retried a few times only."""
_EMPTY = "status code: 416"
"""Response to a request for a range of an empty object."""
_PAGE = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket, or a folder in it, and how to reach it."""

    name: str
    """Name of the bucket."""
    prefix: str
    """Folder in the bucket, without slashes at its ends; empty for all of it."""
    config: Mapping[str, Any]
    """Settings of obstore; it reads what is missing from the environment (``AWS_REGION``, ...)."""
    allow_http: bool
    """Whether the endpoint is one without TLS."""


class S3Client:
    """Requests to a bucket by keys below its prefix; every failure is an `S3Error`.

    obstore sends and signs requests, follows listing pages and retries transient errors with
    growing delays.  Truncated responses, and deletions, are retried here.  No request is sent
    before the first call.

    After the retry budget was exhausted once, further requests are retried `BRISK` times only,
    until the server responds: an unreachable server takes a bounded time.  ``first`` bounds the
    retries before the first response in the same way: the address may be wrong.
    """

    def __init__(self, bucket: S3Bucket, patience: Patience, *, first: int | None = None) -> None:
        self._bucket = bucket
        self._patience = patience
        self._budget = patience if first is None else patience.limited_to(first)
        self._stores: dict[tuple[Patience, bool], S3Store] = {}

    def list(self, prefix: str) -> list[ObjectMeta]:
        """Return every object below a prefix, which matches complete path segments only."""

        def pages(store: S3Store) -> list[ObjectMeta]:
            return [m for page in store.list(prefix or None, chunk_size=_PAGE) for m in page]

        return self._request(pages)

    def list_level(self, prefix: str) -> ListResult[Sequence[ObjectMeta]]:
        """Return the objects and common prefixes directly below a prefix."""
        return self._request(lambda store: store.list_with_delimiter(prefix or None))

    def head(self, key: str) -> ObjectMeta:
        """Return the size and the time of an object."""
        return self._request(lambda store: store.head(key))

    def get(self, key: str) -> bytes:
        """Return an object; its size is that of the range which the server reports."""

        def request(store: S3Store) -> bytes:
            try:
                answer = store.get(key, options={"range": {"offset": 0}})
            except FileNotFoundError:
                raise
            except Exception as error:
                if _EMPTY not in str(error):
                    raise
                answer = store.get(key)
            return _complete(answer.bytes().to_bytes(), answer.meta["size"])

        return self._request(request)

    def get_listed(self, key: str, size: int | None) -> bytes:
        """Return an object with the size in a listing; another size is checked with the server."""

        def request(store: S3Store) -> bytes:
            answer = store.get(key)
            body = _complete(answer.bytes().to_bytes(), answer.meta["size"])
            if size is not None and len(body) != size:
                return _complete(body, store.head(key)["size"])
            return body

        return self._request(request)

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """Return the last bytes of an object, at most ``length``, and its size."""

        def request(store: S3Store) -> tuple[bytes, int]:
            answer = store.get(key, options={"range": {"suffix": length}})
            size = answer.meta["size"]
            return _complete(answer.bytes().to_bytes(), min(size, length)), size

        return self._request(request)

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to before ``end``, or to the end of the object."""

        def request(store: S3Store) -> bytes:
            answer = store.get(key, options={"range": (start, end)})
            expected = max(min(end, answer.meta["size"]) - start, 0)
            return _complete(answer.bytes().to_bytes(), expected)

        return self._request(request)

    def put(self, key: str, data: bytes) -> None:
        """Write an object in a single request."""
        self._request(lambda store: store.put(key, data, use_multipart=False), sends=True)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; some servers report missing ones as an error."""
        self._request(lambda store: store.delete(list(keys)), transient=_REPEATABLE)

    def _request(
        self,
        request: Callable[[S3Store], T],
        *,
        sends: bool = False,
        transient: Collection[Kind] = (Kind.BROKEN,),
    ) -> T:
        from obstore.exceptions import BaseError

        store = self._store(self._budget, sends)
        waits = islice(pauses(self._budget.total_s), min(self._budget.retries, _TRUNCATED))
        try:
            answer = retry(
                lambda: request(store),
                lambda error: S3Error.from_obstore(error).kind in transient,
                waits,
            )
        except (BaseError, OSError, ValueError) as error:
            failure = S3Error.from_obstore(error)
            is_unresponsive = failure.kind in _UNRESPONSIVE
            self._budget = self._patience.limited_to(BRISK) if is_unresponsive else self._patience
            raise failure from error
        self._budget = self._patience
        return answer

    def _store(self, budget: Patience, sends: bool) -> S3Store:
        """Return obstore's client for a retry budget.

        A client that ``sends`` large bodies has a timeout for the complete response only: obstore
        would count the time of sending as silence of the server.
        """
        if (budget, sends) not in self._stores:
            self._stores[budget, sends] = self._connect(budget, sends)
        return self._stores[budget, sends]

    def _connect(self, budget: Patience, sends: bool) -> S3Store:
        from obstore.store import S3Store

        options: ClientConfig = {
            "allow_http": self._bucket.allow_http,
            "connect_timeout": CONNECT,
            "timeout": budget.complete,
        }
        if not sends:
            options["read_timeout"] = budget.stall
        return S3Store(
            self._bucket.name,
            prefix=self._bucket.prefix or None,
            config=dict(self._bucket.config),  # type: ignore[arg-type]
            client_options=options,
            retry_config={
                "max_retries": budget.retries,
                "retry_timeout": budget.total,
                "backoff": {
                    "init_backoff": timedelta(seconds=0.2),
                    "max_backoff": timedelta(seconds=10),
                    "base": 3,
                },
            },
        )


def _complete(body: bytes, size: int) -> bytes:
    """Return a body of the expected size; raise OSError, which `S3Error` maps to `Kind.BROKEN`."""
    if len(body) != size:
        raise OSError(f"body error: {len(body)} of {size} bytes")
    return body
