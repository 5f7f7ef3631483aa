"""Station terms as a file: a named result with a digest, which a location names in turn."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.locate.estimate_terms import Calibration
from epicat.locate.grids import PHASES
from epicat.locate.kriging import DelayField
from epicat.locate.pick_errors import CONFIDENCE_EDGES
from epicat.locate.terms import SourceTerms, StaticTerms, StationTerms

__all__ = ["FileTerms", "TermsFile"]

F64 = NDArray[np.float64]

_FORMAT = 4


@dataclass(frozen=True, slots=True)
class TermsFile:
    """Terms of sites and picks, and the events that they come from."""

    values: dict[str, NDArray[Any]]
    """The arrays of the file by name."""

    @classmethod
    def from_calibration(
        cls,
        found: Calibration,
        sites: tuple[str, ...],
        event_ids: tuple[str, ...],
        origin: tuple[float, float],
        picker: str = "",
    ) -> TermsFile:
        """Keep a calibration.

        ``origin`` is latitude and longitude of the local plane's origin, ``picker`` what made
        the picks.
        """
        source = found.source
        numbers = np.zeros(0, dtype=np.int64)
        return cls(
            {
                "format": np.array(_FORMAT),
                "sites": np.array(sites),
                "event_ids": np.array(event_ids),
                "origin": np.array(origin),
                "value_s": found.static.value_s,
                "error_s": found.static.error_s,
                "support": found.static.support,
                "scale": found.static.scale,
                "covariance": found.static.covariance,
                "scatter_s": np.array(found.before.phase_s),
                "pick_error_s": np.array(found.after.phase_s),
                "class_error_s": found.after.sigma_s,
                "confidence_edges": np.array(CONFIDENCE_EDGES),
                "wrong_share": np.array(found.after.wrong_share),
                "picker": np.array(picker),
                "place_km": source.place_km if source else np.zeros((0, 3)),
                "event": source.event if source else numbers,
                "key": source.key if source else numbers,
                "path_s": source.value_s if source else np.zeros(0),
                "noise_s2": source.noise_s2 if source else np.zeros(0),
                "field_s2": np.array([f.variance_s2 for f in source.fields] if source else []),
                "field_km": np.array([f.length_km for f in source.fields] if source else []),
                "correlation": np.array(source.correlation if source else 0.0),
            }
        )

    @classmethod
    def read(cls, path: Path | IO[bytes]) -> TermsFile:
        """Read a file; raise `InputError` if it is none of `epicat terms`."""
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {name: file[name] for name in file.files}
            if int(values["format"]) != _FORMAT:
                raise ValueError(f"format {values['format']}")
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise InputError(
                f"{path} cannot be read as station terms ({error}); write them with `epicat terms`"
            ) from error
        return cls(values)

    def write(self, path: Path) -> None:
        """Write the file."""
        with path.open("wb") as file:
            np.savez_compressed(file, **self.values)

    @property
    def digest(self) -> str:
        """Identifies the terms; equal for equal values."""
        state = hashlib.sha256()
        for name in sorted(self.values):
            state.update(name.encode())
            state.update(np.ascontiguousarray(self.values[name]).tobytes())
        return b32encode(state.digest()[:10]).decode().lower()

    @property
    def expected_s(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Standard errors of P and S picks that the terms leave, by class of confidence."""
        p, s = (tuple(row) for row in self.values["class_error_s"].tolist())
        return p, s

    @property
    def wrong_share(self) -> float:
        """Share of wrong picks."""
        return float(self.values["wrong_share"])

    def terms(self, sites: tuple[str, ...], origin: tuple[float, float]) -> FileTerms:
        """Return the terms for a network whose sites are in another order, or other sites.

        A site without terms has terms of 0.  Raises `InputError` for another local plane.
        """
        if self.values["origin"].tolist() != list(origin):
            raise InputError(
                f"the station terms are for a region about {self.values['origin'].tolist()}, not "
                f"{list(origin)}; compute them with `epicat terms` for this associator"
            )
        number = {name: i for i, name in enumerate(self.values["sites"].tolist())}
        ours, theirs = [], []
        for i, name in enumerate(sites):
            if name in number:
                ours += [len(PHASES) * i + p for p in range(len(PHASES))]
                theirs += [len(PHASES) * number[name] + p for p in range(len(PHASES))]
        new = np.full(len(PHASES) * len(number), -1)
        new[theirs] = ours
        static = self._static(len(PHASES) * len(sites), ours, theirs)
        return FileTerms(static, self._source(new), self.values["event_ids"].tolist())

    def _static(self, keys: int, ours: list[int], theirs: list[int]) -> StaticTerms:
        """Return static terms of ``keys`` keys, of which ``ours`` are ``theirs`` in the file."""
        none = StaticTerms.none(keys)
        squares = self.values["value_s"] ** 2 + self.values["error_s"] ** 2
        phase = np.arange(keys) % len(PHASES)
        # A site without terms has delays like those of the others.
        spread = np.array([squares[p :: len(PHASES)].mean() for p in range(len(PHASES))])
        none.covariance[np.arange(keys), np.arange(keys)] = spread[phase]
        none.value_s[ours] = self.values["value_s"][theirs]
        none.support[ours] = self.values["support"][theirs]
        # The last rows are those of the scales.
        scales, last = np.arange(len(PHASES)), len(self.values["value_s"])
        mine, own = [*ours, *(keys + scales)], [*theirs, *(last + scales)]
        none.covariance[np.ix_(mine, mine)] = self.values["covariance"][np.ix_(own, own)]
        return replace(none, scale=self.values["scale"])

    def _source(self, new: NDArray[np.int64]) -> SourceTerms | None:
        """Return the events of source-specific terms, with keys as ``new`` numbers them."""
        if len(self.values["place_km"]) == 0:
            return None
        key = new[self.values["key"]]
        known = key >= 0
        sizes = zip(self.values["field_s2"].tolist(), self.values["field_km"].tolist(), strict=True)
        fields = [DelayField(*size) for size in sizes]
        return SourceTerms(
            place_km=self.values["place_km"],
            event=self.values["event"][known],
            key=key[known],
            value_s=self.values["path_s"][known],
            noise_s2=self.values["noise_s2"][known],
            fields=(fields[0], fields[1]),
            correlation=float(self.values["correlation"]),
        )


class FileTerms:
    """Terms that know which events they come from."""

    def __init__(
        self, static: StaticTerms, source: SourceTerms | None, event_ids: list[str]
    ) -> None:
        self._terms = StationTerms(static, source)
        self._number = {name: i for i, name in enumerate(event_ids)}

    def for_events(self, event_ids: list[str]) -> StationTerms:
        """Return the terms for events: none of them is its own neighbour."""
        own = np.array([self._number.get(name, -1) for name in event_ids], dtype=np.int64)
        return self._terms.for_events(own)
