"""Read tables as people have them: delimited text, Parquet and JSON, recognised by content.

Columns are found by their usual names (`find_columns`).  Rows are dictionaries of cells by column
name, each with a label that locates it in the file for messages.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Nanoseconds", "TableFile", "find_columns", "read_table_file", "shorten"]

_PARQUET_MAGIC = b"PAR1"
_DELIMITERS = "|\t;,"
_UNIT = re.compile(r"\s*[(\[](?P<unit>[^)\]]*)[)\]]$")
_LONGEST = 60
_SHOWN = 10

Row = tuple[str, Mapping[str, Any]]
"""Where a row is ("line 7"), and its cells by column name."""


class Nanoseconds(int):
    """A time of a typed column: integer nanoseconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table whose rows have not been interpreted yet."""

    header: tuple[str, ...]
    """Names of the columns as the file has them."""
    rows: Iterable[Row]
    """Each row with its label; can be iterated once."""
    delimiter: str = ""
    """What separates the fields of a text; empty for Parquet and JSON."""


def shorten(value: object) -> str:
    """Return a value as part of one line of a message: quoted, and cut if it is long."""
    text = str(value)
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...")


def find_columns(header: Iterable[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return which column of a header holds what; of several aliases the first one wins.

    Names are compared without case, surrounding blanks and a leading ``#``; blanks, hyphens and
    dots inside are underscores, and a unit in parentheses is a suffix: ``Elevation (m)`` is
    ``elevation_m``.

    >>> find_columns(["STA ", "Elevation(m)"], {"code": ("sta",), "up": ("elevation_m",)})
    {'code': 'STA ', 'up': 'Elevation(m)'}
    """
    names = {_normal(name): name for name in reversed([n for n in header if n])}
    return {
        what: names[alias]
        for what, choices in aliases.items()
        for alias in reversed(choices)
        if alias in names
    }


def _normal(name: str) -> str:
    text = name.strip().lstrip("#").strip().casefold()
    text = _UNIT.sub(lambda found: "_" + found["unit"].strip(), text)
    return re.sub(r"[\s.-]+", "_", text)


def read_table_file(body: bytes) -> TableFile:
    """Read a table from the bytes of a file.

    Raises `ValueError` for what is not a table.  A text has one row a line, whose first line that
    is no comment names the columns; a first line that begins with ``#`` is the header where it
    holds the delimiter (FDSN station and event text).
    """
    if body.startswith(_PARQUET_MAGIC):
        return _read_parquet(body)
    text = _decode(body)
    if text.lstrip()[:1] in ("{", "["):
        return _read_json(text)
    return _read_text(text)


def _decode(body: bytes) -> str:
    """Return text in UTF-8, or UTF-16 by its mark, else Latin-1: codes and numbers are ASCII."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = body.decode("utf-16", errors="replace")
    else:
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = body.decode("latin-1")
    if "\0" in text.partition("\n")[0]:
        raise ValueError("not a text file: its first line contains zero bytes")
    return text


def _read_text(text: str) -> TableFile:
    lines = [(at, line) for at, line in enumerate(_lines(text), 1) if line.strip()]
    comments = [(at, line) for at, line in lines if line.lstrip().startswith("#")]
    data = [(at, line) for at, line in lines if not line.lstrip().startswith("#")]
    if comments and lines[0] == comments[0] and _is_header(comments[0][1], data):
        first = comments[0][1].lstrip().lstrip("#")
    elif data:
        first, data = data[0][1], data[1:]
    else:
        return TableFile((), ())
    delimiter = next((d for d in _DELIMITERS if d in first), " ")
    header = tuple(name.strip() for name in _split(first, delimiter))
    return TableFile(header, _text_rows(data, header, delimiter), delimiter)


def _lines(text: str) -> list[str]:
    """Split at line ends alone: other separators of ``splitlines`` may be part of a name."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_header(comment: str, data: Sequence[tuple[int, str]]) -> bool:
    """Return whether a comment names the columns of the lines that follow: it has as many."""
    name = comment.lstrip().lstrip("#")
    delimiter = next((d for d in _DELIMITERS if d in name), " ")
    count = len(_split(name, delimiter))
    if delimiter == "|" or not data:
        return delimiter == "|"
    return count > 1 and any(len(_split(line, delimiter)) == count for _, line in data[:_SHOWN])


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    if delimiter == "|":
        return line.split("|")
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def _text_rows(
    lines: Iterable[tuple[int, str]], header: Sequence[str], delimiter: str
) -> Iterator[Row]:
    for at, line in lines:
        label = f"line {at}"
        try:
            cells = _split(line, delimiter)
        except csv.Error as error:
            yield label, {"": f"{error}"}
            continue
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) > len(header) or (delimiter == " " and len(cells) < len(header)):
            yield label, {"": f"it has {len(cells)} fields, the header {len(header)}"}
            continue
        filled = [*cells, *[""] * (len(header) - len(cells))]
        # Of columns that share a name the first one holds.
        yield label, dict(zip(reversed(header), map(str.strip, reversed(filled)), strict=True))


