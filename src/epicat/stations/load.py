"""Stations from whatever ``--stations`` names, by what it is."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from epicat.archive.objects import LocalFolder, Source, StoredObject
from epicat.errors import InputError, NameChoiceError, ObjectError
from epicat.geo import Extent
from epicat.model import Station
from epicat.stations.csv import read_stations
from epicat.stations.fdsn import SERVICES, read_service
from epicat.stations.inventory import SHOWN, ChannelEpoch, to_stations
from epicat.stations.select import Patterns
from epicat.stations.stationxml import read_stationxml

__all__ = ["codes_of_key", "find_stations"]

_BRANCH = "FDSNstationXML/"
_KEY = re.compile(
    r"(?:.*/)?(?:(?P<folder>[A-Z0-9]+)|unauthoritative-XML)/"
    r"(?P<network>[A-Z0-9]+)[._](?P<station>[A-Z0-9]+)\.xml"
)
_READERS = 8


def find_stations(
    where: str,
    extent: Extent | None = None,
    patterns: Patterns | None = None,
    open_bucket: Callable[[str], Source] | None = None,
) -> list[Station]:
    """Return the stations of a list (``.csv``), StationXML (file or folder), or FDSN service.

    ``open_bucket`` opens what looks like ``s3://BUCKET/PREFIX``, which is read like a folder.

    A service is asked for what lies inside ``extent`` only, and of an archive's StationXML only
    the files whose names ``patterns`` allow are read; neither is a promise that what comes back
    lies inside or matches.  Raises `InputError` or `ArchiveError` for what cannot be used.
    """
    scheme, separator, _ = where.partition("://")
    path = Path(where)
    if scheme in ("http", "https") and separator:
        return to_stations(read_service(where, extent), where)
    if scheme == "s3" and open_bucket is not None:
        is_whole = "/" not in where.partition("://")[2].rstrip("/")
        rows = _read_all(open_bucket(where), patterns or Patterns(), branch_only=is_whole)
        return to_stations(rows, where)
    if separator:
        raise InputError(
            f"stations {scheme}://... is not supported; --stations takes a file, a folder, "
            "s3://BUCKET/PREFIX, or the address or name of an FDSN station service"
        )
    if path.is_dir():
        return to_stations(_read_all(LocalFolder(path), patterns or Patterns()), where)
    if path.suffix.casefold() == ".xml":
        return to_stations(_read_file(path), where)
    if path.suffix or path.exists():
        return read_stations(path)
    if where.casefold() in SERVICES:
        return to_stations(read_service(where, extent), where)
    raise NameChoiceError(
        "station service", where, SERVICES, "; or give a .csv, a .xml, a folder or an address"
    )


def codes_of_key(key: str) -> tuple[str, str] | None:
    """Return network and station by the name of an archive's StationXML, or None.

    NCEDC has ``NC/NC.KBG.xml``, SCEDC ``CI/CI_CCC.xml`` and ``unauthoritative-XML/AZ_BZN.xml``
    or ``AZ.BZN.xml``, all below ``FDSNstationXML/``.
    """
    found = _KEY.fullmatch(key)
    if found is None or found["folder"] not in (None, found["network"]):
        return None
    return found["network"], found["station"]


def _read_file(path: Path) -> list[ChannelEpoch]:
    try:
        with path.open("rb") as file:
            return read_stationxml(file)
    except OSError as error:
        raise InputError(f"stations {str(path)!r}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"stations {str(path)!r}: {error}") from error


def _read_all(
    source: Source, patterns: Patterns, *, branch_only: bool = False
) -> Iterator[ChannelEpoch]:
    """Read every StationXML below a folder; raise `InputError` that names every bad one."""
    items = _listed(source, patterns, branch_only=branch_only)
    bad = []
    for item, body in _bodies(source, items):
        try:
            yield from read_stationxml(BytesIO(body.result()))
        except ObjectError as error:
            bad.append(str(error))
        except ValueError as error:
            bad.append(f"{item.key}: {error}")
    if bad:
        more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise InputError(
            f"stations {source.location!r}: {len(bad)} of {len(items)} files cannot be used:\n  "
            + "\n  ".join(bad[:SHOWN])
            + more
        )


def _listed(source: Source, patterns: Patterns, *, branch_only: bool) -> list[StoredObject]:
    """Return the files to read: those of the archive's own branch, else all below.

    Never all of a bucket: listing an archive's waveforms takes hours.
    """
    everything = _xml(source.list(_BRANCH))
    if not everything and branch_only:
        raise InputError(
            f"stations {source.location!r}: there is no .xml in {_BRANCH} of this bucket; name "
            "the folder that has them, or take an FDSN station service"
        )
    everything = everything or _xml(source.list(""))
    if not everything:
        raise InputError(f"stations {source.location!r}: there is no .xml file in this folder")
    allowed = [
        item
        for item in everything
        if (codes := codes_of_key(item.key)) is None or patterns.allow(*codes)
    ]
    if not allowed:
        raise InputError(
            f"stations {source.location!r}: --select matches none of {len(everything)} files, "
            f"such as {everything[0].key}"
        )
    return allowed


def _xml(items: Iterable[StoredObject]) -> list[StoredObject]:
    return sorted(item for item in items if item.key.casefold().endswith(".xml"))


def _bodies(
    source: Source, items: Iterable[StoredObject]
) -> Iterator[tuple[StoredObject, Future[bytes]]]:
    """Read a few files ahead, in order: an archive answers slowly, but many at once."""
    with ThreadPoolExecutor(_READERS) as pool:
        waiting: deque[tuple[StoredObject, Future[bytes]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(source.read, item.key, item.size)))
            if len(waiting) > 2 * _READERS:
                yield waiting.popleft()
        yield from waiting
