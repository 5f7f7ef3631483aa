"""Public archives that have a short name: where they are and how they name their objects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from epicat.archive.layouts import LAYOUTS
from epicat.archive.objects import without_secrets
from epicat.errors import InputError

__all__ = ["KNOWN", "KnownBucket", "find_known", "layout_for", "locate"]


@dataclass(frozen=True, slots=True)
class KnownBucket:
    """A public archive."""

    location: str
    """The bucket."""
    region: str
    """The region that it was last known in; a redirect is followed."""
    layout: str
    """How it names its objects."""


KNOWN: Final[dict[str, KnownBucket]] = {
    "ncedc": KnownBucket("s3://ncedc-pds", "us-east-2", "ncedc"),
    "scedc": KnownBucket("s3://scedc-pds", "us-west-2", "scedc"),
    "earthscope": KnownBucket("s3://earthscope-geophysical-data", "us-east-2", "earthscope"),
    "geonet": KnownBucket("s3://geonet-open-data", "ap-southeast-2", "geonet"),
}
"""The archives that ``--archive`` takes by name."""


def locate(archive: str) -> str:
    """Return where an archive is: the bucket of a known name, anything else as it stands.

    Raises `InputError` for a known name that is also a folder here.
    """
    known = KNOWN.get(archive)
    if known is None:
        return archive
    if Path(archive).exists():
        raise InputError(
            f"archive {archive!r} is the name of {known.location} and of a folder here: write "
            f"./{archive} for the folder, {known.location} for the bucket"
        )
    return known.location


def find_known(archive: str) -> KnownBucket | None:
    """Return the known bucket of a name or of a location, or None."""
    places = {known.location: known for known in KNOWN.values()}
    return KNOWN.get(archive) or places.get(archive.rstrip("/"))


def layout_for(archive: str, layout: str | None) -> str:
    """Return the layout that was given, else a known archive's own; raise `InputError`."""
    if layout:
        return layout
    known = find_known(archive)
    if known is None:
        raise InputError(
            f"--layout is missing: {without_secrets(archive)!r} is none of the archives that "
            f"epicat knows ({', '.join(sorted(KNOWN))}); say how its objects are named: "
            f"{', '.join(sorted([*LAYOUTS, 'files']))}"
        )
    return known.layout
