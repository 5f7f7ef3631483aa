"""Picks from tables: CSV and other text, Parquet, JSON.

A station (``trace_id`` or ``station`` as ``NET.STA``, ``NET.STA.LOC`` or with a channel, or one
column for each code), ``phase`` and ``time`` are needed; ``confidence`` (or ``probability``) and
``channel`` are used if they are there.  SeisBench, PhaseNet, QuakeFlow, GaMMA and PyOcto write
such tables.  EQTransformer's has one row for a P and an S pick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from epicat._util.table_file import TableFile, find_columns, shorten
from epicat.errors import InputError
from epicat.imports.raw import RawFile, RawPick
from epicat.imports.times import TimeParser
from epicat.time import SECOND_NS

__all__ = ["find_pick_columns", "read_pick_table"]

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "trace": ("trace_id", "station_id", "seed_id"),
    "network": ("network_code", "network", "net"),
    "station": ("station_code", "station", "sta"),
    "location": ("location_code", "location", "loc"),
    "channel": ("channel", "channel_code", "band", "cha", "instrument_type"),
    "phase": ("phase", "phase_type", "phase_hint", "type"),
    "time": ("time", "phase_time", "peak_time", "timestamp", "pick_time", "arrival_time"),
    "confidence": ("confidence", "probability", "prob", "phase_score", "score", "peak_value"),
}
_EQTRANSFORMER: Final = {
    "P": ("p_arrival_time", "p_probability"),
    "S": ("s_arrival_time", "s_probability"),
}
_OLD_PHASENET: Final = {"P": ("itp", "tp_prob", "p_idx", "p_prob"),
                        "S": ("its", "ts_prob", "s_idx", "s_prob")}  # fmt: skip
_PHASENET_RATE_HZ = 100
_WANTED = "trace_id,channel,phase,time,confidence"


def find_pick_columns(table: TableFile) -> dict[str, str]:
    """Return which column holds what; raise `ValueError` if one is missing."""
    found = find_columns(table.header, _ALIASES)
    names = find_columns(table.header, {"id": ("id",)})
    if not {"trace", "station"} & set(found) and "id" in names:
        found["trace"] = names["id"]
    other = _other_form(table.header)
    missing = [] if other else [what for what in ("phase", "time") if what not in found]
    if not {"trace", "station"} & set(found) and other != "phasenet":
        missing.insert(0, "trace_id (or station)")
    if missing:
        names_text = ", ".join(table.header)
        raise ValueError(
            f"no column {', '.join(missing)}; the header is "
            f"{shorten(names_text) if names_text else 'empty'}; expected: {_WANTED}"
        )
    return found


def _other_form(header: Sequence[str]) -> str:
    names = set(header)
    if {"p_arrival_time", "s_arrival_time"} <= names:
        return "eqtransformer"
    if {"itp", "its"} <= names or {"p_idx", "s_idx"} <= names:
        return "phasenet"
    return ""


def read_pick_table(table: TableFile, columns: Mapping[str, str]) -> RawFile:
    """Read the rows; raise `InputError` for a number of time whose unit cannot be told."""
    found = RawFile()
    times = TimeParser()
    form = _other_form(table.header)
    read = {"eqtransformer": _eqtransformer, "phasenet": _old_phasenet}.get(form)
    for label, row in table.rows:
        with found.reading(label):
            if set(row) == {""} and row[""]:
                raise ValueError(row[""])
            cell = {what: row.get(name, "") for what, name in columns.items()}
            if read is None:
                found.picks.append(_pick(label, cell, times))
            else:
                found.picks += read(label, row, cell, times)
    if times.unit:
        found.notes.append(f"times read as {times.unit} since 1970")
    return found


def _pick(label: str, cell: Mapping[str, Any], times: TimeParser) -> RawPick:
    return RawPick(
        label=label,
        codes=_codes(cell),
        phase=str(cell["phase"]),
        time_ns=times.parse(cell["time"]),
        confidence=_confidence(cell.get("confidence", "")),
        band=str(cell.get("channel", "")),
    )


def _codes(cell: Mapping[str, Any]) -> tuple[str, ...]:
    text = str(cell.get("trace", "")) or str(cell.get("station", ""))
    if "." not in text and (cell.get("network") or "location" in cell):
        location = [str(cell["location"])] if "location" in cell else []
        return (str(cell.get("network", "")), text, *location)
    parts = tuple(text.split("."))
    if len(parts) > 4 or not text:
        raise ValueError(f"station {shorten(text)} is not NET.STA or NET.STA.LOC")
    return parts


def _confidence(value: Any) -> float | None:
    if value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"confidence {shorten(value)} is not a number") from None


def _eqtransformer(
    label: str, row: Mapping[str, Any], cell: Mapping[str, Any], times: TimeParser
) -> Iterator[RawPick]:
    """Give the picks of a row of ``X_prediction_results.csv``."""
    for phase, (time, probability) in _EQTRANSFORMER.items():
        if row.get(time, "") not in ("", "None"):
            text = row.get(probability, "")
            yield _pick(
                label, {**cell, "phase": phase, "time": row[time], "confidence": text}, times
            )


def _old_phasenet(
    label: str, row: Mapping[str, Any], cell: Mapping[str, Any], times: TimeParser
) -> Iterator[RawPick]:
    """Give the picks of a row of PhaseNet's first form: lists of samples, at 100 Hz."""
    start = next((row[name] for name in ("t0", "begin_time", "start_time") if row.get(name)), "")
    if not start:
        raise InputError(
            "picks are sample numbers of a file whose start time the table does not give (t0 or "
            "begin_time): write picks with times, as PhaseNet does since 2021"
        )
    start_ns = times.parse(start)
    name = str(row.get("fname") or row.get("file_name") or "")
    own = cell if {"trace", "station"} & set(cell) else {**cell, "trace": _trace_of(name)}
    for phase, names in _OLD_PHASENET.items():
        samples, probabilities = (
            _numbers(row, names[0], names[2]),
            _numbers(row, names[1], names[3]),
        )
        for at, sample in enumerate(samples):
            yield RawPick(
                label=label,
                codes=_codes(own),
                phase=phase,
                time_ns=start_ns + round(sample * SECOND_NS / _PHASENET_RATE_HZ),
                confidence=probabilities[at] if at < len(probabilities) else None,
                band=str(own.get("channel", "")),
            )


def _trace_of(name: str) -> str:
    """Return ``NET.STA.LOC`` of a file name that begins so."""
    found = re.match(r"(\w+\.\w+\.\w*)", name.rpartition("/")[2])
    if found is None:
        raise ValueError(f"file name {shorten(name)} does not begin with NET.STA.LOC")
    return found[1]


def _numbers(row: Mapping[str, Any], *names: str) -> list[float]:
    """Return the numbers of a list such as ``[12 340]`` or ``[12, 340]``."""
    value = next((row[name] for name in names if row.get(name, "") != ""), "")
    if isinstance(value, (list, tuple)):
        return [float(v) for v in value]
    try:
        return [float(text) for text in re.split(r"[\s,]+", str(value).strip("[] \n")) if text]
    except ValueError:
        raise ValueError(f"{shorten(value)} is not a list of numbers") from None
