"""Change fields in the headers of miniSEED records, also to what no encoder would write.

Fields are those of the SEED manual 2.4 (fixed section of the data header, blockette 1000) and of
miniSEED 3 (FDSN).  Records of miniSEED 2 are big-endian here, as they nearly always are.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

import pymseed

__all__ = ["FIELDS", "changed", "is_3", "put", "records_of", "renamed", "sealed"]

FIELDS: Final[Mapping[str, tuple[tuple[str, int] | None, tuple[str, int] | None]]] = {
    "year": ((">H", 20), ("<H", 8)),
    "day": ((">H", 22), ("<H", 10)),
    "hour": (("B", 24), ("B", 12)),
    "minute": (("B", 25), ("B", 13)),
    "second": (("B", 26), ("B", 14)),
    "fraction": ((">H", 28), ("<I", 4)),
    "samples": ((">H", 30), ("<I", 24)),
    "factor": ((">h", 32), None),
    "multiplier": ((">h", 34), None),
    "rate": (None, ("<d", 16)),
    "flags": (("B", 36), ("B", 3)),
    "correction": ((">i", 40), None),
    "data": ((">H", 44), None),
    "blockette": ((">H", 46), None),
    "next": ((">H", 50), None),
    "encoding": (("B", 52), ("B", 15)),
    "order": (("B", 53), None),
    "length": (("B", 54), ("<I", 36)),
    "extra": (None, ("<H", 34)),
    "name": (None, ("B", 33)),
    "crc": (None, ("<I", 28)),
}
"""Format and first byte of each field, in miniSEED 2 and in miniSEED 3."""

_CODES_2 = {"station": (8, 5), "location": (13, 2), "channel": (15, 3), "network": (18, 2)}


def records_of(body: bytes) -> tuple[bytes, ...]:
    """Return the records of a sound object."""
    found, begin = [], 0
    while begin < len(body):
        length = pymseed.MS3Record.parse(memoryview(body)[begin:]).reclen
        found.append(body[begin : begin + length])
        begin += length
    return tuple(found)


def is_3(record: bytes) -> bool:
    """Tell whether a record is miniSEED 3."""
    return record.startswith(b"MS\x03")


def put(record: bytes, **values: float) -> bytes:
    """Return a record with other values in fields that its version has; others are left out."""
    body = bytearray(record)
    for name, value in values.items():
        place = FIELDS[name][is_3(record)]
        if place is not None:
            struct.pack_into(place[0], body, place[1], value)
    return bytes(body)


def changed(record: bytes, **values: float) -> bytes:
    """Return what `put` returns, with a checksum that is right where there is one."""
    return sealed(put(record, **values))


def renamed(record: bytes, **codes: str) -> bytes:
    """Return a record with other codes: ``network``, ``station``, ``location``, ``channel``."""
    if is_3(record):
        return _renamed_3(record, codes)
    body = bytearray(record)
    for what, code in codes.items():
        begin, size = _CODES_2[what]
        body[begin : begin + size] = code.encode("utf-8")[:size].ljust(size)
    return bytes(body)


def _renamed_3(record: bytes, codes: Mapping[str, str]) -> bytes:
    size = record[33]
    old = pymseed.sourceid2nslc(record[40 : 40 + size].decode())
    names = dict(zip(("network", "station", "location", "channel"), old, strict=True)) | codes
    band, source, position = names["channel"].ljust(3)[:3]
    text = f"{names['network']}_{names['station']}_{names['location']}_{band}_{source}_{position}"
    new = f"FDSN:{text}".encode()[:255]
    return sealed(put(record[:40], name=len(new)) + new + record[40 + size :])


def sealed(record: bytes) -> bytes:
    """Return a record of miniSEED 3 with the checksum that it should have; others as they are."""
    if not is_3(record) or len(record) < 40:
        return record
    return put(record, crc=_crc32c(put(record, crc=0)))


def _table() -> list[int]:
    found = list(range(256))
    for _ in range(8):
        found = [value >> 1 ^ (0x82F63B78 if value & 1 else 0) for value in found]
    return found


_TABLE: Final = _table()


def _crc32c(body: bytes) -> int:
    """CRC-32C (Castagnoli 1993), as RFC 3720 has it."""
    value = 0xFFFFFFFF
    for byte in body:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF
