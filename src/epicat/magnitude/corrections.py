"""Station corrections of magnitudes: estimated over many events, drawn to 0, named by a digest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epicat._util.files import atomic_file
from epicat.errors import InputError
from epicat.magnitude.network import NetworkModel, Observations, network_magnitudes
from epicat.model import digest_of

__all__ = ["Corrections", "estimate_corrections"]

F64 = NDArray[np.float64]

PRIOR = 0.3
"""Standard deviation that is expected of corrections."""
_ROUNDS = 6
_FORMAT = 1
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrections to add to station magnitudes, with a mean of 0."""

    stations: tuple[str, ...]
    """``NET.STA.LOC`` of each, in alphabetical order."""
    values: tuple[float, ...]
    """Magnitude units, in the order of ``stations``."""
    errors: tuple[float, ...]
    """Standard errors."""
    counts: tuple[int, ...]
    """Station magnitudes and bounds that each comes from."""
    law: str
    """Name of the law that they belong to."""

    @property
    def digest(self) -> str:
        """Identifies the corrections; equal for equal values."""
        return digest_of(self.law, *(f"{s}={v:.{_DIGITS}f}" for s, v in self.by_station.items()))

    @property
    def by_station(self) -> dict[str, float]:
        """The values by station."""
        return dict(zip(self.stations, self.values, strict=True))

    @classmethod
    def read(cls, path: Path) -> Corrections:
        """Read a file; raise `InputError` if it is none of `epicat magnitudes corrections`."""
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']}")
            rows = sorted(content["stations"], key=lambda row: str(row["station"]))
            return cls(
                stations=tuple(str(row["station"]) for row in rows),
                values=tuple(float(row["correction"]) for row in rows),
                errors=tuple(float(row["standard_error"]) for row in rows),
                counts=tuple(int(row["count"]) for row in rows),
                law=str(content["law"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} cannot be read as station corrections ({error}); write them with "
                "`epicat magnitudes corrections`"
            ) from error

    def write(self, path: Path) -> None:
        """Write the file, JSON."""
        columns = zip(self.stations, self.values, self.errors, self.counts, strict=True)
        rows = [
            {"station": s, "correction": v, "standard_error": e, "count": n}
            for s, v, e, n in columns
        ]
        content = {"format": _FORMAT, "digest": self.digest, "law": self.law, "stations": rows}
        with atomic_file(path, "w") as file:
            json.dump(content, file, indent=1)
            file.write("\n")


def estimate_corrections(
    given: Observations, station: NDArray[np.int64], names: tuple[str, ...], law: str
) -> Corrections:
    """Estimate the correction of each station from its station magnitudes of all events.

    ``station`` is the number of the station of each row, an index into ``names``.  Magnitudes of
    events and effects of stations are estimated in turn with the same censored likelihood, so
    that bounds count and outliers do not.  An effect is drawn to 0 as if it were one of a normal
    population of standard deviation `PRIOR`; one without any value is 0.
    """
    model, n = NetworkModel(), len(names)
    effect, error = np.zeros(n), np.full(n, PRIOR)
    for _ in range(_ROUNDS):
        rest = given.value - effect[station]
        events = network_magnitudes(
            Observations(given.event, rest, given.is_bound, given.n_events, given.is_peak), model
        )
        effect, error = _effects(given, station, events.value, n)
    counts = np.bincount(station, minlength=n)
    return Corrections(
        stations=names,
        values=tuple(round(float(-v), _DIGITS) for v in effect),
        errors=tuple(round(float(v), _DIGITS) for v in error),
        counts=tuple(counts.tolist()),
        law=law,
    )


def _effects(
    given: Observations, station: NDArray[np.int64], magnitude: F64, n: int
) -> tuple[F64, F64]:
    """Return how much larger each station's magnitudes are than those of the events."""
    rest = given.value - magnitude[given.event]
    there = np.isfinite(rest)
    own = Observations(station[there], rest[there], given.is_bound[there], n, given.is_peak[there])
    found = network_magnitudes(own, NetworkModel())
    data: F64 = 1 / np.square(np.nan_to_num(found.standard_error, nan=np.inf))
    share: F64 = data / (data + 1 / PRIOR**2)
    effect: F64 = share * np.nan_to_num(found.value)
    has_value = np.isfinite(found.value)
    if has_value.any():
        effect[has_value] -= np.average(effect[has_value], weights=share[has_value])
    error: F64 = np.sqrt(1 / (data + 1 / PRIOR**2))
    return effect, error
