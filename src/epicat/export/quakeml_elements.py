"""Elements and identifiers that all parts of a QuakeML document use."""

from __future__ import annotations

import html
import math
import re
from functools import cache
from importlib.metadata import version

from epicat.model import ANY_LOCATION

__all__ = ["codes", "creation", "escaped", "number", "text", "uri", "waveform"]

_NOT_IN_URI = re.compile(r"[^A-Za-z0-9.*()_'-]")
"""Characters that QuakeML does not allow in an identifier."""
_OUTSIDE_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def uri(kind: str, name: str) -> str:
    """Return the QuakeML resource identifier of an event, pick, run, ...

    >>> uri("event", "mzxw6ytboi")
    'smi:local/epicat/event/mzxw6ytboi'
    """
    return f"smi:local/epicat/{kind}/{escaped(name)}"


def escaped(name: str) -> str:
    """Replace characters that an identifier must not contain by their code between tildes.

    >>> escaped("NC KBG")
    'NC~20~KBG'
    """
    return _NOT_IN_URI.sub(lambda letter: f"~{ord(letter[0]):x}~", name)


@cache
def waveform(trace_id: str, channel: str | None) -> str:
    """Return the element that names a trace, with a channel or band code if there is one."""
    network, station, location = (text(c) for c in codes(trace_id))
    place = "" if location == ANY_LOCATION else f' locationCode="{location}"'
    band = f' channelCode="{text(channel)}"' if channel else ""
    return f'<waveformID networkCode="{network}" stationCode="{station}"{place}{band}/>'


def codes(trace_id: str) -> tuple[str, str, str]:
    """Return network, station and location code."""
    network, station, location, *_ = [*trace_id.split("."), "", ""]
    return network, station, location


def number(name: str, value: float, decimals: int) -> str:
    """Return an element, or nothing for what is not a number."""
    return f"<{name}>{value:z.{decimals}f}</{name}>" if math.isfinite(value) else ""


@cache
def creation() -> str:
    """Return who made an element, without a time."""
    made_by = text(version("epicat"))
    return f"<creationInfo><agencyID>epicat</agencyID><version>{made_by}</version></creationInfo>"


@cache
def text(value: str) -> str:
    """Return text as XML has it."""
    return html.escape(_OUTSIDE_XML.sub("\N{REPLACEMENT CHARACTER}", value))
