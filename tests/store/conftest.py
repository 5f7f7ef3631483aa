"""What the tests of stores share."""

from __future__ import annotations

import pytest

from support import s3


@pytest.fixture
def server(s3_server: s3.Server, no_aws: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a server that has a bucket for stores by the usual variables; give its address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    s3_server.make(s3.CATALOGS, {}, public=False)
    return s3_server.endpoint.removeprefix("http://")
