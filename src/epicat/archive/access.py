"""How a bucket is accessed: region, endpoint, signed or anonymous.  Never holds a secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from epicat.archive.registry import find_public
from epicat.errors import InputError

__all__ = ["Access", "resolve_access"]

_DEFAULT_REGION = "us-east-1"
_ENDPOINT = re.compile(r"https?://[^/@?#\s]+(/[^@?#\s]*)?")
_REGION = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """How to access a bucket.  Plain data without secrets, passed on to workers."""

    region: str = _DEFAULT_REGION
    """Region of the bucket; a redirect to another one is followed."""
    endpoint: str = ""
    """URL of the server; empty for AWS."""
    signed: bool = False
    """Whether requests are signed with the credentials in each machine's environment."""


def resolve_access(
    archive: str, *, region: str | None, endpoint: str | None, signed: bool | None
) -> Access:
    """Resolve how an archive is accessed: from the arguments, else from the AWS variables.

    A public archive keeps its own region and is read anonymously, whatever the environment holds.
    Raises `InputError` for an endpoint that is not a URL or contains credentials.
    """
    known = find_public(archive)
    region = region or (known.region if known else _variable("AWS_REGION", "AWS_DEFAULT_REGION"))
    endpoint = endpoint or _variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if signed is None:
        signed = known is None and _has_keys()
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise InputError(
            "--archive-endpoint (or AWS_ENDPOINT_URL) is not a URL like "
            "https://s3.example.org:9000; put credentials in environment variables, not in the URL"
        )
    if region and not _REGION.fullmatch(region):
        raise InputError(
            f"--archive-region {region!r} is not a region name; write it like us-east-2"
        )
    return Access(region or _DEFAULT_REGION, endpoint.rstrip("/"), signed)


def _variable(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _has_keys() -> bool:
    return all(map(os.environ.get, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")))
