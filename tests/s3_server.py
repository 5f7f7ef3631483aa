"""An S3 server on this machine, with one bucket and made-up credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

ACCESS, SECRET = "AKIAEXAMPLE", "wJalrXUtnFEMI"
BUCKET = "catalogs"


def url_of(place: Path) -> str:
    """Return a place in the bucket that no other test has."""
    return f"s3://{BUCKET}{place.as_posix()}"


@contextmanager
def serving() -> Iterator[str]:
    """Run the server, name it by the usual variables, and give its address."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_REGION", "us-east-1")
        moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        moto.start()
        host, port = moto.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        try:
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
            yield f"{host}:{port}"
        finally:
            moto.stop()
