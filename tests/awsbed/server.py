"""moto's server with the runner behind its Batch, and a record of all that crosses the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from awsbed.api import answering
from awsbed.gaps import filled
from awsbed.gaps.refusals import refusing
from awsbed.images import Image
from awsbed.runner import LocalBatch

ACCESS, SECRET = "AKIAEXAMPLE", "wJalrXUtnFEMI"
"""Synthetic credentials."""


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire."""

    line: str
    headers: str
    body: bytes

    @property
    def action(self) -> str:
        """The name of the call, for services that have one in a header or a form."""
        for line in self.headers.splitlines():
            if line.startswith("X_AMZ_TARGET:"):
                return line.rpartition(".")[2]
        form = self.body.partition(b"Action=")[2].partition(b"&")[0]
        return form.decode() if form else self.line

    def holds(self, text: str) -> bool:
        """Return whether a text is anywhere in it, as it stands or percent-encoded."""
        from urllib.parse import quote, quote_plus

        whole = self.line.encode() + self.headers.encode() + self.body
        return any(form.encode() in whole for form in (text, quote(text, ""), quote_plus(text)))


@dataclass
class Bed:
    """The server, the runner, and what was asked and answered."""

    endpoint: str
    batch: LocalBatch
    asked: list[Request] = field(default_factory=list)
    answered: list[bytes] = field(default_factory=list)
    """Bodies of the answers."""

    def client(self, service: str, region: str = "us-west-2") -> Any:
        """Return a client of its owner's."""
        import boto3

        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=region,
            aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
        )  # fmt: skip

    def variables(self, region: str = "us-west-2") -> dict[str, str]:
        """Return the environment by which AWS's and other clients find the server."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": region,
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ALLOW_HTTP": "true",
        }  # fmt: skip


class _Recorder:
    """Keeps each request, lets moto answer it, and keeps the answer."""

    def __init__(self, application: Any, asked: list[Request], answered: list[bytes]) -> None:
        self._application = application
        self._asked = asked
        self._answered = answered

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        length = environ.get("CONTENT_LENGTH")
        chunked = environ.get("wsgi.input_terminated")
        body = environ["wsgi.input"].read(*([] if chunked and not length else [int(length or 0)]))
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        headers = "\n".join(
            f"{name[5:]}:{value}" for name, value in environ.items() if name.startswith("HTTP_")
        )
        line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        self._asked.append(Request(line, headers, body))
        body = self._application(environ, start_response)
        answer = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        self._answered.append(answer)
        return [answer]


@contextmanager
def serving(
    images: Mapping[str, Image] | None = None, *, slots: int = 2, hurry: float = 1.0
) -> Iterator[Bed]:
    """Serve on a free port of the loopback; jobs run while the block lasts."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
            pass

    asked: list[Request] = []
    answered: list[bytes] = []
    application = _Recorder(DomainDispatcherApplication(create_backend_app), asked, answered)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    with ExitStack() as stack:
        stack.enter_context(filled())
        batch = stack.enter_context(LocalBatch(images or {}, slots=slots, hurry=hurry))
        stack.enter_context(answering(batch))
        stack.enter_context(refusing(batch))
        thread.start()
        try:
            yield Bed(f"http://127.0.0.1:{server.server_port}", batch, asked, answered)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
