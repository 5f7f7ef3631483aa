"""The formats of a catalog, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from epicat.export.fdsn_text import write_fdsn_text
from epicat.export.hypodd import write_hypodd
from epicat.export.nonlinloc import write_nonlinloc
from epicat.export.nonlinloc_hyp import write_nonlinloc_hyp
from epicat.export.quakeml import write_quakeml
from epicat.export.quakes import Writer
from epicat.export.skhash import write_skhash

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of events with their arrivals."""

    write: Writer
    """Writes it."""
    companions: tuple[str, ...] = ()
    """Suffixes, added to the name of the file, of additional files."""
    needs_file: bool = False
    """Whether it needs its additional files, so that it cannot go to stdout."""
    marks_rejected: bool = False
    """Whether it can mark events that quality control rejects."""


FORMATS: Mapping[str, Format] = {
    "quakeml": Format(write_quakeml, marks_rejected=True),
    "fdsn-text": Format(write_fdsn_text),
    "nonlinloc": Format(write_nonlinloc, (".stations.in",)),
    "nonlinloc-hyp": Format(write_nonlinloc_hyp, marks_rejected=True),
    "hypodd": Format(write_hypodd, (".ids.csv", ".stations.dat"), needs_file=True),
    "skhash": Format(write_skhash, (".stations.csv",)),
}
