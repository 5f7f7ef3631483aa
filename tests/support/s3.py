"""A local S3 server, and one that fails on request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ACCESS, SECRET = "AKIAEXAMPLE", "wJalrXUtnFEMI"
"""Dummy credentials."""
CATALOGS = "catalogs"
"""A bucket for stores."""


def url_of(place: Path) -> str:
    """Return a unique location in the bucket for a store."""
    return f"s3://{CATALOGS}{place.as_posix()}"


@dataclass(frozen=True)
class Server:
    """moto's server, and a client of its owner with all permissions."""

    endpoint: str
    client: Any

    def make(self, bucket: str, objects: Mapping[str, bytes], *, public: bool = True) -> str:
        """Create a bucket whose objects are public or private."""
        acl = {"ACL": "public-read"} if public else {}
        self.client.create_bucket(Bucket=bucket, **acl)
        for key, body in objects.items():
            self.client.put_object(Bucket=bucket, Key=key, Body=body, **acl)
        return f"s3://{bucket}"

    def make_large(self, bucket: str, keys: Iterable[str]) -> str:
        """Create a bucket with many objects, without a request for each."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        location = self.make(bucket, {})
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for key in keys:
            backend.put_object(bucket, key, b".")
        return location


@contextmanager
def serving() -> Iterator[Server]:
    """Run moto's server on a free port of the loopback."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="owner", aws_secret_access_key="owner",
    )  # fmt: skip
    try:
        yield Server(endpoint, client)
    finally:
        server.stop()


Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body; a body shorter than a given Content-Length breaks off."""
HEAD = {"Last-Modified": "Fri, 21 Jun 2019 00:00:00 GMT", "ETag": '"tag"'}


def refusal(status: int, code: str, message: str = "...") -> Answer:
    """S3's error response, which repeats the requested key."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>"
        "<AWSAccessKeyId>=SECRET</AWSAccessKeyId></Error>"
    )
    return status, {"Content-Type": "application/xml"}, text.encode()


def body(content: bytes, **headers: str) -> Answer:
    """Return an object."""
    return 200, HEAD | headers, content


def listing(*keys: str) -> Answer:
    """Return a listing of one page."""
    items = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2019-06-21T00:00:00.000Z</LastModified>"
        f'<ETag>"tag"</ETag><Size>1</Size></Contents>'
        for key in keys
    )
    text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    return 200, {"Content-Type": "application/xml"}, text.encode()


class Faulty:
    """A server with scripted responses that records its requests."""

    def __init__(self, answer: Callable[[int, str], Answer]) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._answer = answer

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port of the loopback; yield the endpoint."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append(f"{self.command} {self.path}")
                outer.headers.append(dict(self.headers))
                status, headers, content = outer._answer(len(outer.asked), outer.asked[-1])
                self.send_response(status)
                usual = {"Content-Length": str(len(content)), "Connection": "close"}
                for name, value in (usual | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)
                self.close_connection = True

            do_HEAD = do_POST = do_GET  # noqa: N815 - named by http.server

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        with on_loopback(Handler) as address:
            yield address


@contextmanager
def on_loopback(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[str]:
    """Serve HTTP in a thread, by default on a free port; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
