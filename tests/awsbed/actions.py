"""Which IAM action a request needs, by the service models of AWS's own client."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from awsbed.server import Request

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
_PREFIX = {"ce": "ce", "servicequotas": "servicequotas"}
# What S3 calls otherwise in policies, by method, whether it has a key, and a word of the query
_S3 = {
    ("GET", True, ""): "GetObject",
    ("HEAD", True, ""): "GetObject",
    ("PUT", True, ""): "PutObject",
    ("POST", True, "uploads"): "PutObject",
    ("POST", True, "uploadId"): "PutObject",
    ("PUT", True, "uploadId"): "PutObject",
    ("DELETE", True, "uploadId"): "AbortMultipartUpload",
    ("DELETE", True, ""): "DeleteObject",
    ("GET", False, ""): "ListBucket",
    ("GET", False, "list-type"): "ListBucket",
    ("HEAD", False, ""): "ListBucket",
    ("GET", False, "versions"): "ListBucketVersions",
    ("GET", False, "uploads"): "ListBucketMultipartUploads",
    ("POST", False, "delete"): "DeleteObject",
    ("DELETE", False, ""): "DeleteBucket",
    ("GET", False, "encryption"): "GetEncryptionConfiguration",
    ("GET", False, "tagging"): "GetBucketTagging",
}


def action_of(request: Request) -> tuple[str, str] | None:
    """Return the access key and the action, such as ``batch:SubmitJob``; None if unsigned."""
    found = _CREDENTIAL.search(request.headers)
    if found is None:
        return None
    key, service = found.groups()
    if service == "s3":
        name = _s3_action(request)
    elif request.action != request.line:
        name = request.action
    else:
        name = _rest_action(service, request.line)
    return key, f"{_PREFIX.get(service, service)}:{name}"


def _s3_action(request: Request) -> str:
    method, _, rest = request.line.partition(" ")
    path, _, query = rest.partition("?")
    words = parse_qs(query, keep_blank_values=True)
    has_key = path.strip("/").count("/") > 0
    if b"<VersionId>" in request.body:
        return "DeleteObjectVersion"
    for word in words:
        if (method, has_key, word) in _S3:
            return _S3[method, has_key, word]
    return _S3[method, has_key, ""]


def _rest_action(service: str, line: str) -> str:
    method, _, rest = line.partition(" ")
    path = rest.partition("?")[0]
    return next(
        name for name, verb, pattern in _operations(service)
        if verb == method and pattern.fullmatch(path)
    )  # fmt: skip


@cache
def _operations(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    import botocore.session

    model: Any = botocore.session.get_session().get_service_model(service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(http["requestUri"].partition("?")[0]))
        found.append((name, http["method"], re.compile(pattern)))
    return found
