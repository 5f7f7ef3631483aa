"""Public archives with a short name: location, region and layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from epicat.archive.layouts import LAYOUTS
from epicat.archive.objects import without_secrets
from epicat.errors import InputError

__all__ = [
    "DATA_CENTERS",
    "PUBLIC_ARCHIVES",
    "PublicArchive",
    "find_public",
    "layout_for",
    "locate",
]


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


DATA_CENTERS: Final[dict[str, str]] = {
    "auspass": "https://auspass.edu.au",
    "bgr": "https://eida.bgr.de",
    "bgs": "https://eida.bgs.ac.uk",
    "earthscope": "https://service.earthscope.org",
    "eida": "http://eida-federator.ethz.ch",
    "emsc": "https://www.seismicportal.eu",
    "eposfr": "https://seisdata.epos-france.fr",
    "eth": "https://eida.ethz.ch",
    "geofon": "https://geofon.gfz.de",
    "geonet": "https://service.geonet.org.nz",
    "gfz": "https://geofon.gfz.de",
    "icgc": "https://ws.icgc.cat",
    "iesdmc": "http://batsws.earth.sinica.edu.tw",
    "ign": "https://fdsnws.sismologia.ign.es",
    "ingv": "https://webservices.ingv.it",
    "ipgp": "https://ws.ipgp.fr",
    "iris": "https://service.earthscope.org",
    "kagsr": "http://sdis.emsd.ru",
    "knmi": "https://rdsa.knmi.nl",
    "koeri": "https://eida.koeri.boun.edu.tr",
    "lmu": "https://erde.geophysik.uni-muenchen.de",
    "ncedc": "https://service.ncedc.org",
    "niep": "https://eida-sc3.infp.ro",
    "noa": "https://eida.gein.noa.gr",
    "nrcan": "https://earthquakescanada.nrcan.gc.ca",
    "odc": "https://www.orfeus-eu.org",
    "orfeus": "https://www.orfeus-eu.org",
    "raspishake": "https://data.raspberryshake.org",
    "resif": "https://ws.resif.fr",
    "scedc": "https://service.scedc.caltech.edu",
    "texnet": "http://rtserve.beg.utexas.edu",
    "uib-norsar": "https://eida.geo.uib.no",
    "usp": "https://sismo.iag.usp.br",
}
"""Data centers with FDSN web services, by their names in the registry of the FDSN."""


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
    if archive.startswith(("fdsn:", "http://", "https://")):
        if layout not in (None, "fdsn"):
            raise InputError(f"--layout {layout}: a web service has none; leave it out")
        return "fdsn"
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
