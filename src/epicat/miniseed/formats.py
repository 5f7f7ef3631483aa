"""What an object is if it is not miniSEED; gzip is decompressed."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final

__all__ = ["decompressed", "identify"]

_GZIP: Final = b"\x1f\x8b"
_LARGEST: Final = 2 * 10**9
"""Most bytes that an object is decompressed to."""

_MAGIC: Final = (
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"BZh[1-9]"), "bzip2-compressed"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz-compressed"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "Zstandard-compressed"),
    (re.compile(rb"\x89HDF\r\n\x1a\n"), "HDF5 (perhaps ASDF)"),
    (re.compile(rb"PAR1"), "Parquet"),
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"(?:\x55\x3a|\x3a\x55)\x01"), "SEG-2"),
    (re.compile(rb"\s*(?:BEGIN\b[^\n]*|DATA_TYPE\b[^\n]*|WID2[ \t][^\n]*)\n", re.I), "GSE2"),
    (re.compile(rb"WID1[ \t]"), "GSE1"),
    (re.compile(rb"TIMESERIES "), "the ASCII format TSPAIR or SLIST"),
    (re.compile(rb"\s*<!doctype html|\s*<html", re.I), "an HTML page"),
    (re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?FDSNStationXML", re.S),
     "StationXML"),
    (re.compile(rb"\s*<\?xml|\s*<[A-Za-z]"), "XML"),
    (re.compile(rb"\s*[{\[]"), "JSON or other text"),
    (re.compile(rb"[0-9]{6}[VAST][ *]"), "SEED control headers without data (dataless SEED)"),
)  # fmt: skip
_SAC_HEADER: Final = 632
_TEXT: Final = re.compile(rb"[\t\n\r\x20-\x7e]+")
_SHOWN: Final = 40


def decompressed(body: bytes) -> tuple[bytes, str]:
    """Return the content of a gzip object, and what is wrong with it; other objects as they are.

    All members of the object are read.  Of a damaged one the readable beginning is returned.
    """
    if not body.startswith(_GZIP):
        return body, ""
    parts: list[bytes] = []
    left = _LARGEST
    while body.startswith(_GZIP):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            parts.append(member.decompress(body, left))
        except zlib.error as error:
            return b"".join(parts), f"the gzip stream is damaged: {error}"
        left -= len(parts[-1])
        if left <= 0:
            return b"".join(parts), f"decompressed to more than {_LARGEST / 1e9:.0f} GB"
        if not member.eof:
            return b"".join(parts), "the gzip stream is truncated"
        body = member.unused_data.lstrip(b"\0")
    return b"".join(parts), ""


def identify(body: bytes) -> str:
    """Return what an object without miniSEED records is, as far as its first bytes show.

    The text is meant to follow "it is"; empty if the format is not recognized.
    """
    head = body[:4096]
    if not head.strip(b"\0"):
        return "zero bytes at the start" if body.strip(b"\0") else "nothing but zero bytes"
    if _is_sac(body):
        return "SAC"
    for pattern, name in _MAGIC:
        if pattern.match(head):
            return name
    if _TEXT.fullmatch(head):
        return f"text that starts with {head[:_SHOWN].decode('ascii')!r}"
    return ""


def _is_sac(body: bytes) -> bool:
    """Whether the header version is 6 or 7 and the size fits the number of samples."""
    if len(body) < _SAC_HEADER:
        return False
    for order in "<>":
        version, samples = (struct.unpack_from(f"{order}i", body, at)[0] for at in (304, 316))
        if version in (6, 7) and samples >= 0 and _SAC_HEADER + 4 * samples <= len(body):
            return True
    return False
