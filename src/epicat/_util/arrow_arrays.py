"""Arrow arrays of Python values, made without importing pandas.

`pyarrow.array` imports pandas to find out whether its argument is a series.  That takes 0.2 s in
every process, as long as picking three hours of a station.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, Final

import numpy as np
import pyarrow as pa

__all__ = ["arrow_array"]

_CODES: Final = {
    pa.int8(): "b", pa.int16(): "h", pa.int32(): "i", pa.int64(): "q",
    pa.uint8(): "B", pa.uint16(): "H", pa.uint32(): "I", pa.uint64(): "Q",
    pa.float32(): "f", pa.float64(): "d",
}  # fmt: skip
"""The type codes of the standard library's arrays."""

_EXACT: Final = {pa.float32(): 1 << 24, pa.float64(): 1 << 53}
"""Integers up to these are exact; Arrow refuses others in columns of floating-point numbers."""


def arrow_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return what ``pyarrow.array(values, kind)`` returns; raise what it raises.

    Values are Python's: numbers, texts, bytes, None, times in ns, lists and dicts of these.
    """
    try:
        return _array(values, kind)
    except (AttributeError, KeyError, OverflowError, TypeError):
        return pa.array(values, kind)  # another type, or an error that it describes


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    buffers, children = _content(kind)(values, kind)
    nulls = sum(value is None for value in values)
    bits = _bits(value is not None for value in values) if nulls else None
    return pa.Array.from_buffers(kind, len(values), [bits, *buffers], nulls, children=children)


_Content = tuple[list[pa.Buffer], list[pa.Array]]


def _content(kind: pa.DataType) -> Callable[[Sequence[Any], pa.DataType], _Content]:
    """Return what makes the buffers after the validity, and the children, of a type's array."""
    if pa.types.is_string(kind):
        return _texts
    if pa.types.is_binary(kind):
        return _bytes
    if pa.types.is_boolean(kind):
        return _booleans
    if pa.types.is_list(kind):
        return _lists
    return _structs if pa.types.is_struct(kind) else _numbers


def _texts(values: Sequence[Any], _: pa.DataType) -> _Content:
    return _bytes([None if value is None else value.encode() for value in values], _)


def _bytes(values: Sequence[Any], _: pa.DataType) -> _Content:
    if not all(value is None or isinstance(value, bytes) for value in values):
        raise TypeError("not bytes")
    filled = [value or b"" for value in values]
    return [_offsets(map(len, filled)), pa.py_buffer(b"".join(filled))], []


def _booleans(values: Sequence[Any], _: pa.DataType) -> _Content:
    if not all(value is None or value is True or value is False for value in values):
        raise TypeError("not a truth value")
    return [_bits(map(bool, values))], []


def _numbers(values: Sequence[Any], kind: pa.DataType) -> _Content:
    stored = pa.int64() if pa.types.is_timestamp(kind) else kind
    largest = _EXACT.get(kind)
    for value in values:
        if value is True or value is False:
            raise TypeError("not a number")
        if largest is not None and isinstance(value, int) and abs(value) > largest:
            raise OverflowError("not exact")
    numbers = array(_CODES[stored], [0 if value is None else value for value in values])
    return [pa.py_buffer(numbers)], []


def _lists(values: Sequence[Any], kind: pa.DataType) -> _Content:
    items = list(chain.from_iterable(value or () for value in values))
    lengths = (0 if value is None else len(value) for value in values)
    return [_offsets(lengths)], [_array(items, kind.value_type)]


def _structs(values: Sequence[Any], kind: pa.DataType) -> _Content:
    rows = [{} if value is None else value for value in values]
    return [], [_array([row.get(field.name) for row in rows], field.type) for field in kind]


def _offsets(lengths: Iterable[int]) -> pa.Buffer:
    return pa.py_buffer(array("i", accumulate(lengths, initial=0)))


def _bits(flags: Iterable[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.fromiter(flags, bool), bitorder="little").tobytes())
