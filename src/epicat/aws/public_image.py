"""Images in public registries, by the OCI Distribution Specification.

Only names with a registry's host, such as ``ghcr.io/OWNER/epicat:0.1.0``, and only what the
registry says without credentials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

__all__ = ["MANIFESTS", "architectures", "find_public_image"]

MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
)
"""Types of manifests of images and of indexes of images."""
_TIMEOUT_S: Final = 10
_LOCAL = ("127.0.0.1", "localhost")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_PATTERN = re.compile(
    r"(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost:\d+)/(?P<name>[a-z0-9][a-z0-9._/-]*)"
    r"(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class PublicImage:
    """What a registry says about an image."""

    exists: bool
    """Whether it has the image."""
    platforms: frozenset[str] = frozenset()
    """Architectures, such as ``amd64``; empty if unknown."""


def find_public_image(image: str) -> PublicImage | None:
    """Return what the registry says, or None if it cannot be reached or wants credentials."""
    found = _PATTERN.fullmatch(image)
    if found is None:
        return None
    repository = _Repository(found["host"], found["name"])
    try:
        manifest = repository.get(f"manifests/{found['digest'] or found['tag'] or 'latest'}")
        digest = str(manifest.get("config", {}).get("digest", ""))
        if "manifests" in manifest or not digest:
            return PublicImage(True, architectures(manifest))
        config = repository.get(f"blobs/{digest}")
    except HTTPError as error:
        return PublicImage(False) if error.code == 404 else None
    except (OSError, HTTPException, ValueError):
        return None
    return PublicImage(True, frozenset({str(config.get("architecture", ""))} - {""}))


def architectures(index: Mapping[str, Any]) -> frozenset[str]:
    """Return the architectures in an index of images; provenance is "unknown" there."""
    entries = (entry.get("platform", {}) for entry in index.get("manifests", []))
    return frozenset({str(e.get("architecture", "")) for e in entries} - {"", "unknown"})


class _Repository:
    """A repository of a registry, with the token that it hands out to anyone."""

    def __init__(self, host: str, name: str) -> None:
        scheme = "http" if host.partition(":")[0] in _LOCAL else "https"  # as docker does it
        self._base = f"{scheme}://{host}/v2/{name}"
        self._token: str | None = None

    def get(self, path: str) -> dict[str, Any]:
        """Return a JSON document; raise what `urllib` raises, and ValueError."""
        try:
            return self._fetch(f"{self._base}/{path}")
        except HTTPError as error:
            challenge = dict(_CHALLENGE.findall(error.headers.get("WWW-Authenticate", "")))
            if error.code != 401 or self._token or "realm" not in challenge:
                raise
        query = urlencode({n: challenge[n] for n in ("service", "scope") if n in challenge})
        answer = self._fetch(f"{challenge['realm']}?{query}")
        self._token = str(answer.get("token") or answer.get("access_token") or "")
        return self._fetch(f"{self._base}/{path}")

    def _fetch(self, url: str) -> dict[str, Any]:
        if not url.startswith(("https://", "http://")):
            raise ValueError(url)
        request = Request(url, headers={"Accept": ", ".join(MANIFESTS)})  # noqa: S310 - see above
        if self._token:  # not to where a blob is redirected to
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 # nosec B310 - see above
            document = json.load(answer)
        if not isinstance(document, dict):
            raise ValueError(url)
        return document
