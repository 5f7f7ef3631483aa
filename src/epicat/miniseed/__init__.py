"""miniSEED 2 and 3: find the records in an object, repair odd ones, identify other formats."""

from epicat.miniseed.formats import decompressed, identify
from epicat.miniseed.record2 import ENCODINGS, Repair, repaired
from epicat.miniseed.scan import (
    UNREADABLE,
    Headers,
    Scan,
    StationSpan,
    codes_of,
    covered_s,
    first_line,
    headers_of,
    records_by_channel,
    scan,
    station_spans,
    unreadable_reason,
)

__all__ = [
    "ENCODINGS",
    "UNREADABLE",
    "Headers",
    "Repair",
    "Scan",
    "StationSpan",
    "codes_of",
    "covered_s",
    "decompressed",
    "first_line",
    "headers_of",
    "identify",
    "records_by_channel",
    "repaired",
    "scan",
    "station_spans",
    "unreadable_reason",
]
