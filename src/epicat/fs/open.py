"""Open a folder or a bucket by its location."""

from __future__ import annotations

from pathlib import Path

from epicat.errors import InputError
from epicat.fs.base import Files
from epicat.fs.local import LocalFiles
from epicat.fs.retry import BRISK, PATIENT
from epicat.fs.s3 import S3Files

__all__ = ["open_files"]


def open_files(location: str, noun: str = "store", *, patient: bool = False) -> Files:
    """Open a folder on this machine or in a bucket; raise `InputError` for anything else.

    ``noun`` names it in messages.  ``patient``: apply the full retry budget from the first request.
    """
    scheme, separator, _ = location.partition("://")
    if not separator:
        return LocalFiles(Path(location), noun)
    if scheme == "s3":
        return S3Files(location, noun, first=PATIENT if patient else BRISK)
    raise InputError(
        f"{noun} {scheme}://... is not supported; give a folder on this machine or "
        "s3://BUCKET/FOLDER"
    )
