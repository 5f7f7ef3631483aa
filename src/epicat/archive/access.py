"""How a bucket is reached: region, endpoint, signed or not.  Never a secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from epicat.archive.registry import find_known
from epicat.errors import InputError

__all__ = ["Access", "resolve_access"]

_DEFAULT_REGION = "us-east-1"
_ENDPOINT = re.compile(r"https?://[^/@?#\s]+(/[^@?#\s]*)?")
_REGION = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a bucket.  Plain data without secrets: it travels to workers."""

    region: str = _DEFAULT_REGION
    """Region of the bucket; a redirect to another one is followed."""
    endpoint: str = ""
    """URL of the server if that is not AWS."""
    signed: bool = False
    """Whether requests are signed with the credentials in each machine's environment."""


def resolve_access(
    archive: str, *, region: str | None, endpoint: str | None, signed: bool | None
) -> Access:
    """Settle how an archive is reached: what was given, else the usual variables of AWS.

    A known archive keeps its own region and is read anonymously, whatever the environment holds.
    Raises `InputError` for an endpoint that is no URL or holds credentials.
    """
    known = find_known(archive)
    region = region or (known.region if known else _variable("AWS_REGION", "AWS_DEFAULT_REGION"))
    endpoint = endpoint or _variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if signed is None:
        signed = known is None and _has_keys()
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise InputError(
            "--archive-endpoint (or AWS_ENDPOINT_URL) is no URL like https://s3.example.org:9000; "
            "credentials belong into the environment, not into it"
        )
    if region and not _REGION.fullmatch(region):
        raise InputError(f"--archive-region {region!r} is no region; write it like us-east-2")
    return Access(region or _DEFAULT_REGION, endpoint.rstrip("/"), signed)


def _variable(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _has_keys() -> bool:
    return all(map(os.environ.get, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")))
