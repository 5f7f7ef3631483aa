"""Open the bucket that StationXML lies in."""

from __future__ import annotations

from collections.abc import Callable

from epicat.archive.access import Access, resolve_access
from epicat.archive.objects import Source
from epicat.archive.registry import locate
from epicat.archive.s3 import Bucket
from epicat.fs.retry import BRISK

__all__ = ["bucket_opener"]


def bucket_opener(archive: str = "", access: Access | None = None) -> Callable[[str], Source]:
    """Return what opens ``s3://BUCKET/PREFIX``.

    The bucket of the waveforms is reached as they are, by ``access``; any other one as the known
    archive that it is, else as the environment says (AWS_REGION, AWS_ENDPOINT_URL, ...).
    """
    own = _bucket_of(locate(archive)) if archive and access else None

    def opened(where: str) -> Source:
        bucket = _bucket_of(where)
        if access is not None and bucket == own:
            return Bucket(where, access, BRISK)
        found = resolve_access(bucket, region=None, endpoint=None, signed=None)
        return Bucket(where, found, BRISK)

    return opened


def _bucket_of(location: str) -> str:
    """Return the bucket alone: ``s3://bucket`` of ``s3://bucket/prefix``."""
    scheme, separator, rest = location.partition("://")
    return f"{scheme}{separator}{rest.split('/')[0]}"
