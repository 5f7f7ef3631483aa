"""Picks of others, from a table in CSV or Parquet.

Wanted are a station (``trace_id`` or ``station`` as ``NET.STA``, ``NET.STA.LOC`` or with a
channel, or one column for each code), ``phase``, ``time``, and if they are there ``confidence``
(or ``probability``) and ``channel``.  Other columns are left alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epicat.errors import InputError
from epicat.model import ANY_LOCATION, EVER, Pick
from epicat.time import parse_time

__all__ = ["PickFile", "read_picks"]

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "trace": ("trace_id", "station_id", "seed_id"),
    "network": ("network_code", "network", "net"),
    "station": ("station_code", "station", "sta"),
    "location": ("location_code", "location", "loc"),
    "channel": ("channel", "channel_code", "band", "cha"),
    "phase": ("phase", "phase_type", "phase_hint", "type"),
    "time": ("time", "phase_time", "peak_time", "timestamp"),
    "confidence": ("confidence", "probability", "prob", "phase_score", "score"),
}
_PARQUET = (".parquet", ".pq")
_SHOWN = 10

Row = tuple[str, Mapping[str, Any]]
"""Where a row is, in words, and its cells by what they mean."""


@dataclass(frozen=True, slots=True)
class PickFile:
    """What a file of picks holds."""

    picks: tuple[Pick, ...]
    """In the order of time; of picks that differ in nothing but confidence the most confident."""
    duplicates: int
    """Rows that repeat another one's pick."""
    columns: Mapping[str, str]
    """Which column was taken for what."""
    sha256: str
    """SHA-256 of the file."""


def read_picks(path: Path) -> PickFile:
    """Read a table of picks; raise `InputError` that names every bad row by its line."""
    body = _bytes(path)
    columns, rows = (_parquet if path.suffix.casefold() in _PARQUET else _csv)(path, body)
    kept: dict[tuple[int, str, str, str], Pick] = {}
    bad: list[str] = []
    count = 0
    for label, cell in rows:
        try:
            pick = _pick(cell)
        except ValueError as error:
            bad.append(f"{label}: {error}")
            continue
        count += 1
        key = (pick.time_ns, pick.trace_id, pick.band, pick.phase)
        if key not in kept or kept[key].confidence < pick.confidence:
            kept[key] = pick
    if bad:
        more = f"\n  and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise InputError(f"picks {str(path)!r}:\n  " + "\n  ".join(bad[:_SHOWN]) + more)
    if not kept:
        raise InputError(f"picks {str(path)!r}: there is no pick in it")
    digest = hashlib.sha256(body).hexdigest()
    return PickFile(tuple(sorted(kept.values())), count - len(kept), columns, digest)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"picks {str(path)!r}: cannot be read: {error.strerror}") from error


def _csv(path: Path, body: bytes) -> tuple[dict[str, str], Iterator[Row]]:
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig")), restval="")
        columns = _columns(path, reader.fieldnames or [])
    except UnicodeDecodeError as error:
        raise InputError(
            f"picks {str(path)!r}: not a text file in UTF-8; Parquet ends in .parquet"
        ) from error
    except csv.Error as error:
        raise InputError(f"picks {str(path)!r}: line 1: {error}") from error

    def rows() -> Iterator[Row]:
        try:
            for row in reader:
                cell = {what: row[name].strip() for what, name in columns.items()}
                yield f"line {reader.line_num}", cell
        except csv.Error as error:
            raise InputError(f"picks {str(path)!r}: line {reader.line_num}: {error}") from error

    return columns, rows()


def _parquet(path: Path, body: bytes) -> tuple[dict[str, str], Iterator[Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(body))
        columns = _columns(path, table.column_names)
        values = {what: _plain(table[name]) for what, name in columns.items()}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"picks {str(path)!r}: cannot be read as Parquet: {error}") from error
    cells = zip(*values.values(), strict=True)
    return columns, (
        (f"row {number}", dict(zip(values, row, strict=True)))
        for number, row in enumerate(cells, 1)
    )


def _plain(column: Any) -> list[Any]:
    """Return plain values; times as integers, since Python's own lose the nanoseconds."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return ["" if value is None else value for value in values]


def _columns(path: Path, header: Sequence[str]) -> dict[str, str]:
    names = {name.strip().casefold(): name for name in header if name}
    found = {
        what: names[alias]
        for what, aliases in _ALIASES.items()
        for alias in reversed(aliases)
        if alias in names
    }
    if not {"trace", "station"} & set(found) and "id" in names:
        found["trace"] = names["id"]
    missing = [what for what in ("phase", "time") if what not in found]
    if not {"trace", "station"} & set(found):
        missing.insert(0, "trace_id (or station)")
    if missing:
        raise InputError(
            f"picks {str(path)!r}: no column {', '.join(missing)}; it has "
            f"{', '.join(header) or 'no header'}; wanted: trace_id,channel,phase,time,confidence"
        )
    return found


def _pick(cell: Mapping[str, Any]) -> Pick:
    trace_id, own_channel = _codes(cell)
    phase = str(cell["phase"]).strip().upper()
    if phase not in ("P", "S"):
        raise ValueError(f"phase {cell['phase']!r} is not P or S")
    time_ns = _time_ns(cell["time"])
    channel = str(cell.get("channel", "")) or own_channel
    confidence = _confidence(cell.get("confidence", 1.0))
    return Pick(time_ns, trace_id, channel[:2], phase, confidence, time_ns, time_ns)


def _time_ns(given: Any) -> int:
    is_ns = isinstance(given, int) and not isinstance(given, bool)
    time_ns: int = given if is_ns else parse_time(str(given))
    if not EVER.start_ns <= time_ns < EVER.end_ns:
        raise ValueError(f"time {given} is not between 1900 and 2200; numbers are ns since 1970")
    return time_ns


def _confidence(given: Any) -> float:
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise ValueError(f"confidence {given!r} is not a number") from None
    if not 0 <= value <= 1:
        raise ValueError(f"confidence {given} is not between 0 and 1")
    return value


def _codes(cell: Mapping[str, Any]) -> tuple[str, str]:
    """Return ``NET.STA.LOC``, and the channel that the station's own name may hold."""
    text = str(cell.get("trace", "")) or str(cell.get("station", ""))
    if cell.get("network") and "." not in text:
        own = [str(cell["location"])] if "location" in cell else []
        text = ".".join([str(cell["network"]), text, *own])
    parts = text.split(".")
    if not 2 <= len(parts) <= 4 or not _are_codes(parts):
        raise ValueError(f"station {text!r} is not NET.STA or NET.STA.LOC")
    network, station, location, channel = (*parts, *(ANY_LOCATION, "")[len(parts) - 2 :])
    return f"{network}.{station}.{location.replace('--', '')}", channel


def _are_codes(parts: Iterable[str]) -> bool:
    network, station, *others = parts
    plain = all(code.isascii() and code.isalnum() for code in (network, station))
    rest = (code.replace("-", "").replace(ANY_LOCATION, "") for code in others)
    return plain and all(not code or (code.isascii() and code.isalnum()) for code in rest)