def _read_parquet(body: bytes) -> TableFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(body))
        columns = [_plain(column) for column in table.columns]
    except (pa.ArrowException, OSError) as error:
        reason = shorten(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise ValueError(f"cannot be read as Parquet: {reason}") from error
    header = tuple(table.column_names)
    rows = zip(*columns, strict=True)
    return TableFile(
        header,
        ((f"row {at}", dict(zip(header, row, strict=True))) for at, row in enumerate(rows, 1)),
    )


def _plain(column: Any) -> list[Any]:
    """Return plain values; times as `Nanoseconds`, since Python's own lose the nanoseconds."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        times = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()).to_pylist()
        return ["" if time is None else Nanoseconds(time) for time in times]
    return [cell(value) for value in column.to_pylist()]


def cell(value: Any) -> Any:
    """Return a value with nothing, and what is not a number, as an empty text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value.strip() if isinstance(value, str) else value


def _read_json(text: str) -> TableFile:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        found = _json_lines(text)
        if found is None:
            raise ValueError(f"not valid JSON: {error}") from error
    named = list(_json_rows(found))
    rows = [(label, row) for label, row in named if isinstance(row, Mapping)]
    header = tuple(dict.fromkeys(str(name) for _, row in rows for name in row))
    bad = [(label, {"": "it is not a JSON object"}) for label, row in named
           if not isinstance(row, Mapping)]  # fmt: skip
    cells = [(label, {str(k): cell(v) for k, v in row.items()}) for label, row in rows]
    return TableFile(header, [*cells, *bad])


def _json_lines(text: str) -> list[Any] | None:
    try:
        return [json.loads(line) for line in _lines(text) if line.strip()]
    except (json.JSONDecodeError, RecursionError):
        return None


def _json_rows(found: Any) -> Iterator[tuple[str, Any]]:
    """Give the objects of a list, of an object of objects (their keys are ids), or of columns."""
    if isinstance(found, list):
        yield from ((f"item {at}", item) for at, item in enumerate(found, 1))
    elif isinstance(found, dict):
        nested = [value for value in found.values() if isinstance(value, (list, dict))]
        if len(nested) == 1 and isinstance(nested[0], list):  # {"stations": [...], ...}
            yield from _json_rows(nested[0])
        elif _is_columns(found):
            for at in next(iter(found.values())):
                yield f"item {at}", {name: column[at] for name, column in found.items()}
        else:
            for name, value in found.items():
                is_row = isinstance(value, dict)
                yield f"item {shorten(name)}", {"id": name, **value} if is_row else value


def _is_columns(found: Mapping[str, Any]) -> bool:
    """Return whether an object holds columns, each with the same numbered rows (pandas)."""
    columns = list(found.values())
    if not columns or not all(isinstance(column, dict) for column in columns):
        return False
    rows = columns[0].keys()
    return all(row.isdecimal() for row in rows) and all(c.keys() == rows for c in columns)
