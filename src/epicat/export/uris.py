"""Resource identifiers: the names that QuakeML, and who reads it, give to events and picks."""

from __future__ import annotations

import re

__all__ = ["escaped", "uri"]

_OUTSIDE = re.compile(r"[^A-Za-z0-9.*()_'-]")
"""What an identifier may not hold, and the letter that stands for it here."""


def uri(kind: str, name: str) -> str:
    """Return the identifier of a thing.

    >>> uri("event", "mzxw6ytboi")
    'smi:local/epicat/event/mzxw6ytboi'
    """
    return f"smi:local/epicat/{kind}/{escaped(name)}"


def escaped(name: str) -> str:
    """Write letters that an identifier may not hold as their number between tildes.

    >>> escaped("NC KBG")
    'NC~20~KBG'
    """
    return _OUTSIDE.sub(lambda letter: f"~{ord(letter[0]):x}~", name)
