"""A client of S3 that waits as long as it should, and asks again when an answer breaks off."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from epicat.fs.retry import Patience, pauses
from epicat.fs.s3_errors import Kind, trouble_of

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

__all__ = ["CONNECT", "checked", "connect", "until_whole"]

CONNECT = timedelta(seconds=5)
"""How long a connection may take to come about."""
_TORN = 8
"""Further tries of what breaks off: obstore repeats requests, and not each reading of an answer."""

T = TypeVar("T")


def connect(
    bucket: str,
    prefix: str,
    patience: Patience,
    config: Mapping[str, Any],
    *,
    allow_http: bool,
    sends: bool = False,
) -> S3Store:
    """Return a client of a bucket; nothing is asked yet.

    A client that ``sends`` large bodies has time until the whole answer is there: obstore would
    count the time of the sending as a silence of the server.
    """
    from obstore.store import S3Store

    options: ClientConfig = {
        "allow_http": allow_http,
        "connect_timeout": CONNECT,
        "timeout": patience.whole,
    }
    if not sends:
        options["read_timeout"] = patience.stall
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=dict(config),  # type: ignore[arg-type]
        client_options=options,
        retry_config={
            "max_retries": patience.retries,
            "retry_timeout": patience.total,
            "backoff": {
                "init_backoff": timedelta(seconds=0.2),
                "max_backoff": timedelta(seconds=10),
                "base": 3,
            },
        },
    )


def checked(body: bytes, size: int) -> bytes:
    """Return a body; raise OSError, which `until_whole` knows, if it has not the size it should."""
    if len(body) != size:
        raise OSError(f"body error: {len(body)} of {size} bytes")
    return body


def until_whole(
    question: Callable[[], T], patience: Patience, passing: Collection[Kind] = (Kind.BROKEN,)
) -> T:
    """Ask; ask again a few times, after a while, when the answer broke off or made no sense.

    ``passing`` are the troubles after which it is asked again; obstore does so itself after
    others, but not for questions that it takes for changes.  Raises what obstore raises.
    """
    from obstore.exceptions import BaseError

    for pause in chain(islice(pauses(patience.total_s), min(patience.retries, _TORN)), [None]):
        try:
            return question()
        except (BaseError, OSError, ValueError) as error:
            if pause is None or trouble_of(error).kind not in passing:
                raise
            time.sleep(pause)
    raise AssertionError("a last try returns or raises")
