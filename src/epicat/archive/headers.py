"""What the headers of a miniSEED object say, without decoding a sample."""

from __future__ import annotations

from dataclasses import dataclass

from epicat.miniseed import UNREADABLE, scan
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
    spans = scan(body).spans
    spans.pop(UNREADABLE[:2], None)
    if not spans:
        raise ValueError(f"not miniSEED, {len(body)} bytes")
    return [ChannelSpan(*codes, span) for codes, span in sorted(spans.items())]
