"""Public archives with a short name: location, region and layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from epicat.archive.layouts import LAYOUTS
from epicat.archive.objects import without_secrets
from epicat.errors import InputError

__all__ = ["PUBLIC_ARCHIVES", "PublicArchive", "find_public", "layout_for", "locate"]


@dataclass(frozen=True, slots=True)
class PublicArchive:
    """A public archive."""

    location: str
    """The bucket."""
    region: str
    """The region; a redirect to another one is followed."""
    layout: str
    """Name of the layout."""


PUBLIC_ARCHIVES: Final[dict[str, PublicArchive]] = {
    "ncedc": PublicArchive("s3://ncedc-pds", "us-east-2", "ncedc"),
    "scedc": PublicArchive("s3://scedc-pds", "us-west-2", "scedc"),
    "earthscope": PublicArchive("s3://earthscope-geophysical-data", "us-east-2", "earthscope"),
    "geonet": PublicArchive("s3://geonet-open-data", "ap-southeast-2", "geonet"),
}
"""The archives that ``--archive`` accepts by name."""


def locate(archive: str) -> str:
    """Return the location of an archive: the bucket of a public one, else the argument itself.

    Raises `InputError` for the name of a public archive if a local folder has the same name.
    """
    public = PUBLIC_ARCHIVES.get(archive)
    if public is None:
        return archive
    if Path(archive).exists():
        raise InputError(
            f"archive {archive!r} is the name of {public.location} and of a local folder: write "
            f"./{archive} for the folder, {public.location} for the bucket"
        )
    return public.location


def find_public(archive: str) -> PublicArchive | None:
    """Return the public archive with a name or location, or None."""
    places = {public.location: public for public in PUBLIC_ARCHIVES.values()}
    return PUBLIC_ARCHIVES.get(archive) or places.get(archive.rstrip("/"))


def layout_for(archive: str, layout: str | None) -> str:
    """Return the given layout, else that of a public archive; raise `InputError` without one."""
    if layout:
        return layout
    public = find_public(archive)
    if public is None:
        raise InputError(
            f"--layout is missing: {without_secrets(archive)!r} is not one of the public archives "
            f"({', '.join(sorted(PUBLIC_ARCHIVES))}); choose how its objects are named: "
            f"{', '.join(sorted([*LAYOUTS, 'files']))}"
        )
    return public.layout
