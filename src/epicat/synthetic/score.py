"""How good a catalog is, where the truth is known: found, missed and false, and by how much off."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from epicat.errors import InputError
from epicat.geo import distance_azimuth
from epicat.synthetic.matching import match
from epicat.time import SECOND_NS

__all__ = ["PhaseScore", "Score", "Truth", "compare", "read_truth"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_STATIONS: Final = 5
_SNR: Final = 3.0
_EVENT_S, _EVENT_KM = 3.0, 30.0
_PICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known."""

    events: pa.Table
    """Rows of ``epicat.synthetic.truth_schema.TRUE_EVENTS``."""
    arrivals: pa.Table
    """Rows of ``epicat.synthetic.truth_schema.TRUE_ARRIVALS``."""


@dataclass(frozen=True, slots=True)
class PhaseScore:
    """Picks of one phase beside the true arrivals."""

    true: int
    """Recorded arrivals with a signal-to-noise ratio above 3."""
    found: int
    """Those with a pick within 0.5 s, one pick for each."""
    picks: int
    """All picks."""
    matched: int
    """Picks that belong to an arrival of whatever signal-to-noise ratio."""
    residual_s: float
    """Median of pick minus arrival, of those that were found."""
    spread_s: float
    """Median of the absolute values of the same."""


@dataclass(frozen=True, slots=True)
class Score:
    """A catalog beside the truth.

    An event counts if five or more stations have recorded its P with a signal-to-noise ratio
    above 3; `epicat.synthetic.snr` defines that.  An event of the catalog is a true one
    if its origin time is within 3 s and its epicentre within 30 km, one to one.
    """

    true: int
    """All true events."""
    detectable: int
    """Those that count."""
    found: int
    """Those that count and are in the catalog."""
    missed: int
    """Those that count and are not."""
    extra: int
    """True events in the catalog that do not count: smaller ones."""
    false: int
    """Events of the catalog that are none."""
    time_error_s: float
    """Median of the absolute error of origin times, of all true events in the catalog."""
    epicentre_error_km: float
    """Median error of epicentres."""
    depth_error_km: float
    """Median of the absolute error of depths."""
    p: PhaseScore
    """Picks of P."""
    s: PhaseScore
    """Picks of S."""

    @property
    def recall(self) -> float:
        """Share of the events that count which were found; 1 if there are none."""
        return self.found / self.detectable if self.detectable else 1.0

    @property
    def false_share(self) -> float:
        """Share of the catalog that is false; 0 for an empty one."""
        catalog = self.found + self.extra + self.false
        return self.false / catalog if catalog else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return {**asdict(self), "recall": self.recall, "false_share": self.false_share}


def read_truth(folder: Path) -> Truth:
    """Read the folder ``truth/`` of a synthetic archive, or the archive's own folder."""
    root = folder / "truth" if (folder / "truth").is_dir() else folder
    try:
        return Truth(*(pq.read_table(root / f"{name}.parquet") for name in ("events", "arrivals")))
    except OSError as error:
        raise InputError(
            f"no truth in {str(folder)!r}: {error}; give the folder that `epicat synth` wrote"
        ) from error


def compare(truth: Truth, events: pa.Table, picks: pa.Table) -> Score:
    """Compare a catalog and its picks, rows of ``epicat.tables``, with the truth."""
    counts = np.array(truth.events["n_detectable"].to_pylist(), int) >= _STATIONS
    pairs = _matched_events(truth.events, events)
    mine, theirs = (np.array([pair[side] for pair in pairs], int) for side in (0, 1))
    found = int(counts[mine].sum())
    return Score(
        true=truth.events.num_rows,
        detectable=int(counts.sum()),
        found=found,
        missed=int(counts.sum()) - found,
        extra=len(pairs) - found,
        false=events.num_rows - len(pairs),
        **_errors(truth.events, events, mine, theirs),
        p=_phase_score(truth.arrivals, picks, "P"),
        s=_phase_score(truth.arrivals, picks, "S"),
    )


def _matched_events(true: pa.Table, events: pa.Table) -> list[tuple[int, int]]:
    def cost(mine: I64, theirs: I64) -> F64:
        away = _distance(true, events, *np.broadcast_arrays(mine, theirs)) / _EVENT_KM
        late = np.abs(_times(true)[mine] - _times(events)[theirs]) / (_EVENT_S * SECOND_NS)
        return np.where(away > 1.0, 2.0, (away + late) / 2)

    return match(_times(true), _times(events), int(_EVENT_S * SECOND_NS), cost)


def _errors(true: pa.Table, events: pa.Table, mine: I64, theirs: I64) -> dict[str, float]:
    late = (_times(events)[theirs] - _times(true)[mine]) / SECOND_NS
    deep = _numbers(events, "depth_km")[theirs] - _numbers(true, "depth_km")[mine]
    return {
        "time_error_s": _median(np.abs(late)),
        "epicentre_error_km": _median(_distance(true, events, mine, theirs)),
        "depth_error_km": _median(np.abs(deep)),
    }


def _distance(true: pa.Table, events: pa.Table, mine: I64, theirs: I64) -> F64:
    one = (_numbers(true, name)[mine] for name in ("latitude", "longitude"))
    other = (_numbers(events, name)[theirs] for name in ("latitude", "longitude"))
    return distance_azimuth(*one, *other)[0]


def _phase_score(arrivals: pa.Table, picks: pa.Table, phase: str) -> PhaseScore:
    true = arrivals.filter(pc.and_(pc.equal(arrivals["phase"], phase), arrivals["recorded"]))
    made = picks.filter(pc.equal(picks["phase"], phase))
    is_clear = _numbers(true, "snr") > _SNR
    stations, made_at = (np.array(_names(table), object) for table in (true, made))
    residuals, matched = [], 0
    for name in sorted(set(stations.tolist()) & set(made_at.tolist())):
        mine, theirs = np.flatnonzero(stations == name), np.flatnonzero(made_at == name)
        for one, other in _matched_picks(_times(true)[mine], _times(made)[theirs]):
            matched += 1
            if is_clear[mine[one]]:
                late = _times(made)[theirs[other]] - _times(true)[mine[one]]
                residuals.append(late / SECOND_NS)
    return PhaseScore(
        int(is_clear.sum()), len(residuals), made.num_rows, matched,
        _median(np.array(residuals)), _median(np.abs(residuals)),
    )  # fmt: skip


def _matched_picks(true: I64, made: I64) -> list[tuple[int, int]]:
    tolerance = int(_PICK_S * SECOND_NS)
    return match(true, made, tolerance, lambda a, b: np.abs(true[a] - made[b]) / tolerance)


def _names(table: pa.Table) -> list[str]:
    """Return ``NET.STA`` of each row: a site is one station, whatever its location codes."""
    return [".".join(name.split(".")[:2]) for name in table["trace_id"].to_pylist()]


def _times(table: pa.Table) -> I64:
    return np.asarray(table["time"].cast(pa.int64()).to_numpy())


def _numbers(table: pa.Table, name: str) -> F64:
    return np.asarray(table[name].to_numpy(), dtype=float)


def _median(values: F64) -> float:
    return float(np.median(values)) if len(values) else float("nan")
