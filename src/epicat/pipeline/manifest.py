"""Manifests: many units in one file, of which each worker reads its own.

A child of an array job knows only its index.  The file begins with the offsets of all units, so
that a worker reads two numbers and then its unit, however long the file is.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable
from itertools import accumulate

from epicat.errors import InputError, one_line
from epicat.ledger import Stage
from epicat.model import Span
from epicat.pipeline.plan import Unit

__all__ = ["Part", "pack", "read_count", "read_unit"]

Part = Callable[[int, int], bytes]
"""Reads the bytes of a manifest from one offset to another (exclusive)."""

_MAGIC = b"epicat-units-1\n\0"
_OFFSET = struct.Struct("<Q")
_HEADER = len(_MAGIC) + _OFFSET.size


def pack(units: Iterable[Unit]) -> bytes:
    """Return the manifest of units, in the given order."""
    texts = [zlib.compress(_encode(unit)) for unit in units]
    begin = _HEADER + _OFFSET.size * (len(texts) + 1)
    offsets = accumulate((len(text) for text in texts), initial=begin)
    numbers = [len(texts), *offsets]
    return b"".join([_MAGIC, *map(_OFFSET.pack, numbers), *texts])


def read_count(part: Part) -> int:
    """Return the number of units; raise `InputError` if this is not a manifest."""
    head = part(0, _HEADER)
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        raise InputError("not a manifest of units written by this version of epicat")
    (count,) = _OFFSET.unpack(head[len(_MAGIC) :])
    return int(count)


def read_unit(part: Part, index: int) -> Unit:
    """Return one unit; raise `InputError` if the index is out of range."""
    count = read_count(part)
    if not 0 <= index < count:
        raise InputError(f"index {index} is out of range: the manifest has units 0 to {count - 1}")
    at = _HEADER + _OFFSET.size * index
    begin, end = struct.unpack("<2Q", part(at, at + 2 * _OFFSET.size))
    return _decode(part(begin, end))


def _encode(unit: Unit) -> bytes:
    needs = [unit.needs.start_ns, unit.needs.end_ns] if unit.needs else None
    flags = [unit.recheck, unit.after_ns, unit.measure_only]
    return json.dumps([unit.stage.value, unit.keys, needs, *flags]).encode()


def _decode(text: bytes) -> Unit:
    try:
        stage, keys, needs, recheck, *others = json.loads(zlib.decompress(text))
        # Manifests of earlier versions end before these.
        after_ns = others[0] if others else 0
        measure_only = others[1] if len(others) > 1 else False
        span = Span(*needs) if needs else None
        return Unit(
            Stage(stage), tuple(keys), span, bool(recheck), bool(measure_only), int(after_ns)
        )
    except (zlib.error, ValueError, TypeError) as error:
        raise InputError(
            f"the manifest of units is damaged ({one_line(error)}); submit again"
        ) from error
