"""The formats of a whole catalog, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from epicat.export.fdsn_text import write_fdsn_text
from epicat.export.hypodd import write_hypodd
from epicat.export.nonlinloc import write_nonlinloc
from epicat.export.quakeml import write_quakeml
from epicat.export.written import Writer

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of events with their arrivals."""

    write: Writer
    """Writes it."""
    beside: tuple[str, ...] = ()
    """Endings of the files that are written beside the catalog's, after its whole name."""
    needs_file: bool = False
    """Whether it is of no use without the files beside it, so that stdout will not do."""
    tells_rejected: bool = False
    """Whether it can say of an event that quality control rejects it."""


FORMATS: Mapping[str, Format] = {
    "quakeml": Format(write_quakeml, tells_rejected=True),
    "fdsn-text": Format(write_fdsn_text),
    "nonlinloc": Format(write_nonlinloc, (".stations.in",)),
    "hypodd": Format(write_hypodd, (".ids.csv", ".stations.dat"), needs_file=True),
}
