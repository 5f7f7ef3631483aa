"""Stations from whatever ``--stations`` names, recognised by its content."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from epicat._util.table_file import read_table_file, shorten
from epicat.archive.access import Access, resolve_access
from epicat.archive.objects import LocalFolder, Source, StoredObject
from epicat.archive.registry import locate
from epicat.archive.s3 import Bucket
from epicat.errors import InputError, NameChoiceError, ObjectError
from epicat.fs.retry import BRISK
from epicat.geo import Extent
from epicat.model import Station
from epicat.stations.channel_epoch import Inventory
from epicat.stations.fdsn import SERVICES, read_service, read_service_responses
from epicat.stations.fixed_formats import FORMATS, read_fixed, recognise
from epicat.stations.inventory import to_stations
from epicat.stations.responses import ChannelResponse
from epicat.stations.select import Patterns
from epicat.stations.stationxml import (
    read_stationxml,
    read_stationxml_responses,
    read_stationxml_with_responses,
)
from epicat.stations.table import is_station_table, read_table

__all__ = [
    "bucket_opener",
    "codes_of_key",
    "find_responses",
    "find_stations",
    "find_stations_and_responses",
    "read_stations",
]

_BRANCH = "FDSNstationXML/"
_KEY = re.compile(
    r"(?:.*/)?(?:(?P<folder>[A-Z0-9]+)|unauthoritative-XML)/"
    r"(?P<network>[A-Z0-9]+)[._](?P<station>[A-Z0-9]+)\.xml"
)
_XML_ENDINGS = (".xml", ".stationxml")
_ROOT = b"FDSNStationXML"
_HEAD_BYTES = 2048
_GZIP = b"\x1f\x8b"
_LARGEST = 1 << 30
_READERS = 8


def find_stations(
    where: str,
    extent: Extent | None = None,
    patterns: Patterns | None = None,
    open_bucket: Callable[[str], Source] | None = None,
    *,
    network: str = "",
    form: str = "",
) -> list[Station]:
    """Return the stations of a list, of StationXML (file or folder), or of an FDSN web service.

    Lists are recognised by content, whatever their names: see `read_stations`, which also explains
    ``network`` and ``form``.  ``open_bucket`` opens ``s3://BUCKET/PREFIX``, which is read like
    a folder.

    A service is queried for what lies inside ``extent`` only, and of an archive's StationXML only
    the files whose names ``patterns`` allow are read; neither guarantees that the result lies
    inside or matches.  Raises `InputError` or `ArchiveError` for what cannot be used.
    """
    scheme, separator, _ = where.partition("://")
    path = Path(where)
    if scheme in ("http", "https") and separator:
        return to_stations(read_service(where, extent), where)
    if (folder := _stationxml_folder(where, open_bucket)) is not None:
        return to_stations(_read_all(*folder, patterns or Patterns()), where)
    if separator:
        raise InputError(
            f"stations {scheme}://... is not supported; --stations takes a file, a folder, "
            "s3://BUCKET/PREFIX, or the URL or name of an FDSN station service"
        )
    if path.suffix or path.exists():
        return read_stations(path, network=network, form=form)
    if where.casefold() in SERVICES:
        return to_stations(read_service(where, extent), where)
    raise NameChoiceError("station service", where, SERVICES, "; or give a file, a folder or a URL")


def find_stations_and_responses(
    where: str,
    extent: Extent | None = None,
    patterns: Patterns | None = None,
    open_bucket: Callable[[str], Source] | None = None,
) -> tuple[list[Station], list[ChannelResponse] | None]:
    """Return the stations of `find_stations`, and their responses if they were read with them.

    StationXML is read once for both.  The responses are those of all stations of a file, and of a
    folder's or bucket's files with a channel inside ``extent``; None for a service, which answers
    another query with responses.
    """
    responses: list[ChannelResponse] = []

    def take(inventory: Inventory, body: bytes) -> None:
        positions = [(row.latitude, row.longitude) for row in inventory.channels]
        if extent is None or (positions and extent.contains(*zip(*positions, strict=True)).any()):
            responses.extend(read_stationxml_responses(BytesIO(body)))

    path = Path(where)
    if (folder := _stationxml_folder(where, open_bucket)) is not None:
        inventory = _read_all(*folder, patterns or Patterns(), take)
        return to_stations(inventory, where), responses
    if path.is_file():
        return _read_with_responses(path)
    return find_stations(where, extent, patterns, open_bucket), None


def _read_with_responses(path: Path) -> tuple[list[Station], list[ChannelResponse]]:
    """Return stations and responses of a file; a list that is not StationXML has no responses."""
    try:
        body = _decompressed(_bytes_of(path))
        if _is_xml(body):
            inventory, responses = read_stationxml_with_responses(BytesIO(body))
        else:
            inventory, responses = _read_list(body, network="", form=""), []
    except ValueError as error:
        raise InputError(f"stations {str(path)!r}: {error}") from error
    return to_stations(inventory, str(path)), responses


def _stationxml_folder(
    where: str, open_bucket: Callable[[str], Source] | None
) -> tuple[Source, list[StoredObject]] | None:
    """Return a bucket or folder with its StationXML files; None if a place is neither."""
    scheme, separator, rest = where.partition("://")
    if scheme == "s3" and separator and open_bucket is not None:
        source = open_bucket(where)
        return source, _by_name(source, branch_only="/" not in rest.rstrip("/"))
    path = Path(where)
    if path.is_dir():
        folder = LocalFolder(path)
        return folder, _by_content(folder, path)
    return None


def find_responses(
    where: str,
    stations: Iterable[Station],
    open_bucket: Callable[[str], Source] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> list[ChannelResponse]:
    """Return the responses of stations from StationXML or an FDSN web service.

    ``where`` and ``open_bucket`` are those of `find_stations`.  A station list of another kind has
    no responses.  ``report`` receives what could not be read.
    """
    wanted = {(station.network, station.code) for station in stations}
    path, scheme = Path(where), where.partition("://")[0]
    if scheme in ("http", "https") or (not path.exists() and where.casefold() in SERVICES):
        return read_service_responses(where, wanted)
    if (folder := _stationxml_folder(where, open_bucket)) is not None:
        found = _responses_of(*folder, wanted, report)
    else:
        found = _responses_in(path)
    return [one for one in found if tuple(one.channel.split(".")[:2]) in wanted]


def _responses_of(
    source: Source,
    items: list[StoredObject],
    wanted: set[tuple[str, str]],
    report: Callable[[str], None],
) -> list[ChannelResponse]:
    """Return the responses in those files that may be about some stations."""
    named = ((item, codes_of_key(item.key)) for item in items)
    own = [item for item, codes in named if codes is None or codes in wanted]
    found: list[ChannelResponse] = []
    for item, body in _bodies(source, own):
        try:
            found += read_stationxml_responses(BytesIO(_decompressed(body.result())))
        except ObjectError as error:
            if error.may_pass:
                raise InputError(f"responses {source.location!r}: {error}; try again") from error
            report(f"responses {source.location!r}: {error}")
        except ValueError as error:
            report(f"responses {source.location!r}: {item.key}: {error}")
    return found


def _responses_in(path: Path) -> list[ChannelResponse]:
    try:
        body = _decompressed(path.read_bytes())
        if not _is_xml(body):
            return []
        return read_stationxml_responses(BytesIO(body))
    except OSError as error:
        raise InputError(f"responses {str(path)!r}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"responses {str(path)!r}: {error}") from error


def read_stations(path: Path, *, network: str = "", form: str = "") -> list[Station]:
    """Read a station list of any kind, recognised by its content.

    These are StationXML, tables with a header (`epicat.stations.table`) in text, Parquet or JSON,
    and the lists of other programs (`epicat.stations.fixed_formats`), which ``form`` may name.
    ``network`` is the network code where the list has none.  Raises `InputError`.
    """
    body = _bytes_of(path)
    if form and form not in FORMATS:
        raise NameChoiceError("format of station lists", form, FORMATS)
    try:
        inventory = _read_list(body, network=network, form=form)
    except ValueError as error:
        raise InputError(f"stations {str(path)!r}: {error}") from error
    return to_stations(inventory, str(path))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"stations {str(path)!r}: cannot be read: {error.strerror}") from error


def _is_xml(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _read_list(body: bytes, *, network: str, form: str) -> Inventory:
    """Read the bytes of a station list; raise `ValueError` for what is not one."""
    body = _decompressed(body)
    if not form and _is_xml(body):
        return read_stationxml(BytesIO(body))
    if form:
        return read_fixed(_lines(body), form, network)
    table = read_table_file(body)
    if (
        not is_station_table(table.header)
        and table.delimiter
        and (found := recognise(_lines(body)))
    ):
        return read_fixed(_lines(body), found, network)
    return read_table(table, network)


def _lines(body: bytes) -> list[str]:
    return body.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").split("\n")


def _decompressed(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body
    try:
        with gzip.open(BytesIO(body)) as file:
            found = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot be decompressed: {error}") from error
    if len(found) > _LARGEST:
        raise ValueError(f"more than {_LARGEST >> 20} MB after decompression")
    return found


def codes_of_key(key: str) -> tuple[str, str] | None:
    """Return network and station by the name of an archive's StationXML, or None.

    NCEDC has ``NC/NC.KBG.xml``, SCEDC ``CI/CI_CCC.xml`` and ``unauthoritative-XML/AZ_BZN.xml``
    or ``AZ.BZN.xml``, all below ``FDSNstationXML/``.
    """
    found = _KEY.fullmatch(key)
    if found is None or found["folder"] not in (None, found["network"]):
        return None
    return found["network"], found["station"]


def _read_all(
    source: Source,
    items: list[StoredObject],
    patterns: Patterns,
    take: Callable[[Inventory, bytes], None] = lambda _, __: None,
) -> Inventory:
    """Read StationXML files; leave out those that are invalid, with the reason.

    ``take`` receives what was read of each file, and its content.  Raises `InputError` for a file
    that could not be read for now: the list would be incomplete.
    """
    found = Inventory()
    for item, body in _bodies(source, _allowed(source, items, patterns)):
        try:
            content = _decompressed(body.result())
            inventory = read_stationxml(BytesIO(content))
            take(inventory, content)
        except ObjectError as error:
            if error.may_pass:
                raise InputError(f"stations {source.location!r}: {error}; try again") from error
            found.rejected.append(str(error))
        except ValueError as error:
            found.rejected.append(f"{item.key}: {error}")
        else:
            inventory.rejected = [f"{item.key}: {reason}" for reason in inventory.rejected]
            found.add(inventory)
    return found


def _by_name(source: Source, *, branch_only: bool) -> list[StoredObject]:
    """Return the XML files of the archive's own branch, else all below.

    Never all of a bucket: listing an archive's waveforms takes hours.
    """
    items = _xml(source.list(_BRANCH))
    if not items and branch_only:
        raise InputError(
            f"stations {source.location!r}: there is no .xml in {_BRANCH} of this bucket; name "
            "the folder that has them, or use an FDSN station service"
        )
    items = items or _xml(source.list(""))
    if not items:
        raise InputError(f"stations {source.location!r}: there is no .xml file in this folder")
    return items


def _xml(items: Iterable[StoredObject]) -> list[StoredObject]:
    return sorted(item for item in items if item.key.casefold().endswith(_XML_ENDINGS))


def _by_content(source: Source, folder: Path) -> list[StoredObject]:
    """Return the StationXML of a folder under any name, in the archive's own branch if it has one.

    Files that end in ``.xml`` are among them if they are something else, to be reported.
    """
    items = sorted(source.list(_BRANCH)) or sorted(source.list(""))
    found = [
        item
        for item in items
        if item.key.casefold().endswith(_XML_ENDINGS) or _is_stationxml(folder / item.key)
    ]
    if not found:
        raise InputError(f"stations {source.location!r}: there is no StationXML in this folder")
    return found


def _is_stationxml(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _ROOT in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _allowed(source: Source, items: list[StoredObject], patterns: Patterns) -> list[StoredObject]:
    """Return the files that the patterns do not exclude by their names."""
    allowed = [
        item
        for item in items
        if (codes := codes_of_key(item.key)) is None or patterns.allow(*codes)
    ]
    if not allowed:
        raise InputError(
            f"stations {source.location!r}: --select matches none of {len(items)} files, "
            f"such as {shorten(items[0].key)}"
        )
    return allowed


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


def bucket_opener(archive: str = "", access: Access | None = None) -> Callable[[str], Source]:
    """Return a function that opens ``s3://BUCKET/PREFIX``.

    The bucket of the waveforms is accessed by ``access``; any other one as the known archive that
    it is, else as the environment says (AWS_REGION, AWS_ENDPOINT_URL, ...).
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
