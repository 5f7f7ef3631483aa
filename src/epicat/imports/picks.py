"""Read a file of picks in any of the formats of `epicat.imports`, recognised by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from epicat._util.table_file import read_table_file
from epicat.errors import InputError
from epicat.imports.phase_files import (
    is_hypodd,
    is_nonlinloc,
    read_hypodd,
    read_nonlinloc,
    read_real,
)
from epicat.imports.pick_table import find_pick_columns, read_pick_table
from epicat.imports.raw import Interpreter, RawFile, ReadingOptions
from epicat.imports.seismic_xml import read_seismic_xml
from epicat.model import Pick

__all__ = ["PickFile", "read_body", "read_picks", "text_lines"]

_HEAD = 50


@dataclass(frozen=True, slots=True)
class PickFile:
    """What a file of picks holds."""

    picks: tuple[Pick, ...]
    """In order of time; of picks that differ only in confidence the most confident one."""
    duplicates: int
    """Rows that repeat another one's pick."""
    columns: Mapping[str, str]
    """Which column was read as what; of a file that is not a table its format."""
    sha256: str
    """SHA-256 of the file."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else decides the picks, such as the network of bare station names."""
    notes: tuple[str, ...] = ()
    """What was left out or assumed, for the user."""


def read_picks(path: Path, options: ReadingOptions | None = None) -> PickFile:
    """Read picks: a table, QuakeML or SeisComP's XML, NonLinLoc, hypoDD, or REAL's files.

    Rows that cannot be used are left out and named in ``notes``.  Raises `InputError` for a file
    that cannot be read, without a single pick, or with times whose unit cannot be told.
    """
    body = read_body(path, "picks")
    try:
        raw, columns = _read(path, body)
    except ValueError as error:
        raise InputError(f"picks {str(path)!r}: {error}") from error
    interpreter = Interpreter(options or ReadingOptions(), raw.rejected)
    kept: dict[tuple[int, str, str, str], Pick] = {}
    count = 0
    for row in raw.all_picks():
        pick = interpreter.pick(row)
        if pick is None:
            continue
        count += 1
        key = (pick.time_ns, pick.trace_id, pick.band, pick.phase)
        if key not in kept or kept[key].confidence < pick.confidence:
            kept[key] = pick
    notes = (*raw.notes, *interpreter.messages())
    if not kept:
        reasons = "".join(f"\n  {note}" for note in notes)
        raise InputError(f"picks {str(path)!r}: there is no pick in it{reasons}")
    return PickFile(
        picks=tuple(sorted(kept.values())),
        duplicates=count - len(kept),
        columns=columns,
        sha256=hashlib.sha256(body).hexdigest(),
        settings=interpreter.settings,
        notes=notes,
    )


def read_body(path: Path, what: str) -> bytes:
    """Return the bytes of a file, or of all files of a folder with their names (REAL's picks)."""
    try:
        if path.is_dir():
            files = sorted(path.rglob("*.[PS].txt"))
            return b"".join(
                f"{file.relative_to(path)}\n".encode() + file.read_bytes() for file in files
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{what} {str(path)!r}: cannot be read: {error.strerror}") from error


def text_lines(body: bytes) -> list[str]:
    """Return the lines of a text file."""
    return body.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").split("\n")


def _read(path: Path, body: bytes) -> tuple[RawFile, dict[str, str]]:
    if path.is_dir() or path.name.endswith((".P.txt", ".S.txt")):
        return read_real(path), {"format": "real"}
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_seismic_xml(body), {"format": "xml"}
    table = read_table_file(body)
    if table.delimiter:
        lines = text_lines(body)
        if is_hypodd(lines[:_HEAD]):
            return read_hypodd(lines), {"format": "hypodd"}
        if is_nonlinloc(lines[:_HEAD]):
            return read_nonlinloc(lines), {"format": "nonlinloc"}
    columns = find_pick_columns(table)
    return read_pick_table(table, columns), columns
