"""What the headers of a miniSEED object say, without decoding a sample."""

from __future__ import annotations

from dataclasses import dataclass

import pymseed

from epicat.model import Span

__all__ = ["ChannelSpan", "read_headers"]


@dataclass(frozen=True, slots=True)
class ChannelSpan:
    """A station whose data an object holds, and from when to when."""

    network: str
    """Network code."""
    station: str
    """Station code."""
    span: Span
    """From the first to the last sample, gaps included."""


def read_headers(body: bytes) -> list[ChannelSpan]:
    """Return the stations in an object, each once; raise ValueError if there is no miniSEED."""
    if not body:
        raise ValueError("empty, 0 bytes")
    found: dict[tuple[str, str], Span] = {}
    with pymseed.MS3TraceList() as traces:
        try:
            traces.add_buffer(body, skip_not_data=True)
        except pymseed.MiniSEEDError as error:
            if len(traces) == 0:
                raise ValueError(f"not miniSEED: {error}") from error
        for trace in traces:
            _widen(found, trace)
    if not found:
        raise ValueError("no miniSEED record found")
    return [ChannelSpan(*codes, span) for codes, span in sorted(found.items())]


def _widen(found: dict[tuple[str, str], Span], trace: pymseed.mstracelist.MS3TraceID) -> None:
    try:
        network, station, _, _ = pymseed.sourceid2nslc(trace.sourceid)
    except (ValueError, pymseed.PymseedError):
        return
    span = Span(trace.earliest, trace.latest + 1)
    known = found.get((network, station), span)
    found[network, station] = Span(
        min(known.start_ns, span.start_ns), max(known.end_ns, span.end_ns)
    )
