"""What the tests of stores share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from s3_server import serving


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give the address of an S3 server with a bucket."""
    with serving() as address:
        yield address
